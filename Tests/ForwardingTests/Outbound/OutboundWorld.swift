import NetworkAddress
import Testing

@testable import Forwarding

/// The servers' side and the world, in either family.
///
/// ```
///   10.0.0.11 at …:11 ┐                     director                      203.0.113.1 at …:fe ── the world
///                     ├─ 10.0.0.0/24 ─ 0 (…:01)   1 (…:02) ─ 203.0.113.0/24 ─┤
///   10.0.0.12 at …:12 ┘         the servers are 203.0.113.5             203.0.113.77 at …:77
///
///   2001:db8:a::11, ::12 ─ 2001:db8:a::/64 ─ 0    1 ─ 2001:db8:b::/64 ─ 2001:db8:b::1, ::77; they are 2001:db8:b::5
/// ```
struct OutboundWorld: Sendable, CustomTestStringConvertible {
    static let v4 = OutboundWorld(
        isIPv6: false, insideBase: "10.0.0.", linkBase: "203.0.113.", farBase: "198.51.100.", vip: "192.0.2.10",
        everyone: "0.0.0.0/0",
        around: "10.0.0.0/16", linkNetwork: "203.0.113.0/24", elsewhere: "172.17.0.0/16", elsewhereHost: "172.17.0.9")
    static let v6 = OutboundWorld(
        isIPv6: true, insideBase: "2001:db8:a::", linkBase: "2001:db8:b::", farBase: "2001:db8:c::",
        vip: "2001:db8::10",
        everyone: "::/0", around: "2001:db8:a::/56", linkNetwork: "2001:db8:b::/64", elsewhere: "fd00:17::/32",
        elsewhereHost: "fd00:17::9")
    static let both = [v4, v6]

    let isIPv6: Bool
    /// What addresses begin with: the servers', those on the director's link to the world, and those beyond.
    private let insideBase, linkBase, farBase: String
    let vip: String
    /// Networks: all there are, what is behind the interface to the servers, the link to the world, and what another interface leads to.
    private let everyone, around, linkNetwork, elsewhere: String
    let elsewhereHost: String

    var testDescription: String { isIPv6 ? "IPv6" : "IPv4" }

    /// The networks behind the interface to the servers; theirs is the first.
    func network(_ number: Int) -> String { isIPv6 ? "2001:db8:a:\(number)::/64" : "10.0.\(number).0/24" }
    func host(_ host: UInt8, in number: Int) -> String {
        isIPv6 ? "2001:db8:a:\(number)::\(host)" : "10.0.\(number).\(host)"
    }
    /// The bytes of the headers of IP and TCP.
    var headers: Int { isIPv6 ? 60 : 40 }

    func server(_ host: UInt8) -> String { insideBase + "\(host)" }
    func onLink(_ host: UInt8) -> String { linkBase + "\(host)" }
    func far(_ host: UInt8) -> String { farBase + "\(host)" }
    /// What the world sees.
    var seen: String { onLink(5) }
    var remote: String { far(7) }
    var neighbor: IPAddress { Wire.mapped(onLink(77)).narrow }

    static func address(_ text: String) -> IPAddress { Wire.mapped(text).narrow }
    static func mac(_ last: UInt8) -> MACAddress { MACAddress(rawValue: 0x0200_0000_0000 | UInt64(last)) }
    static func prefix(_ text: String) -> Prefix { Prefix(text) ?? Prefix(host: .v4(.any)) }

    static let router = LinkStation(egress: 1, source: mac(0x02), destination: mac(0xFE))

    func outbound(
        ports: ClosedRange<UInt16> = 1024...65535, sources: [String]? = nil, mtu: Int = 1500,
        router: LinkStation? = OutboundWorld.router, address: String? = nil
    ) -> Outbound {
        Outbound(
            rules: [
                .init(
                    sources: (sources ?? [network(0)]).map(Self.prefix), address: Self.address(address ?? seen),
                    ports: ports)
            ],
            routes: [
                .init(network: Self.prefix(everyone), hop: .router(egress: 1, router), mtu: mtu),
                .init(network: Self.prefix(linkNetwork), hop: .onLink(egress: 1, source: Self.mac(0x02)), mtu: mtu),
                .init(network: Self.prefix(around), hop: .onLink(egress: 0, source: Self.mac(0x01)), mtu: 1500),
                .init(network: Self.prefix(elsewhere), hop: .elsewhere, mtu: 1500),
            ], own: [Self.address(server(1)), Self.address(onLink(2))])
    }

    func forwarder(
        _ outbound: Outbound? = nil, services: [VirtualService] = [], capacity: Int = 1000
    ) -> Forwarder {
        var forwarder = Forwarder(flowCapacity: capacity, seed: 11)
        forwarder.apply(services, outbound: outbound ?? self.outbound(), now: .seconds(0))
        return forwarder
    }

    /// The VIP's port 80, translated to port 8080 of the first server.
    var service: VirtualService {
        var server = RealServer.nat(11, port: 8080)
        server.address = Self.address(self.server(11))
        server.station = LinkStation(egress: 0, source: Self.mac(1), destination: Self.mac(11))
        var service = VirtualService.web([server])
        service.vip = Self.address(vip)
        return service
    }

    /// What the server with this last part of its address sends, as its frame.
    static func inside(_ host: UInt8, _ packet: Wire.Packet) -> [UInt8] { frame(to: 1, from: host, packet) }

    /// What comes in from the world by way of its router.
    static func outside(_ packet: Wire.Packet, from sender: UInt8 = 0xFE) -> [UInt8] {
        frame(to: 2, from: sender, packet)
    }

    /// The frame from one MAC to another, of which these are the last octets.
    static func frame(to destination: UInt8, from source: UInt8, _ packet: Wire.Packet) -> [UInt8] {
        let head: [UInt8] = [2, 0, 0, 0, 0, destination, 2, 0, 0, 0, 0, source]
        return head + Wire.octets(packet.isIPv6 ? UInt16(0x86DD) : 0x0800, 2) + packet.bytes
    }

    private static func packet(from source: String, to destination: String) -> Wire.Packet {
        var packet = Wire.Packet()
        (packet.source, packet.destination) = (Wire.mapped(source), Wire.mapped(destination))
        return packet
    }

    /// A segment between these ends.
    static func tcp(
        _ source: String, _ sourcePort: UInt16, _ destination: String, _ port: UInt16, flags: UInt8,
        _ payload: [UInt8] = [], _ checksum: Wire.Checksum = .complete
    ) -> Wire.Packet {
        var packet = packet(from: source, to: destination)
        packet.fragment = 0x4000
        packet = packet.tcp(payload, checksum, flags: flags)
        packet.body.replaceSubrange(0..<4, with: Wire.octets(sourcePort, 2) + Wire.octets(port, 2))
        return packet.checked(checksum, at: 16)
    }

    static func udp(
        _ source: String, _ sourcePort: UInt16, _ destination: String, _ port: UInt16, _ payload: [UInt8] = [1, 2, 3],
        _ checksum: Wire.Checksum = .complete
    ) -> Wire.Packet {
        var packet = packet(from: source, to: destination).udp(payload, checksum)
        packet.body.replaceSubrange(0..<4, with: Wire.octets(sourcePort, 2) + Wire.octets(port, 2))
        return packet.checked(checksum, at: 6)
    }

    /// An echo, asked or answered.
    static func echo(_ source: String, _ destination: String, _ identifier: UInt16, isReply: Bool = false)
        -> Wire.Packet
    {
        let packet = packet(from: source, to: destination)
        let type: UInt8 = packet.isIPv6 ? isReply ? 129 : 128 : isReply ? 0 : 8
        return packet.icmp(type, 0, UInt32(identifier) << 16 | 1, quoting: [9, 9, 9])
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
        return ReceivedFrame(bytes).sourcePort
    }
}
