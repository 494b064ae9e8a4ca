import NetworkAddress

/// The Internet checksum (RFC 1071), in host byte order.
enum InternetChecksum {
    /// The one's complement sum of `bytes` taken as big-endian 16-bit words, an odd last byte padded with zero:
    /// 0xFFFF over a header whose checksum is right.
    ///
    /// Eight bytes a step, in the machine's own order: a one's complement sum comes out the same, its bytes swapped
    /// (RFC 1071 §2 (B)).
    static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        guard let base = bytes.baseAddress else { return 0 }
        var total: UInt64 = 0
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            total &+= (word & 0xFFFF_FFFF) &+ (word &>> 32)
            offset += 8
        }
        while offset + 2 <= bytes.count {
            total &+= UInt64(base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            offset += 2
        }
        if offset < bytes.count { total &+= UInt64((UInt16(base.byte(at: offset)) << 8).bigEndian) }
        return UInt16(bigEndian: fold(total))
    }

    /// The sum over an address. The `::ffff:` of an IPv4-mapped one adds 0xFFFF, which is zero in one's complement: it
    /// counts like the four bytes of the IPv4 address in any sum that has something else in it.
    static func sum(_ address: IPv6Address) -> UInt16 {
        let (high, low) = (address.high, address.low)
        return fold((high >> 32) + (high & 0xFFFF_FFFF) + (low >> 32) + (low & 0xFFFF_FFFF))
    }

    /// The sum of two sums.
    static func sum(_ left: UInt16, _ right: UInt16) -> UInt16 { fold(UInt64(left) + UInt64(right)) }

    /// The sum over a pseudo-header of either family (RFC 9293 §3.1, RFC 8200 §8.1): what a partial checksum field holds.
    static func pseudoHeader(
        _ source: IPv6Address, _ destination: IPv6Address, _ transport: UInt8, length: Int
    ) -> UInt16 {
        fold(UInt64(sum(source)) + UInt64(sum(destination)) + UInt64(transport) + UInt64(length))
    }

    /// `checksum` after one 16-bit word under it went from `old` to `new`: equation 3 of RFC 1624, the one that is right
    /// for 0x0000 and 0xFFFF too. The words may also be sums of several. Only for a checksum that is complete, never for a
    /// partial one, which is what a TCP checksum may be (CHECKSUM_PARTIAL); the IPv4 header's always is.
    static func updated(_ checksum: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
        ~updated(partial: ~checksum, from: old, to: new)
    }

    /// A partial checksum, which is a sum and not its complement, after a word of the pseudo-header went from `old` to `new`.
    static func updated(partial: UInt16, from old: UInt16, to new: UInt16) -> UInt16 {
        fold(UInt64(partial) + UInt64(~old) + UInt64(new))
    }

    private static func fold(_ total: UInt64) -> UInt16 {
        var total = total
        while total > 0xFFFF { total = (total & 0xFFFF) &+ (total >> 16) }
        return UInt16(truncatingIfNeeded: total)
    }
}
