internal import NetworkAddress

/// A packet of either family, made by hand: TCP (6), a SYN unless told otherwise, or UDP (17). The transport's checksum is left out: nobody on
/// these wires looks at it.
struct TestPacket {
    var source: IPAddress
    var destination: IPAddress
    var transport: UInt8 = 6
    /// Of TCP.
    var flags: UInt8 = 2
    var sourcePort: UInt16 = 40_000
    var destinationPort: UInt16 = 80
    /// How many bytes of zeros it carries.
    var payload = 0
    /// What is behind the IP header, instead of all that.
    var body: [UInt8]?
    var timeToLive: UInt8 = 64

    /// The whole frame, which may not be fragmented.
    func frame(to station: MACAddress, from sender: MACAddress) -> [UInt8] {
        let ports = Self.bytes(sourcePort) + Self.bytes(destinationPort)
        let header: [UInt8] =
            transport == 6
            ? ports + [0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]
            : ports + Self.bytes(UInt16(8 + payload)) + [0, 0]
        let body = self.body ?? header + [UInt8](repeating: 0, count: payload)
        let isIPv6 = source.v6 != nil
        let packet = isIPv6 ? ipv6Header(body.count) : ipv4Header(body.count)
        return Self.bytes(station) + Self.bytes(sender) + (isIPv6 ? [0x86, 0xDD] : [8, 0]) + packet + body
    }

    private func ipv4Header(_ length: Int) -> [UInt8] {
        var header: [UInt8] =
            [0x45, 0] + Self.bytes(UInt16(20 + length)) + [0, 0, 0x40, 0, timeToLive, transport, 0, 0]
            + Self.bytes(source) + Self.bytes(destination)
        var sum = stride(from: 0, to: 20, by: 2).reduce(UInt32(0)) {
            $0 + UInt32(header[$1]) << 8 + UInt32(header[$1 + 1])
        }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        header.replaceSubrange(10..<12, with: Self.bytes(~UInt16(truncatingIfNeeded: sum)))
        return header
    }

    private func ipv6Header(_ length: Int) -> [UInt8] {
        [0x60, 0, 0, 0] + Self.bytes(UInt16(length)) + [transport, timeToLive] + Self.bytes(source)
            + Self.bytes(destination)
    }

    private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    private static func bytes(_ mac: MACAddress) -> [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: mac.rawValue >> (40 - 8 * $0)) }
    }

    private static func bytes(_ address: IPAddress) -> [UInt8] {
        switch address {
        case .v4(let address): (0..<4).map { UInt8(truncatingIfNeeded: address.rawValue >> (24 - 8 * $0)) }
        case .v6(let address):
            [address.high, address.low].flatMap { half in
                (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) }
            }
        }
    }
}
