@testable import Forwarding

extension Frame {
    /// Makes a partial transport checksum a complete one, as `skb_checksum_help` does (`net/core/dev.c`): the field holds the
    /// pseudo-header's sum, so the complement of the sum over the whole segment is what belongs there.
    ///
    /// To be called before encapsulation, for it looks at the outermost header.
    ///
    /// - Returns: whether the checksum is complete now; false, with nothing changed, where the packet is not sound IPv4 or
    ///   IPv6, is a fragment, a super-packet, or neither TCP, UDP nor ICMPv6.
    mutating func completeChecksum() -> Bool {
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
