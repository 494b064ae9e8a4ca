import NetworkAddress

extension Tunnel {
    /// Wraps the packet in a frame, in place: the outer headers are written into the headroom and over the Ethernet header.
    ///
    /// ```
    /// before   ··headroom··[Ethernet][IP ….]
    /// after    [Ethernet][outer IP][UDP GUE | GRE][IP ….]
    /// ```
    /// As `ip_vs_tunnel_xmit` and `ip_vs_tunnel_xmit_v6` do (`net/netfilter/ipvs/ip_vs_xmit.c`):
    ///
    /// - the inner TTL or hop limit goes down by one, and the outer one is the same;
    /// - DSCP and ECN are copied, but CE becomes ECT(0) outside (`INET_ECN_encapsulate`, RFC 3168 §9.1.1), so that marks made
    ///   on the way to the server can be told from those made before;
    /// - DF is copied from IPv4 to IPv4 (`pmtu_disc`, on by default); IPv6 in IPv4 has none, and may be fragmented outside.
    ///
    /// A partial checksum stays partial: it lies ``overhead`` bytes further from the frame's start. Padding is cut off. GUE's
    /// UDP checksum is left out over IPv4, as IPVS does by default, and there over IPv6, where receivers may insist on it
    /// (RFC 8200 §8.1).
    ///
    /// - Parameters:
    ///   - frame: one packet; a super-packet must have been split, for the kernel would not segment it inside a tunnel.
    ///   - station: where the outer packet goes on the link.
    ///   - identification: the outer IPv4 header's, another one for each packet. With DF it is not used and 0 is sent
    ///     (RFC 6864 §4.1).
    ///   - seed: the key of the hash that GUE's source port comes from.
    /// - Returns: false, with nothing changed, where it cannot be done: not a sound IPv4 or IPv6 packet, a TTL of 1 or less, a
    ///   super-packet, less headroom than ``overhead``, longer than an outer header can say, or a partial checksum that
    ///   nobody knows the place of.
    public func encapsulate(
        _ frame: inout Frame, to station: LinkStation, identification: UInt16, seed: UInt64
    ) -> Bool {
        let ethernet = InternetHeader.ethernet
        guard let base = frame.bytes.baseAddress,
            let inner = InternetHeader(frame: UnsafeRawBufferPointer(frame.bytes)),
            inner.timeToLive > 1, frame.segmentSize == 0, frame.headroom >= overhead,
            inner.totalLength + encapsulation.shim + (isIPv6 ? 0 : 20) <= 0xFFFF,
            !frame.isPartial || inner.checksumOffset != nil
        else { return false }
        let packet = base + ethernet
        packet.decrementTimeToLive(inner)

        let start = base - overhead
        let outer = start + ethernet
        let shim = packet - encapsulation.shim
        let length = inner.totalLength + encapsulation.shim
        start.writeEthernet(
            from: station.source, to: station.destination,
            type: isIPv6 ? InternetHeader.etherTypeIPv6 : InternetHeader.etherTypeIPv4)
        writeOuter(at: outer, around: inner, payload: length, identification: identification)
        switch encapsulation {
        case .ipip: break
        case .gre:
            shim.write(UInt16(0), at: 0)
            shim.write(inner.isIPv6 ? InternetHeader.etherTypeIPv6 : InternetHeader.etherTypeIPv4, at: 2)
        case .gue(let port):
            shim.write(FlowEntropy.port(of: inner, at: packet, seed: seed), at: 0)
            shim.write(port, at: 2)
            shim.write(UInt16(length), at: 4)
            shim.write(UInt16(0), at: 6)
            shim.write(UInt16(inner.isIPv6 ? InternetHeader.ipv6 : InternetHeader.ipip), at: 8)
            shim.write(UInt16(0), at: 10)
            if isIPv6 {
                shim.write(udpChecksum(of: shim, around: inner, isPartial: frame.isPartial, length: length), at: 6)
            }
        }

        frame.bytes = UnsafeMutableRawBufferPointer(start: start, count: ethernet + overhead + inner.totalLength)
        frame.headroom -= overhead
        return true
    }

    private func writeOuter(
        at outer: UnsafeMutableRawPointer, around inner: InternetHeader, payload: Int, identification: UInt16
    ) {
        let next =
            switch encapsulation {
            case .ipip: inner.isIPv6 ? InternetHeader.ipv6 : InternetHeader.ipip
            case .gre: InternetHeader.gre
            case .gue: InternetHeader.udp
            }
        let congestionExperienced = inner.serviceType & 3 == 3
        let serviceType = congestionExperienced ? inner.serviceType & ~3 | 2 : inner.serviceType
        if isIPv6 {
            outer.write(UInt32(6 << 28) | UInt32(serviceType) << 20, at: 0)
            outer.write(UInt16(payload), at: 4)
            outer.write(next, at: 6)
            outer.write(inner.timeToLive - 1, at: 7)
            outer.write(source, at: 8, isIPv6: true)
            outer.write(destination, at: 24, isIPv6: true)
        } else {
            // In two words, whose sum is taken before they are written: reading back what was just written in other sizes
            // costs more than all the rest.
            let mustNotFragment = !inner.isIPv6 && inner.mustNotFragment
            let lengths = UInt64(0x4500 | UInt32(serviceType)) << 48 | UInt64(20 + payload) << 32
            let first = lengths | (mustNotFragment ? 0x4000 : UInt64(identification) << 16)
            let second = UInt32(inner.timeToLive - 1) << 24 | UInt32(next) << 16
            let fields = InternetChecksum.sum(IPv6Address(high: first, low: UInt64(second)))
            let ends = InternetChecksum.sum(InternetChecksum.sum(source), InternetChecksum.sum(destination))
            outer.write(first, at: 0)
            outer.write(second | UInt32(~InternetChecksum.sum(fields, ends)), at: 8)
            outer.write(source, at: 12, isIPv6: false)
            outer.write(destination, at: 16, isIPv6: false)
        }
    }

    /// The checksum over the outer UDP header, what follows, and the pseudo-header (RFC 8200 §8.1).
    ///
    /// Where the inner checksum is partial, nobody need read the payload for it ("local checksum offload", `lco_csum` in
    /// `include/linux/skbuff.h`). Let *p* be the sum in the checksum field now and *S* the sum of the inner segment with 0 in
    /// it: the field will become ~(p + S), and the segment's sum S + ~(p + S), which in one's complement is ~p.
    private func udpChecksum(
        of udp: UnsafeMutableRawPointer, around inner: InternetHeader, isPartial: Bool, length: Int
    ) -> UInt16 {
        var sum = InternetChecksum.pseudoHeader(source, destination, InternetHeader.udp, length: length)
        if isPartial, let offset = inner.checksumOffset {
            let head = UnsafeRawBufferPointer(start: udp, count: encapsulation.shim + inner.length)
            sum = InternetChecksum.sum(sum, InternetChecksum.sum(head))
            sum = InternetChecksum.sum(sum, ~UnsafeRawPointer(udp).word(at: encapsulation.shim + offset))
        } else {
            sum = InternetChecksum.sum(sum, InternetChecksum.sum(UnsafeRawBufferPointer(start: udp, count: length)))
        }
        // 0 would say that there is none (RFC 768).
        return sum == 0xFFFF ? 0xFFFF : ~sum
    }
}
