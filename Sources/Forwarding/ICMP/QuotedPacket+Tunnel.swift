import NetworkAddress

extension QuotedPacket {
    /// The client's packet inside the quoted one, where that is one of ours that went through `tunnel`, to be looked for by
    /// ``header``'s destination: the errors that `ip_vs_in_icmp` strips with `ipvs_udp_decap` and `ipvs_gre_decap`
    /// (`net/netfilter/ipvs/ip_vs_core.c`), and here the same for every pair of families.
    ///
    /// Nil where it is no such packet, or too little of it is quoted (a router need not quote more than 8 bytes of what the
    /// outer header carries, RFC 792). Strangers can forge one: see that the packet inside belongs to a flow through this
    /// tunnel before believing it.
    func inner(of tunnel: Tunnel, in frame: UnsafeRawBufferPointer) -> QuotedPacket? {
        guard header.source == tunnel.source, header.destination == tunnel.destination, frame.count >= end,
            let base = frame.baseAddress
        else { return nil }
        var inside = start + header.length
        let isIPv6: Bool
        switch (tunnel.encapsulation, header.transport) {
        case (.ipip, InternetHeader.ipip): isIPv6 = false
        case (.ipip, InternetHeader.ipv6): isIPv6 = true
        case (.gre, InternetHeader.gre):
            // Ours have neither checksum nor key (the 8 bytes behind the header are there).
            guard base.word(at: inside) == 0 else { return nil }
            isIPv6 = base.word(at: inside + 2) == InternetHeader.etherTypeIPv6
            guard isIPv6 || base.word(at: inside + 2) == InternetHeader.etherTypeIPv4 else { return nil }
            inside += tunnel.encapsulation.shim
        case (.gue(let port), InternetHeader.udp):
            guard destinationPort == port, inside + tunnel.encapsulation.shim <= end, base.byte(at: inside + 8) == 0
            else { return nil }
            isIPv6 = base.byte(at: inside + 9) == InternetHeader.ipv6
            guard isIPv6 || base.byte(at: inside + 9) == InternetHeader.ipip else { return nil }
            inside += tunnel.encapsulation.shim
        default: return nil
        }
        let inner = QuotedPacket(
            frame, quotedAt: inside, end: end, message, icmp: icmp, from: sender, to: receiver)
        return inner?.header.isIPv6 == isIPv6 ? inner : nil
    }

    /// Writes the error to the client whose packet this is, which ``inner(of:in:)`` found: from the VIP, quoting the client's
    /// own packet, an MTU less `overhead` (`ip_vs_in_icmp`).
    ///
    /// - Parameters:
    ///   - overhead: ``Tunnel/overhead``.
    ///   - frame: the frame with the error about the tunnel's packet.
    ///   - station: where the client is reached on the link.
    ///   - buffer: where the frame goes, ``ICMPError/longestFrame`` bytes to be safe. It must not overlap `frame`.
    /// - Returns: its length, or nil where there must be none: the client's packet may be fragmented and so may become as long
    ///   as it likes, no MTU is told, the error has no counterpart in the client's family, or the buffer is too short.
    func write(
        lessOverhead overhead: Int, about frame: UnsafeRawBufferPointer, to station: LinkStation,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard end <= frame.count, let message = message(lessOverhead: overhead) else { return nil }
        let quote = UnsafeRawBufferPointer(rebasing: frame[start..<min(end, start + header.totalLength)])
        guard header.mayBeAnswered(quote) else { return nil }
        return message.write(
            from: header.destination, at: station.source, to: header.source, at: station.destination, quoting: quote,
            into: buffer)
    }

    /// What the client is told. In another family than the error's it is what RFC 7915 §4.2 and §5.2 make of it.
    func message(lessOverhead overhead: Int) -> ICMPMessage? {
        let isIPv6 = header.isIPv6
        switch (message.isIPv6, message.type, message.code) {
        case (false, 3, 4), (true, 2, _):
            guard let mtu = pathMTU, header.mustNotFragment else { return nil }
            // A path that would leave nothing is not believed (`ip_vs_in_icmp`).
            return ICMPError.tooBig(mtu: mtu > 68 + overhead ? mtu - overhead : mtu).message(isIPv6: isIPv6)
        case (isIPv6, let type, let code): return ICMPMessage(isIPv6: isIPv6, type: type, code: code, info: 0)
        case (false, 3, _): return .ipv6(1, 0)
        case (false, 11, let code): return .ipv6(3, code)
        case (true, 1, _): return .ipv4(3, 1)
        case (true, 3, let code): return .ipv4(11, code)
        default: return nil
        }
    }
}
