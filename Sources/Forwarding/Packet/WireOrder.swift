import NetworkAddress

/// What lies at an offset, in host order. The caller has checked that it lies within the packet.
extension UnsafeRawPointer {
    func word(at offset: Int) -> UInt16 { UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
    func long(at offset: Int) -> UInt32 { UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    func byte(at offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }

    /// An IPv4 address, in IPv4-mapped form.
    func address4(at offset: Int) -> IPv6Address { IPv6Address(mapping: IPv4Address(rawValue: long(at: offset))) }

    func address6(at offset: Int) -> IPv6Address {
        IPv6Address(
            high: UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            low: UInt64(bigEndian: loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
    }

    func mac(at offset: Int) -> MACAddress {
        MACAddress(rawValue: UInt64(word(at: offset)) << 32 | UInt64(long(at: offset + 2)))
    }
}

/// The same, to be written.
extension UnsafeMutableRawPointer {
    @inline(__always)
    func write<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
    }

    /// An address in the form of its family: 4 bytes where it is IPv4-mapped, or 16.
    func write(_ address: IPv6Address, at offset: Int, isIPv6: Bool) {
        if isIPv6 {
            write(address.high, at: offset)
            write(address.low, at: offset + 8)
        } else {
            write(UInt32(truncatingIfNeeded: address.low), at: offset)
        }
    }

    /// A whole Ethernet header.
    func writeEthernet(from source: MACAddress, to destination: MACAddress, type: UInt16) {
        write(destination.rawValue << 16 | source.rawValue >> 32, at: 0)
        write(UInt32(truncatingIfNeeded: source.rawValue), at: 8)
        write(type, at: 12)
    }

    /// The checksum of the IPv4 header of `length` bytes that begins here.
    func writeHeaderChecksum(length: Int) {
        write(UInt16(0), at: 10)
        write(~InternetChecksum.sum(UnsafeRawBufferPointer(start: self, count: length)), at: 10)
    }
}

extension IPv6Address {
    /// `::ffff:a.b.c.d`, the form in which the packet path carries an IPv4 address (RFC 4291 §2.5.5.2).
    @inline(__always)
    init(mapping address: IPv4Address) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.rawValue))
    }

    /// The address of either family in that form.
    init(wide address: IPAddress) {
        switch address {
        case .v4(let address): self.init(mapping: address)
        case .v6(let address): self = address
        }
    }

    /// The address of its own family again.
    var narrow: IPAddress { mappedIPv4.map(IPAddress.v4) ?? .v6(self) }

    /// The 32 bits of an IPv4-mapped address.
    @inline(__always)
    var low32: UInt32 { UInt32(truncatingIfNeeded: low) }
}
