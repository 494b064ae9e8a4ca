import NetworkAddress

@testable import Forwarding

/// ```
///   10.0.0.11 at …:11 ┐                     director                      203.0.113.1 at …:fe ── the world
///                     ├─ 10.0.0.0/24 ─ 0 (…:01)   1 (…:02) ─ 203.0.113.0/24 ─┤
///   10.0.0.12 at …:12 ┘         the servers are 203.0.113.5             203.0.113.77 at …:77
/// ```
enum OutboundWorld {
    static let address = IPv4Address(203, 0, 113, 5)
    static let remote = "198.51.100.7"
    static let neighbor = IPv4Address(203, 0, 113, 77)

    static func mac(_ last: UInt8) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | UInt64(last)) }

    static func prefix(_ text: String) -> Prefix { Prefix(text) ?? Prefix(host: .v4(.any)) }

    static let router = LinkStation(egress: 1, source: mac(0x02), destination: mac(0xFE))

    static func outbound(
        ports: ClosedRange<UInt16> = 1024...65535, sources: [String] = ["10.0.0.0/24"], mtu: Int = 1500,
        router: LinkStation? = OutboundWorld.router, address: IPv4Address = OutboundWorld.address
    ) -> Outbound {
        Outbound(
            rules: [.init(sources: sources.map(prefix), address: address, ports: ports)],
            routes: [
                .init(network: prefix("0.0.0.0/0"), hop: .router(egress: 1, router), mtu: mtu),
                .init(network: prefix("203.0.113.0/24"), hop: .onLink(egress: 1, source: mac(0x02)), mtu: mtu),
                .init(network: prefix("10.0.0.0/16"), hop: .onLink(egress: 0, source: mac(0x01)), mtu: 1500),
                .init(network: prefix("172.17.0.0/16"), hop: .elsewhere, mtu: 1500),
            ], own: [.v4(IPv4Address(10, 0, 0, 1)), .v4(IPv4Address(203, 0, 113, 2))])
    }

    static func forwarder(
        _ outbound: Outbound = OutboundWorld.outbound(), services: [VirtualService] = [], capacity: Int = 1000
    ) -> Forwarder {
        var forwarder = Forwarder(flowCapacity: capacity, seed: 11)
        forwarder.apply(services, outbound: outbound, now: .seconds(0))
        return forwarder
    }

    /// What server 10.0.0.`host` sends, as its frame.
    static func inside(_ host: UInt8, _ packet: Wire.Packet) -> [UInt8] { frame(to: 1, from: host, packet) }

    /// What comes in from the world by way of its router.
    static func outside(_ packet: Wire.Packet, from sender: UInt8 = 0xFE) -> [UInt8] {
        frame(to: 2, from: sender, packet)
    }

    /// The frame from one MAC to another, of which these are the last octets.
    static func frame(to destination: UInt8, from source: UInt8, _ packet: Wire.Packet) -> [UInt8] {
        let head: [UInt8] = [2, 0, 0, 0, 0, destination, 2, 0, 0, 0, 0, source, 8, 0]
        return head + packet.bytes
    }

    /// A segment between these ends.
    static func tcp(
        _ source: String, _ sourcePort: UInt16, _ destination: String, _ port: UInt16, flags: UInt8,
        _ payload: [UInt8] = [], _ checksum: Wire.Checksum = .complete
    ) -> Wire.Packet {
        var packet = Wire.Packet()
        (packet.source, packet.destination) = (Wire.mapped(source), Wire.mapped(destination))
        packet.fragment = 0x4000
        packet = packet.tcp(payload, checksum, flags: flags)
        packet.body.replaceSubrange(0..<4, with: Wire.octets(sourcePort, 2) + Wire.octets(port, 2))
        return packet.checked(checksum, at: 16)
    }

    static func udp(
        _ source: String, _ sourcePort: UInt16, _ destination: String, _ port: UInt16, _ payload: [UInt8] = [1, 2, 3],
        _ checksum: Wire.Checksum = .complete
    ) -> Wire.Packet {
        var packet = Wire.Packet()
        (packet.source, packet.destination) = (Wire.mapped(source), Wire.mapped(destination))
        packet = packet.udp(payload, checksum)
        packet.body.replaceSubrange(0..<4, with: Wire.octets(sourcePort, 2) + Wire.octets(port, 2))
        return packet.checked(checksum, at: 6)
    }

    /// An echo, asked (8) or answered (0).
    static func echo(_ source: String, _ destination: String, _ type: UInt8, _ identifier: UInt16) -> Wire.Packet {
        var packet = Wire.Packet()
        (packet.source, packet.destination) = (Wire.mapped(source), Wire.mapped(destination))
        packet.transport = 1
        packet.body = [type, 0, 0, 0] + Wire.octets(identifier, 2) + [0, 1, 9, 9, 9]
        packet.body.replaceSubrange(2..<4, with: Wire.octets(~Wire.sum(packet.body) & 0xFFFF, 2))
        return packet
    }
}

extension Forwarder {
    /// The verdict on a frame from the servers' side (interface 0) or the world's (1), which its destination MAC tells, and what
    /// became of it.
    mutating func pass(
        _ frame: [UInt8], at seconds: Double = 1, isPartial: Bool = false, segmentSize: Int = 0
    ) -> (verdict: Verdict, bytes: [UInt8]) {
        withFrame(frame, headroom: 64, isPartial: isPartial, segmentSize: segmentSize) { packet in
            packet.ingress = frame.count > 5 && frame[5] == 2 ? 1 : 0
            let verdict = forward(&packet, now: .seconds(seconds))
            return (verdict, Array(packet.bytes))
        }
    }

    /// The port, or of an echo the identifier, that the world sees of a packet that leaves; nil: it does not.
    mutating func portSeen(of frame: [UInt8], at seconds: Double = 1) -> UInt16? {
        let (verdict, bytes) = pass(frame, at: seconds)
        guard verdict == .transmit(egress: 1) else { return nil }
        let place = bytes[23] == 1 ? 38 : 34
        return UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
    }
}
