internal import NetworkAddress

/// Packets made by hand, byte for byte.
enum Frame {
    /// An IP packet of either family; `payload` begins behind the fixed header.
    static func packet(
        from source: IPAddress, to destination: IPAddress, protocol number: UInt8, payload: [UInt8]
    ) -> [UInt8] {
        switch (source, destination) {
        case (.v4(let source), .v4(let destination)):
            var header: [UInt8] = [0x45, 0] + bytes(UInt16(20 + payload.count)) + [0, 1, 0, 0, 64, number, 0, 0]
            header += bytes(source) + bytes(destination)
            header.replaceSubrange(10..<12, with: bytes(checksum(header)))
            return header + payload
        case (.v6(let source), .v6(let destination)):
            return [0x60, 0, 0, 0] + bytes(UInt16(payload.count)) + [number, 64] + bytes(source) + bytes(destination)
                + payload
        default:
            return []
        }
    }

    /// A UDP datagram with a right checksum.
    static func udp(from source: IPAddress, to destination: IPAddress, port: UInt16, payload: [UInt8] = []) -> [UInt8] {
        var datagram = bytes(UInt16(4242)) + bytes(port) + bytes(UInt16(8 + payload.count)) + [0, 0] + payload
        let sum = transportChecksum(from: source, to: destination, protocol: 17, datagram)
        datagram.replaceSubrange(6..<8, with: bytes(sum == 0 ? 0xFFFF : sum))
        return datagram
    }

    /// A TCP SYN that offers a segment size, with a right checksum.
    static func syn(
        from source: IPAddress, port: UInt16, to destination: IPAddress, port destinationPort: UInt16, mss: UInt16
    ) -> [UInt8] {
        var segment =
            bytes(port) + bytes(destinationPort) + [0, 0, 0, 1, 0, 0, 0, 0, 0x60, 0x02, 0xFF, 0xFF, 0, 0, 0, 0]
        segment += [2, 4] + bytes(mss)
        let sum = transportChecksum(from: source, to: destination, protocol: 6, segment)
        segment.replaceSubrange(16..<18, with: bytes(sum))
        return segment
    }

    /// An address in network order.
    static func bytes(_ address: IPAddress) -> [UInt8] {
        switch address {
        case .v4(let address): bytes(address)
        case .v6(let address): bytes(address)
        }
    }

    private static func bytes(_ address: IPv4Address) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: address.rawValue >> UInt32(24 - 8 * $0)) }
    }

    private static func bytes(_ address: IPv6Address) -> [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? address.high : address.low) >> UInt64(56 - 8 * ($0 % 8))) }
    }

    private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    private static func transportChecksum(
        from source: IPAddress, to destination: IPAddress, protocol number: UInt8, _ segment: [UInt8]
    ) -> UInt16 {
        checksum(bytes(source) + bytes(destination) + [0, number] + bytes(UInt16(segment.count)) + segment)
    }

    /// RFC 1071.
    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        return ~UInt16(sum)
    }
}
