import Forwarding
import NetworkAddress

/// Packets built the slow way, byte by byte as the RFCs draw them, for production code to be compared with.
enum Wire {
    static func octets(_ value: some FixedWidthInteger, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
    }

    /// The one's complement sum as RFC 1071 §4.1 describes it.
    static func sum(_ bytes: some Sequence<UInt8>) -> Int {
        var sum = 0
        for (index, byte) in bytes.enumerated() { sum += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return sum
    }

    static func address(_ address: IPv6Address) -> [UInt8] {
        address.mappedIPv4.map { octets($0.rawValue, 4) } ?? octets(address.high, 8) + octets(address.low, 8)
    }

    static func pseudoHeader(_ source: IPv6Address, _ destination: IPv6Address, _ transport: UInt8, _ length: Int)
        -> [UInt8]
    {
        address(source) + address(destination) + octets(length, 4) + [0, 0, 0, transport]
    }

    static let ethernet4: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0xFE, 0x08, 0x00]
    static let ethernet6: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0xFE, 0x86, 0xDD]

    enum Checksum { case complete, partial, none }

    /// An IP packet, to be bent before it is encoded.
    struct Packet {
        var source = Wire.mapped("198.51.100.7")
        var destination = Wire.mapped("192.0.2.10")
        var transport: UInt8 = 6
        var timeToLive: UInt8 = 64
        var serviceType: UInt8 = 0
        var identification: UInt16 = 0x1234
        var fragment: UInt16 = 0
        /// IPv4 options, or IPv6 extension headers that `firstHeader` names the first of.
        var options: [UInt8] = []
        var firstHeader: UInt8?
        /// The transport's header and data.
        var body: [UInt8] = []

        var isIPv6: Bool { destination.mappedIPv4 == nil }
        static func ipv6() -> Packet {
            Packet(source: Wire.mapped("2001:db8:7::1"), destination: Wire.mapped("2001:db8::10"))
        }

        var bytes: [UInt8] {
            guard !isIPv6 else {
                return octets(UInt32(6 << 28) | UInt32(serviceType) << 20, 4) + octets(options.count + body.count, 2)
                    + [firstHeader ?? transport, timeToLive] + address(source) + address(destination) + options + body
            }
            var header: [UInt8] = [0x45 + UInt8(options.count / 4), serviceType]
            header += octets(20 + options.count + body.count, 2) + octets(identification, 2) + octets(fragment, 2)
            header += [timeToLive, transport, 0, 0] + address(source) + address(destination) + options
            header.replaceSubrange(10..<12, with: octets(~Wire.sum(header) & 0xFFFF, 2))
            return header + body
        }
        var frame: [UInt8] { (isIPv6 ? ethernet6 : ethernet4) + bytes }

        /// The same with a checksum in the transport's header, which lies `at` bytes behind its start.
        func checked(_ checksum: Checksum, at offset: Int) -> Packet {
            var packet = self
            packet.body[offset] = 0
            packet.body[offset + 1] = 0
            let pseudo = pseudoHeader(source, destination, transport, body.count)
            let value =
                switch checksum {
                case .complete: ~Wire.sum(pseudo + packet.body) & 0xFFFF
                case .partial: Wire.sum(pseudo)
                case .none: 0
                }
            let sent = value == 0 && transport == 17 && checksum == .complete ? 0xFFFF : value
            packet.body.replaceSubrange(offset..<offset + 2, with: octets(sent, 2))
            return packet
        }

        func tcp(
            _ payload: [UInt8], _ checksum: Checksum = .complete, flags: UInt8 = 0x10, sequence: UInt32 = 1000,
            options: [UInt8] = []
        ) -> Packet {
            var packet = self
            packet.transport = 6
            packet.body = octets(UInt16(40001), 2) + octets(UInt16(80), 2) + octets(sequence, 4) + octets(UInt32(77), 4)
            packet.body += [UInt8((20 + options.count) / 4) << 4, flags, 0xFA, 0xF0, 0, 0, 0, 0] + options + payload
            return packet.checked(checksum, at: 16)
        }

        func udp(_ payload: [UInt8], _ checksum: Checksum = .complete) -> Packet {
            var packet = self
            packet.transport = 17
            packet.body =
                octets(UInt16(40001), 2) + octets(UInt16(53), 2) + octets(8 + payload.count, 2) + [0, 0] + payload
            return packet.checked(checksum, at: 6)
        }

        /// An ICMP error of this packet's family that quotes these bytes.
        func icmp(_ type: UInt8, _ code: UInt8, _ info: UInt32, quoting quote: [UInt8]) -> Packet {
            var packet = self
            packet.transport = isIPv6 ? 58 : 1
            packet.body = [type, code, 0, 0] + octets(info, 4) + quote
            guard isIPv6 else {
                packet.body.replaceSubrange(2..<4, with: octets(~Wire.sum(packet.body) & 0xFFFF, 2))
                return packet
            }
            return packet.checked(.complete, at: 2)
        }
    }

    /// Any address, IPv4 in its mapped form.
    static func mapped(_ text: String) -> IPv6Address {
        if let v4 = IPv4Address(text) { return IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4.rawValue)) }
        guard let address = IPv6Address(text) else { preconditionFailure("\(text) is no address") }
        return address
    }

    /// Bytes that differ from their neighbours, so that one in the wrong place is seen.
    static func payload(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }
}

/// A frame in memory of just its length and headroom, so that going beyond is going beyond an allocation.
func withFrame<Result>(
    _ bytes: [UInt8], headroom: Int = 0, isPartial: Bool = false, segmentSize: Int = 0,
    _ body: (inout Frame) throws -> Result
) rethrows -> Result {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: headroom + bytes.count, alignment: 1)
    defer { memory.deallocate() }
    let place = UnsafeMutableRawBufferPointer(rebasing: memory[headroom...])
    place.copyBytes(from: bytes)
    var frame = Frame(bytes: place, headroom: headroom, isPartial: isPartial, segmentSize: segmentSize, ingress: 3)
    return try body(&frame)
}
