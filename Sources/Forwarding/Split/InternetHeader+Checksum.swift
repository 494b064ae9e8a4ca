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
