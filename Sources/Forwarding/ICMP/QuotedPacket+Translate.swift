import NetworkAddress

extension QuotedPacket {
    /// Which way an ICMP error crosses the director where addresses are translated.
    enum Direction {
        /// From a server, about a packet that was sent to it: the server's address and port, as the error's sender and the
        /// quoted destination, become the VIP's.
        case outward
        /// To a server, about a packet that it sent: the VIP's address and port, as the error's destination and the quoted
        /// source, become the server's.
        case inward
    }

    /// Translates the error, addresses and quoted port, as `ip_vs_nat_icmp` and `ip_vs_nat_icmp_v6` do
    /// (`net/netfilter/ipvs/ip_vs_core.c`).
    ///
    /// The checksums of the outer and the quoted IPv4 header and that of ICMP are brought up to date word by word, so that one
    /// that was wrong stays wrong. The quoted transport's checksum is left, as IPVS leaves it: nobody looks at it, it may lie
    /// beyond the quote, and what was quoted on a veth may be a partial one.
    ///
    /// - Parameters:
    ///   - address: what to put in, of the family that the error has.
    ///   - port: the port, or of an ICMP echo the identifier, that belongs to it.
    ///   - frame: the frame that this was read from; its ``Frame/isPartial`` tells of the ICMPv6 checksum.
    /// - Returns: false, with nothing changed, where `address` is of another family or the frame is another one.
    func translate(_ direction: Direction, to address: IPv6Address, port: UInt16, in frame: Frame) -> Bool {
        let isIPv6 = message.isIPv6
        guard header.isIPv6 == isIPv6, (address.mappedIPv4 == nil) == isIPv6, frame.bytes.count >= end,
            let base = frame.bytes.baseAddress
        else { return false }
        let reader = UnsafeRawPointer(base)
        var checksum = reader.word(at: icmp + 2)
        let isComplete = !frame.isPartial

        func replaceUnderICMP(_ old: UInt16, by new: UInt16) {
            if isComplete { checksum = InternetChecksum.updated(checksum, from: old, to: new) }
        }

        // 1. The error's own address. Only ICMPv6's checksum covers it, by the pseudo-header, and a partial one holds just that.
        let ip = InternetHeader.ethernet
        let own = direction == .outward ? sender : receiver
        let (from, to) = (InternetChecksum.sum(own), InternetChecksum.sum(address))
        base.write(address, at: ip + Self.place(of: direction == .outward, isIPv6), isIPv6: isIPv6)
        if isIPv6 {
            checksum =
                isComplete
                ? InternetChecksum.updated(checksum, from: from, to: to)
                : InternetChecksum.updated(partial: checksum, from: from, to: to)
        } else {
            base.write(InternetChecksum.updated(reader.word(at: ip + 10), from: from, to: to), at: ip + 10)
        }

        // 2. The quoted address.
        let old = InternetChecksum.sum(direction == .outward ? header.destination : header.source)
        base.write(address, at: start + Self.place(of: direction == .inward, isIPv6), isIPv6: isIPv6)
        replaceUnderICMP(old, by: to)
        if !isIPv6 {
            let before = reader.word(at: start + 10)
            let after = InternetChecksum.updated(before, from: old, to: to)
            base.write(after, at: start + 10)
            replaceUnderICMP(before, by: after)
        }

        // 3. The quoted port, and ICMP's checksum over all of it.
        if let place = portOffset(direction) {
            replaceUnderICMP(reader.word(at: place), by: port)
            base.write(port, at: place)
        }
        base.write(checksum, at: icmp + 2)
        return true
    }

    private static func place(of source: Bool, _ isIPv6: Bool) -> Int {
        switch (source, isIPv6) {
        case (true, true): 8
        case (false, true): 24
        case (true, false): 12
        case (false, false): 16
        }
    }

    /// Where the quoted port or identifier lies that goes with the translated address.
    private func portOffset(_ direction: Direction) -> Int? {
        let transport = start + header.length
        switch header.transport {
        case InternetHeader.tcp, InternetHeader.udp: return direction == .outward ? transport + 2 : transport
        case InternetHeader.icmp, InternetHeader.icmpv6: return transport + 4
        default: return nil
        }
    }
}
