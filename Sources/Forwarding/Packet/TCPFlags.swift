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

    /// What a segment does to the state of its connection.
    enum Event { case rst, syn, fin, ack }

    /// RST counts before SYN, SYN before FIN, FIN before ACK (`tcp_state_idx` in `net/netfilter/ipvs/ip_vs_proto_tcp.c`).
    @inline(__always)
    var event: Event? {
        if contains(.rst) { return .rst }
        if contains(.syn) { return .syn }
        if contains(.fin) { return .fin }
        return contains(.ack) ? .ack : nil
    }
}
