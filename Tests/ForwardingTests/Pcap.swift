/// A capture file (draft-ietf-opsawg-pcap): little-endian, microseconds, Ethernet. What tcpdump -w writes.
struct Pcap: Equatable {
    struct Packet: Equatable {
        var milliseconds: UInt64
        var bytes: [UInt8]
    }

    var packets: [Packet] = []

    init(_ packets: [Packet]) {
        self.packets = packets
    }

    /// Reads a capture, or nil where it is none or is cut short.
    init?(decoding bytes: [UInt8]) {
        guard bytes.count >= 24, Self.long(bytes, 0) == 0xA1B2_C3D4, Self.long(bytes, 20) == 1 else { return nil }
        var offset = 24
        while offset < bytes.count {
            guard offset + 16 <= bytes.count else { return nil }
            let milliseconds = UInt64(Self.long(bytes, offset)) * 1000 + UInt64(Self.long(bytes, offset + 4) / 1000)
            let length = Int(Self.long(bytes, offset + 8))
            offset += 16
            guard offset + length <= bytes.count else { return nil }
            packets.append(Packet(milliseconds: milliseconds, bytes: [UInt8](bytes[offset..<offset + length])))
            offset += length
        }
    }

    /// The capture as a file.
    var encoded: [UInt8] {
        var file = Self.octets([0xA1B2_C3D4, 0x0004_0002, 0, 0, 262_144, 1])
        for packet in packets {
            let length = UInt32(packet.bytes.count)
            let seconds = UInt32(packet.milliseconds / 1000)
            file += Self.octets([seconds, UInt32(packet.milliseconds % 1000) * 1000, length, length]) + packet.bytes
        }
        return file
    }

    private static func octets(_ values: [UInt32]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) } }
    }

    private static func long(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
}
