internal import NetworkAddress
internal import PacketIO

/// The two messages of IPv6's neighbour discovery that ask and tell where an address is (RFC 4861 §4.3, §4.4), as they lie
/// in an Ethernet frame without VLAN tag and without extension headers.
enum NeighborDiscovery {
    /// EtherType of IPv6.
    static let etherType: UInt16 = 0x86DD
    /// Where in the frame what begins, in bytes.
    static let payloadLength = 18
    static let nextHeader = 20
    static let hopLimit = 21
    static let type = 54
    static let flags = 58
    static let target = 62
    static let options = 78
    /// Next header of ICMPv6, and its types.
    static let icmp: UInt8 = 58
    static let solicitation: UInt8 = 135
    static let advertisement: UInt8 = 136

    /// The MAC in an advertisement's option 2, target link-layer address (RFC 4861 §4.6.1), or nil where it has none.
    static func targetMAC(_ frame: UnsafeRawBufferPointer) -> MACAddress? {
        let end = min(frame.count, type + Int(frame.word(at: payloadLength)))
        var offset = options
        while offset + 8 <= end {
            let length = 8 * Int(frame[offset + 1])
            guard length > 0, offset + length <= end else { return nil }
            if frame[offset] == 2, length == 8 { return frame.hardware(at: offset + 2) }
            offset += length
        }
        return nil
    }

    /// The frame that asks where `target` is, as `source`, to the target's solicited-node group (RFC 4291 §2.7.1).
    ///
    /// `source` must not be `::`: that would be duplicate address detection, and keep a director that claims the VIP at
    /// this moment from having it (RFC 4862 §5.4.3).
    static func solicitation(for target: IPv6Address, from mac: MACAddress, _ source: IPv6Address) -> [UInt8] {
        let group = IPv6Address(high: 0xFF02 << 48, low: 0x1_FF00_0000 | target.low & 0xFF_FFFF)
        let station = MACAddress(rawValue: 0x3333_FF00_0000 | target.low & 0xFF_FFFF)
        // Type, code, checksum, reserved; option 1: source link-layer address.
        var message: [UInt8] = [solicitation, 0, 0, 0, 0, 0, 0, 0] + bytes(target) + [1, 1] + bytes(mac)
        let pseudoHeader = bytes(source) + bytes(group) + [0, 0, 0, UInt8(message.count), 0, 0, 0, icmp]
        let checksum = checksum(pseudoHeader + message)
        message[2] = UInt8(truncatingIfNeeded: checksum >> 8)
        message[3] = UInt8(truncatingIfNeeded: checksum)
        let header: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(message.count), icmp, 255]
        return bytes(station) + bytes(mac) + [0x86, 0xDD] + header + bytes(source) + bytes(group) + message
    }

    /// The Internet checksum (RFC 1071) of an even number of bytes.
    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
        }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        return ~UInt16(truncatingIfNeeded: sum)
    }

    private static func bytes(_ mac: MACAddress) -> [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: mac.rawValue >> UInt64(40 - 8 * $0)) }
    }

    private static func bytes(_ address: IPv6Address) -> [UInt8] {
        [address.high, address.low].flatMap { half in
            (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The MAC at this offset.
    func hardware(at offset: Int) -> MACAddress {
        MACAddress(rawValue: self[offset..<offset + 6].reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// The IPv6 address at this offset.
    func ipv6(at offset: Int) -> IPv6Address {
        IPv6Address(
            high: self[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) },
            low: self[offset + 8..<offset + 16].reduce(0) { $0 << 8 | UInt64($1) })
    }
}
