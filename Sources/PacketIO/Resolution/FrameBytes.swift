internal import NetworkAddress

// What lies at an offset of a frame, which the caller has checked to be inside it.
extension UnsafeRawBufferPointer {
    /// 16 bits in network order.
    @inlinable
    @inline(__always)
    package func word(at offset: Int) -> UInt16 {
        UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    func ipv4(at offset: Int) -> IPv4Address {
        IPv4Address(rawValue: UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    func ipv6(at offset: Int) -> IPv6Address {
        IPv6Address(
            high: UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            low: UInt64(bigEndian: loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
    }

    func mac(at offset: Int) -> MACAddress {
        MACAddress(rawValue: self[offset..<offset + 6].reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// The one's complement sum (RFC 1071) of what lies in a range of even length, and of `start`.
    func sum(_ range: Range<Int>, from start: UInt32 = 0) -> UInt16 {
        var total = stride(from: range.lowerBound, to: range.upperBound - 1, by: 2).reduce(UInt64(start)) {
            $0 + UInt64(word(at: $1))
        }
        while total > 0xFFFF { total = total & 0xFFFF + total >> 16 }
        return UInt16(truncatingIfNeeded: total)
    }
}

extension UnsafeMutableRawBufferPointer {
    func store(_ value: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: value.bigEndian) {
            UnsafeMutableRawBufferPointer(rebasing: self[offset...]).copyMemory(from: $0)
        }
    }

    func store(_ mac: MACAddress, at offset: Int) {
        for index in 0..<6 { self[offset + index] = UInt8(truncatingIfNeeded: mac.rawValue >> (40 - 8 * index)) }
    }

    func store(_ address: IPv6Address, at offset: Int) {
        store(address.high, at: offset)
        store(address.low, at: offset + 8)
    }
}
