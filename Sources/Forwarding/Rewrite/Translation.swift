import NetworkAddress

/// One end of a packet rewritten in place, with every checksum that covers it brought up to date (RFC 1624; `tcp_dnat_handler`,
/// `tcp_snat_handler` in `net/netfilter/ipvs/ip_vs_proto_tcp.c`).
enum Translation {
    /// Which end.
    enum End { case source, destination }

    /// Writes `address`, and `port` where the packet carries ports, over one end of the packet in `frame`, which has been
    /// through ``Packet``. A later fragment's transport checksum is in the first one, which is rewritten by the same amount.
    @inline(__always)
    static func rewrite(_ end: End, of packet: Packet, in frame: Frame, to address: IPv6Address, port: UInt16) {
        guard let base = frame.bytes.baseAddress else { return }
        let ip = base + FrameLayout.ethernetHeader
        let old = end == .source ? packet.source : packet.destination
        let addressChange: UInt16
        switch packet.family {
        case .v4:
            addressChange = InternetChecksum.change(from: old.low32, to: address.low32)
            ip.store(long: address.low32, at: end == .source ? 12 : 16)
            let checksum = UnsafeRawPointer(ip).word(at: 10)
            ip.store(word: InternetChecksum.updated(checksum, by: addressChange), at: 10)
        case .v6:
            addressChange = InternetChecksum.change(from: old, to: address)
            ip.store(address6: address, at: end == .source ? 8 : 24)
        }
        guard !packet.isLaterFragment, let checksumOffset = checksumOffset(of: packet.transport) else { return }
        let transport = ip + packet.headerLength
        let portOffset = end == .source ? 0 : 2
        let oldPort = UnsafeRawPointer(transport).word(at: portOffset)
        transport.store(word: port, at: portOffset)

        let checksum = UnsafeRawPointer(transport).word(at: checksumOffset)
        if frame.isPartial {
            // Only the pseudo-header's sum so far, not complemented: ports are not under it.
            transport.store(word: InternetChecksum.added(checksum, addressChange), at: checksumOffset)
            return
        }
        // RFC 768: a UDP checksum of 0 is none, and one that comes out as 0 is sent as all ones.
        let isUDP = packet.transport == ProtocolNumber.udp
        guard !isUDP || checksum != 0 else { return }
        let change = InternetChecksum.added(addressChange, InternetChecksum.change(from: oldPort, to: port))
        let new = InternetChecksum.updated(checksum, by: change)
        transport.store(word: isUDP && new == 0 ? 0xFFFF : new, at: checksumOffset)
    }

    /// Where the checksum lies in a transport header with ports.
    @inline(__always)
    private static func checksumOffset(of transport: UInt8) -> Int? {
        switch transport {
        case ProtocolNumber.tcp: 16
        case ProtocolNumber.udp: 6
        default: nil
        }
    }
}
