import NetworkAddress

/// One end of a packet rewritten in place, with every checksum that covers it brought up to date (RFC 1624; `tcp_dnat_handler`,
/// `tcp_snat_handler` in `net/netfilter/ipvs/ip_vs_proto_tcp.c`).
enum Translation {
    /// Which end.
    enum End { case source, destination }

    /// Writes `address`, and for TCP and UDP `port`, or for an ICMP echo `port` as its identifier, over one end of the packet in `frame`, which has been
    /// through ``Packet``. A later fragment's transport checksum is in the first one, which is rewritten by the same amount.
    @inline(__always)
    static func rewrite(_ end: End, of packet: Packet, in frame: Frame, to address: IPv6Address, port: UInt16) {
        guard let base = frame.bytes.baseAddress else { return }
        let ip = base + InternetHeader.ethernet
        let isIPv6 = packet.header.isIPv6
        let old = InternetChecksum.sum(end == .source ? packet.source : packet.destination)
        let new = InternetChecksum.sum(address)
        ip.write(address, at: (end == .source ? 0 : isIPv6 ? 16 : 4) + (isIPv6 ? 8 : 12), isIPv6: isIPv6)
        if !isIPv6 {
            ip.write(InternetChecksum.updated(UnsafeRawPointer(ip).word(at: 10), from: old, to: new), at: 10)
        }
        guard !packet.isLaterFragment else { return }
        let isEcho = packet.isEchoRequest || packet.isEchoReply
        if isEcho, !isIPv6 {
            // Of IPv4 no address is under ICMP's checksum.
            let icmp = UnsafeRawPointer(ip) + packet.header.length
            let checksum = InternetChecksum.updated(icmp.word(at: 2), from: icmp.word(at: 4), to: port)
            ip.write(checksum, at: packet.header.length + 2)
            ip.write(port, at: packet.header.length + 4)
        }
        guard let place = packet.header.checksumOffset else { return }
        let portPlace = packet.header.length + (isEcho ? 4 : end == .source ? 0 : 2)
        let oldPort = UnsafeRawPointer(ip).word(at: portPlace)
        ip.write(port, at: portPlace)

        let checksum = UnsafeRawPointer(ip).word(at: place)
        if frame.isPartial {
            // Only the pseudo-header's sum so far: ports are not under it.
            ip.write(InternetChecksum.updated(partial: checksum, from: old, to: new), at: place)
            return
        }
        // RFC 768: a UDP checksum of 0 is none.
        guard packet.transport != InternetHeader.udp || checksum != 0 else { return }
        let updated = InternetChecksum.updated(
            InternetChecksum.updated(checksum, from: old, to: new), from: oldPort, to: port)
        ip.write(packet.header.wireForm(updated), at: place)
    }
}
