import Glibc
import NetworkAddress

/// A small TCP segment of any of a million flows: 16 clients with 65,536 ports each, and one other end.
struct PacketTemplate {
    static let syn: UInt8 = 0x02
    static let ack: UInt8 = 0x10

    private let bytes: [UInt8]
    /// Where the client's last octet and its port are.
    private let client: Int
    private let port: Int
    private let isIPv6: Bool

    var length: Int { bytes.count }

    /// From the clients to `end`, or as an answer from there; `clients` ends in 0.
    init(clients: IPAddress, end: IPAddress, port endPort: UInt16, flags: UInt8, isAnswer: Bool = false) {
        let (source, destination) = isAnswer ? (end, clients) : (clients, end)
        let isIPv6 = end.v6 != nil
        let header: [UInt8] =
            isIPv6
            ? [0x60, 0, 0, 0, 0, 20, 6, 64] + Self.octets(source) + Self.octets(destination)
            : Self.checked(
                // The identification makes up for the client's octet, so that the checksum is right for all of them.
                [0x45, 0, 0, 40, 0, 15, 0x40, 0, 64, 6, 0, 0] + Self.octets(source) + Self.octets(destination))
        let ports = [UInt8(endPort >> 8), UInt8(endPort & 0xFF)]
        let segment =
            (isAnswer ? ports + [0, 0] : [0, 0] + ports)
            + [0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xFF, 0xFF, 0xBE, 0xEF, 0, 0]
        bytes =
            [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0xFE] + (isIPv6 ? [0x86, 0xDD] : [8, 0]) + header + segment
            // Padded as on the wire.
            + [UInt8](repeating: 0, count: isIPv6 ? 0 : 6)
        let width = isIPv6 ? 16 : 4
        client = 14 + (isIPv6 ? 8 : 12) + (isAnswer ? 2 : 1) * width - 1
        port = 14 + header.count + (isAnswer ? 2 : 0)
        self.isIPv6 = isIPv6
    }

    /// The packet of the flow with this number, less than 2²⁰.
    func write(flow: Int, to place: UnsafeMutableRawPointer) {
        bytes.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        place.storeBytes(of: UInt8(flow >> 16), toByteOffset: client, as: UInt8.self)
        if !isIPv6 { place.storeBytes(of: 15 - UInt8(flow >> 16), toByteOffset: 19, as: UInt8.self) }
        place.storeBytes(of: UInt16(truncatingIfNeeded: flow).bigEndian, toByteOffset: port, as: UInt16.self)
    }

    private static func octets(_ address: IPAddress) -> [UInt8] {
        switch address {
        case .v4(let address): (0..<4).map { UInt8(truncatingIfNeeded: address.rawValue >> UInt32(24 - 8 * $0)) }
        case .v6(let address):
            [address.high, address.low].flatMap { half in
                (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) }
            }
        }
    }

    /// An IPv4 header with its checksum (RFC 1071).
    private static func checked(_ header: [UInt8]) -> [UInt8] {
        var sum = 0
        for (index, octet) in header.enumerated() { sum += index % 2 == 0 ? Int(octet) << 8 : Int(octet) }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        var header = header
        (header[10], header[11]) = (UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF))
        return header
    }
}
