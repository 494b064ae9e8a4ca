import Forwarding
import NetworkAddress

/// A frame with a TCP segment for the VIP, to be bent before it is encoded.
struct TestFrame {
    enum Flag {
        static let fin: UInt8 = 0x01
        static let syn: UInt8 = 0x02
        static let rst: UInt8 = 0x04
        static let psh: UInt8 = 0x08
        static let ack: UInt8 = 0x10
    }

    var destination = MACAddress(rawValue: 0x02_00_00_00_00_01)
    var source = MACAddress(rawValue: 0x02_00_00_00_00_FE)
    var client = IPv4Address(198, 51, 100, 7)
    var vip = IPv4Address(192, 0, 2, 10)
    var clientPort: UInt16 = 40001
    var port: UInt16 = 80
    var flags = Flag.syn
    var timeToLive: UInt8 = 64
    var identification: UInt16 = 0x1234
    var fragment: UInt16 = 0x4000
    var transport: UInt8 = 6
    var payload = 0
    var filler: UInt8 = 0x61
    var padding = 0

    /// The bytes on the wire, with a right IPv4 header checksum.
    var bytes: [UInt8] {
        var bytes = Self.octets(destination.rawValue, 6) + Self.octets(source.rawValue, 6) + [0x08, 0x00]
        bytes +=
            [0x45, 0] + Self.octets(UInt64((transport == 17 ? 28 : 40) + payload), 2)
            + Self.octets(UInt64(identification), 2)
        bytes += Self.octets(UInt64(fragment), 2) + [timeToLive, transport, 0, 0]
        bytes += Self.octets(UInt64(client.rawValue), 4) + Self.octets(UInt64(vip.rawValue), 4)
        bytes += Self.octets(UInt64(clientPort), 2) + Self.octets(UInt64(port), 2)
        if transport == 17 {
            bytes += Self.octets(UInt64(8 + payload), 2) + [0xBE, 0xEF]
        } else {
            bytes += [0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xFA, 0xF0, 0xBE, 0xEF, 0, 0]
        }
        bytes += [UInt8](repeating: filler, count: payload) + [UInt8](repeating: 0, count: padding)
        Self.setHeaderChecksum(of: &bytes)
        return bytes
    }

    /// The same with a right transport checksum.
    var checkedBytes: [UInt8] { withChecksum { ~$0 } }

    /// The same with the pseudo-header's sum where the checksum goes, as a host hands it over that leaves the rest to its card.
    var partialBytes: [UInt8] { withChecksum(over: 0) { $0 } }

    private func withChecksum(over length: Int? = nil, _ finish: (UInt16) -> UInt16) -> [UInt8] {
        var bytes = bytes
        let place = transport == 17 ? 40 : 50
        (bytes[place], bytes[place + 1]) = (0, 0)
        let end = bytes.count - padding
        var sum = Int(transport) + end - 34
        for offset in stride(from: 26, to: 34, by: 2) { sum += Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
        for offset in 34..<34 + (length ?? end - 34) { sum += Int(bytes[offset]) << (offset % 2 == 0 ? 8 : 0) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        let checksum = finish(UInt16(sum))
        (bytes[place], bytes[place + 1]) = (UInt8(checksum >> 8), UInt8(checksum & 0xFF))
        return bytes
    }

    /// Puts the IPv4 header checksum right, computed the slow way (RFC 1071 §4.1).
    static func setHeaderChecksum(of bytes: inout [UInt8]) {
        let end = 14 + Int(bytes[14] & 0x0F) * 4
        bytes[24] = 0
        bytes[25] = 0
        var sum = 0
        for offset in stride(from: 14, to: min(end, bytes.count - 1), by: 2) {
            sum += Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
        }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        bytes[24] = UInt8(~sum >> 8 & 0xFF)
        bytes[25] = UInt8(~sum & 0xFF)
    }

    private static func octets(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
    }
}

extension Ticks {
    static func seconds(_ seconds: Double) -> Ticks { Ticks(milliseconds: UInt64(seconds * 1000)) }
}

extension RealServer {
    /// 10.0.0.`host` at 02:00:00:00:00:`host`, which is also its interface's index.
    static func at(_ host: UInt8, weight: Int = 1, isResolved: Bool = true) -> RealServer {
        let station = LinkStation(
            egress: Int(host), source: MACAddress(rawValue: 0x02_00_00_00_00_01),
            destination: MACAddress(rawValue: 0x02_00_00_00_00_00 | UInt64(host)))
        return RealServer(
            address: .v4(IPv4Address(10, 0, 0, host)), weight: weight, station: isResolved ? station : nil)
    }
}

extension RealServer {
    /// The same, by network address translation to this port.
    static func nat(_ host: UInt8, port: UInt16, weight: Int = 1) -> RealServer {
        var server = RealServer.at(host, weight: weight)
        server.method = .nat
        server.port = port
        return server
    }
}

extension VirtualService {
    /// 192.0.2.10:80, unless told otherwise.
    static func web(_ servers: [RealServer], _ scheduler: SchedulerKind = .rr, port: UInt16 = 80) -> VirtualService {
        VirtualService(
            name: port == 80 ? "web" : "web-\(port)", vip: .v4(IPv4Address(192, 0, 2, 10)), port: port,
            scheduler: scheduler,
            servers: servers)
    }
}

extension Forwarder {
    /// The verdict on a frame, and what became of its bytes.
    mutating func forward(
        bytes: [UInt8], ingress: Int = 0, isPartial: Bool = false, at now: Ticks = .seconds(1)
    ) -> (verdict: Verdict, bytes: [UInt8]) {
        var bytes = bytes
        let verdict = bytes.withUnsafeMutableBytes { bytes in
            var frame = Frame(bytes: bytes, isPartial: isPartial, ingress: ingress)
            return forward(&frame, now: now)
        }
        return (verdict, bytes)
    }

    /// The verdict on a frame that is one complete packet.
    mutating func forward(_ bytes: UnsafeMutableRawBufferPointer, now: Ticks) -> Verdict {
        var frame = Frame(bytes: bytes)
        return forward(&frame, now: now)
    }

    /// The verdict on a segment of the client with this port.
    mutating func send(_ flags: UInt8, from clientPort: UInt16, to port: UInt16 = 80, at seconds: Double = 1) -> Verdict
    {
        var frame = TestFrame()
        frame.flags = flags
        frame.clientPort = clientPort
        frame.port = port
        return forward(bytes: frame.bytes, at: .seconds(seconds)).verdict
    }

    /// Active and inactive connections of the first service's servers.
    var connections: [[Int]] {
        statistics().first?.servers.map { [$0.activeConnections, $0.inactiveConnections] } ?? []
    }
}
