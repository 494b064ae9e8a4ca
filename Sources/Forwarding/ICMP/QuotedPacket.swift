import NetworkAddress

/// An ICMP error and the packet it quotes, by which it finds its connection: `ip_vs_in_icmp`, `ip_vs_out_icmp` and their
/// IPv6 siblings (`net/netfilter/ipvs/ip_vs_core.c`).
struct QuotedPacket {
    /// What the error says.
    let message: ICMPMessage
    /// Who sent the error, and to whom.
    let sender: IPv6Address
    let receiver: IPv6Address
    /// The quoted packet's own header. Of its length only what lies before ``end`` is there.
    let header: InternetHeader
    /// The ports of TCP and UDP; an ICMP echo's identifier is the port of who asks, as in ``Packet``, and the other one 0.
    let sourcePort: UInt16
    let destinationPort: UInt16

    /// Where the ICMP message, the quoted packet and its end lie in the frame.
    let icmp: Int
    let start: Int
    let end: Int

    /// Reads a frame with an ICMP error: type 3, 4 or 11 of IPv4; of IPv6 every error.
    ///
    /// - Returns: nil where it is something else, is a fragment, or quotes less than a packet's first headers and the 8 bytes
    ///   behind them; or quotes part of a datagram that has no ports, or a protocol whose ports nobody knows here.
    init?(_ frame: UnsafeRawBufferPointer) {
        guard let outer = InternetHeader(frame: frame), !outer.isFragment, let base = frame.baseAddress,
            outer.transport == (outer.isIPv6 ? InternetHeader.icmpv6 : InternetHeader.icmp)
        else { return nil }
        let icmp = InternetHeader.ethernet + outer.length
        let end = InternetHeader.ethernet + outer.totalLength
        guard icmp + 8 <= end else { return nil }
        let message = ICMPMessage(
            isIPv6: outer.isIPv6, type: base.byte(at: icmp), code: base.byte(at: icmp + 1),
            info: base.long(at: icmp + 4))
        let type = message.type
        guard message.isIPv6 ? (1...127).contains(type) : type == 3 || type == 4 || type == 11 else { return nil }
        self.init(
            frame, quotedAt: icmp + 8, end: end, message, icmp: icmp, from: outer.source, to: outer.destination)
        guard header.isIPv6 == message.isIPv6 else { return nil }
    }

    /// The packet at `start`, quoted by the error `message`.
    init?(
        _ frame: UnsafeRawBufferPointer, quotedAt start: Int, end: Int, _ message: ICMPMessage, icmp: Int,
        from sender: IPv6Address, to receiver: IPv6Address
    ) {
        guard let base = frame.baseAddress, start < end, end <= frame.count,
            let header = InternetHeader(UnsafeRawBufferPointer(rebasing: frame[start..<end])),
            header.fragmentOffset == 0, header.length + 8 <= min(end - start, header.totalLength)
        else { return nil }
        let transport = base + start + header.length
        switch header.transport {
        case InternetHeader.tcp, InternetHeader.udp:
            sourcePort = transport.word(at: 0)
            destinationPort = transport.word(at: 2)
        case InternetHeader.icmp where !header.isIPv6 && Self.isEcho(transport.byte(at: 0), 8, 0),
            InternetHeader.icmpv6 where header.isIPv6 && Self.isEcho(transport.byte(at: 0), 128, 129):
            let isReply = transport.byte(at: 0) == (header.isIPv6 ? 129 : 0)
            sourcePort = isReply ? 0 : transport.word(at: 4)
            destinationPort = isReply ? transport.word(at: 4) : 0
        case InternetHeader.ipip, InternetHeader.ipv6, InternetHeader.gre:
            // One of our tunnels' packets, perhaps.
            sourcePort = 0
            destinationPort = 0
        default: return nil
        }
        self.message = message
        self.sender = sender
        self.receiver = receiver
        self.header = header
        self.icmp = icmp
        self.start = start
        self.end = end
    }

    private static func isEcho(_ type: UInt8, _ request: UInt8, _ reply: UInt8) -> Bool {
        type == request || type == reply
    }

    /// The MTU that the error tells of; nil where it tells of none, 0 included (a router older than RFC 1191).
    var pathMTU: Int? {
        let mtu: UInt32
        switch (message.isIPv6, message.type, message.code) {
        case (false, 3, 4): mtu = message.info & 0xFFFF
        case (true, 2, _): mtu = message.info
        default: return nil
        }
        return mtu == 0 ? nil : Int(mtu)
    }
}
