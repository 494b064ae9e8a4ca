import NetworkAddress

/// Where things lie in an Ethernet frame that carries IP (IEEE 802.3, RFC 894, RFC 791, RFC 2464, RFC 8200).
enum FrameLayout {
    static let destinationMAC = 0
    static let sourceMAC = 6
    static let etherType = 12
    static let ethernetHeader = 14
    static let serviceType = 15
    static let totalLength = 16
    static let identification = 18
    static let fragment = 20
    static let timeToLive = 22
    static let transport = 23
    static let headerChecksum = 24
    static let source = 26
    static let destination = 30
    static let shortestIPv4 = 34

    static let payloadLength6 = 18
    static let nextHeader6 = 20
    static let hopLimit6 = 21
    static let source6 = 22
    static let destination6 = 38
    static let shortestIPv6 = 54

    static let etherTypeIPv4: UInt16 = 0x0800
    static let etherTypeIPv6: UInt16 = 0x86DD
}

/// The protocol numbers of IANA's registry that mean something here.
enum ProtocolNumber {
    static let hopByHop: UInt8 = 0
    static let icmp: UInt8 = 1
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let routing: UInt8 = 43
    static let fragment: UInt8 = 44
    static let icmpv6: UInt8 = 58
    static let destinationOptions: UInt8 = 60
}

/// The 16, 32 or 128 bits at an offset, in host order. The caller has checked that they lie within the frame.
extension UnsafeRawPointer {
    func word(at offset: Int) -> UInt16 { UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
    func long(at offset: Int) -> UInt32 { UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    func byte(at offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }

    /// An IPv4 address in its IPv4-mapped form.
    func address4(at offset: Int) -> IPv6Address { IPv6Address(mapping: IPv4Address(rawValue: long(at: offset))) }

    func address6(at offset: Int) -> IPv6Address {
        IPv6Address(
            high: UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            low: UInt64(bigEndian: loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
    }
}

/// The same, written. `storeBytes` needs no alignment.
extension UnsafeMutableRawPointer {
    func store(word value: UInt16, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    func store(long value: UInt32, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    func store(address6 value: IPv6Address, at offset: Int) {
        storeBytes(of: value.high.bigEndian, toByteOffset: offset, as: UInt64.self)
        storeBytes(of: value.low.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
    }
}

extension IPv6Address {
    /// `::ffff:a.b.c.d`, the form in which the packet path carries an IPv4 address (RFC 4291 §2.5.5.2).
    @inline(__always)
    init(mapping address: IPv4Address) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.rawValue))
    }

    /// The address of either family in one form.
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
