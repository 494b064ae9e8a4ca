/// The control bits of a TCP segment (RFC 9293 §3.1), as they lie in byte 13 of its header.
struct TCPFlags: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
    static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
    static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
    static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }

    /// Whether this is a client's first segment. IPVS takes a SYN-ACK for one as well, for the sake of active FTP through
    /// NAT (`tcp_conn_schedule` in `net/netfilter/ipvs/ip_vs_proto_tcp.c`); in direct routing that would only let strangers
    /// fill the table with answers to SYNs that were sent in the VIP's name.
    var opensConnection: Bool { contains(.syn) && !contains(.ack) && !contains(.rst) }
}
