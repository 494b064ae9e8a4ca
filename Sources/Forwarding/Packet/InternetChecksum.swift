import NetworkAddress

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

    /// What replacing `old` by `new` adds to a sum that covers it: a one's complement number for ``updated(_:by:)``.
    @inline(__always)
    static func change(from old: UInt16, to new: UInt16) -> UInt16 { fold(UInt64(~old) + UInt64(new)) }

    /// The same for 32 bits.
    @inline(__always)
    static func change(from old: UInt32, to new: UInt32) -> UInt16 {
        fold(UInt64(~old & 0xFFFF) + UInt64(~old >> 16) + UInt64(new & 0xFFFF) + UInt64(new >> 16))
    }

    /// The same for an IPv6 address.
    @inline(__always)
    static func change(from old: IPv6Address, to new: IPv6Address) -> UInt16 {
        fold(halves(~old.high) + halves(~old.low) + halves(new.high) + halves(new.low))
    }

    /// A complete checksum after what it covers changed by `change`: equation 3 of RFC 1624.
    @inline(__always)
    static func updated(_ checksum: UInt16, by change: UInt16) -> UInt16 { ~added(~checksum, change) }

    /// The one's complement sum of two.
    @inline(__always)
    static func added(_ left: UInt16, _ right: UInt16) -> UInt16 { fold(UInt64(left) + UInt64(right)) }

    /// The four 16-bit words of 64 bits, added up.
    @inline(__always)
    private static func halves(_ word: UInt64) -> UInt64 {
        (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + word >> 48
    }

    private static func fold(_ total: UInt64) -> UInt16 {
        var total = total
        while total > 0xFFFF { total = (total & 0xFFFF) &+ (total >> 16) }
        return UInt16(truncatingIfNeeded: total)
    }
}
