extension Frame {
    /// Makes a partial transport checksum a complete one, as `skb_checksum_help` does (`net/core/dev.c`): the field holds the
    /// pseudo-header's sum, so the complement of the sum over the whole segment is what belongs there.
    ///
    /// To be called before encapsulation, for it looks at the outermost header.
    ///
    /// - Returns: whether the checksum is complete now; false, with nothing changed, where the packet is not sound IPv4 or
    ///   IPv6, is a fragment, a super-packet, or neither TCP, UDP nor ICMPv6.
    public mutating func completeChecksum() -> Bool {
        guard isPartial else { return true }
        guard segmentSize == 0, let base = bytes.baseAddress,
            let header = InternetHeader(frame: UnsafeRawBufferPointer(bytes)),
            let checksum = header.completedChecksum(at: UnsafeRawPointer(base) + InternetHeader.ethernet),
            let offset = header.checksumOffset
        else { return false }
        base.write(checksum, at: InternetHeader.ethernet + offset)
        isPartial = false
        return true
    }
}

extension InternetHeader {
    /// What belongs in the transport's checksum field, which is a partial one now; nil where there is none.
    func completedChecksum(at packet: UnsafeRawPointer) -> UInt16? {
        guard !isFragment, checksumOffset != nil else { return nil }
        let segment = UnsafeRawBufferPointer(start: packet + length, count: totalLength - length)
        return wireForm(~InternetChecksum.sum(segment))
    }

    /// A checksum as it is sent: in UDP, 0 says that there is none, and 0xFFFF stands for it (RFC 768).
    func wireForm(_ checksum: UInt16) -> UInt16 {
        checksum == 0 && transport == Self.udp ? 0xFFFF : checksum
    }
}
