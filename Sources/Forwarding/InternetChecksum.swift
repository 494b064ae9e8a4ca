/// The Internet checksum (RFC 1071), in host byte order.
enum InternetChecksum {
    /// The one's complement sum of `bytes` taken as big-endian 16-bit words, an odd last byte padded with zero:
    /// 0xFFFF over a header whose checksum is right.
    static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        var total: UInt64 = 0
        var offset = 0
        while offset + 1 < bytes.count {
            total &+= UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
            offset += 2
        }
        if offset < bytes.count { total &+= UInt64(bytes[offset]) << 8 }
        return fold(total)
    }

    /// `checksum` after one 16-bit word under it went from `old` to `new`: equation 3 of RFC 1624, the one that is right
    /// for 0x0000 and 0xFFFF too. Only for a checksum that is complete, never for a partial one, which is what a TCP
    /// checksum may be (CHECKSUM_PARTIAL); the IPv4 header's always is.
    static func updated(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
        ~fold(UInt64(~checksum) + UInt64(~old) + UInt64(new))
    }

    private static func fold(_ total: UInt64) -> UInt16 {
        var total = total
        while total > 0xFFFF { total = (total & 0xFFFF) &+ (total >> 16) }
        return UInt16(truncatingIfNeeded: total)
    }
}
