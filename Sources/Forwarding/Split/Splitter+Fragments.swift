extension Splitter {
    private static let moreFragments: UInt16 = 0x2000
    private static let endOfOptions: UInt8 = 0
    private static let noOperation: UInt8 = 1
    private static let copied: UInt8 = 0x80

    /// Makes a copy of the packet's header, with some of its payload behind, a fragment (RFC 791 §3.2, `ip_do_fragment` in
    /// `net/ipv4/ip_output.c`). The identification stays. A fragment is cut like any packet: its pieces begin where it did,
    /// and only the last one of the last fragment has nothing to follow.
    func finishFragment(_ packet: UnsafeMutableRawPointer, at offset: Int, payload: Int, isLast: Bool) {
        packet.write(UInt16(header.length + payload), at: 2)
        let position = UInt16(truncatingIfNeeded: (header.fragmentOffset + offset) / 8)
        packet.write(position | (isLast && !header.hasMoreFragments ? 0 : Self.moreFragments), at: 6)
        if offset > 0 { blankOptions(of: packet) }
        packet.writeHeaderChecksum(length: header.length)

        guard let checksum, let place = header.checksumOffset else { return }
        // Both are even, so the field lies in one piece; which one depends on how short they are.
        let within = place - header.length - offset
        if within >= 0, within + 2 <= payload { packet.write(checksum, at: header.length + within) }
    }

    /// Puts no-operations where the options are that only the first fragment carries, so that the header keeps its length
    /// (`ip_options_fragment` in `net/ipv4/ip_options.c`).
    private func blankOptions(of packet: UnsafeMutableRawPointer) {
        let reader = UnsafeRawPointer(packet)
        var offset = 20
        while offset < header.length {
            let kind = reader.byte(at: offset)
            guard kind != Self.endOfOptions else { return }
            guard kind != Self.noOperation else {
                offset += 1
                continue
            }
            guard offset + 2 <= header.length else { return }
            let size = Int(reader.byte(at: offset + 1))
            guard size >= 2, offset + size <= header.length else { return }
            if kind & Self.copied == 0 {
                (packet + offset).initializeMemory(as: UInt8.self, repeating: Self.noOperation, count: size)
            }
            offset += size
        }
    }
}
