extension InternetHeader {
    /// The length of the TCP or UDP header of a super-packet; nil where it is neither, or not there as a whole.
    func transportLength(at packet: UnsafeRawPointer) -> Int? {
        let available = totalLength - length
        switch transport {
        case Self.tcp:
            guard available >= 20 else { return nil }
            let size = Int(packet.byte(at: length + 12) >> 4) * 4
            return size >= 20 && size <= available ? size : nil
        case Self.udp: return available >= 8 ? 8 : nil
        default: return nil
        }
    }
}

extension Splitter {
    private static let flags = 13
    private static let fin: UInt8 = 0x01
    private static let push: UInt8 = 0x08
    private static let windowReduced: UInt8 = 0x80

    /// Makes a copy of the super-packet's headers, with some of its payload behind, a segment of its own: `inet_gso_segment`
    /// (`net/ipv4/af_inet.c`: lengths, an identification that counts), `tcp_gso_segment` (`net/ipv4/tcp_offload.c`: sequence
    /// numbers; FIN and PSH on the last one only, CWR on the first one only), `__udp_gso_segment`
    /// (`net/ipv4/udp_offload.c`).
    ///
    /// `offset` is where its payload begins in the super-packet's.
    func finishSegment(
        _ packet: UnsafeMutableRawPointer, number: Int, at offset: Int, payload: Int, isLast: Bool
    ) {
        let reader = UnsafeRawPointer(packet)
        let total = headLength + payload
        if header.isIPv6 {
            packet.write(UInt16(total - 40), at: 4)
        } else {
            packet.write(UInt16(total), at: 2)
            packet.write(reader.word(at: 4) &+ UInt16(truncatingIfNeeded: number), at: 4)
            packet.writeHeaderChecksum(length: header.length)
        }

        let length = total - header.length
        let segment = packet + header.length
        if header.transport == InternetHeader.tcp {
            let sequence = UnsafeRawPointer(segment).long(at: 4)
            segment.write(sequence &+ UInt32(truncatingIfNeeded: offset), at: 4)
            var flags = UnsafeRawPointer(segment).byte(at: Self.flags)
            if !isLast { flags &= ~(Self.fin | Self.push) }
            if number > 0 { flags &= ~Self.windowReduced }
            segment.write(flags, at: Self.flags)
        } else {
            segment.write(UInt16(length), at: 4)
        }

        guard let place = header.checksumOffset else { return }
        // A UDP sender over IPv4 may have meant to send no checksum at all.
        let hasNone = header.transport == InternetHeader.udp && !frame.isPartial && reader.word(at: place) == 0
        guard !hasNone else { return }
        packet.write(UInt16(0), at: place)
        let sum = InternetChecksum.sum(
            header.pseudoHeaderSum(length: length),
            InternetChecksum.sum(UnsafeRawBufferPointer(start: segment, count: length)))
        packet.write(header.wireForm(~sum), at: place)
    }
}
