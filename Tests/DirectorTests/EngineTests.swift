internal import Forwarding
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO
internal import Synchronization
internal import Testing

@testable internal import Director

/// ```
///   the director's host                        the segment: client and server, played by the test
///   va 10.9.0.1/24 ─────────── veth ─────────── vb
/// ```
@Suite("the engine on a wire", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct EngineTests {
    static let vip = IPv4Address(10, 9, 0, 50)
    static let dip = IPv4Address(10, 9, 0, 1)
    static let server = IPv4Address(10, 9, 0, 11)
    static let serverMAC = MACAddress(rawValue: 0x0200_0000_0011)
    static let client = IPv4Address(10, 9, 0, 100)
    static let clientMAC = MACAddress(rawValue: 0x0200_0000_0100)
    static let settings = EngineSettings(interfaces: ["va"], vips: [vip], servers: [server], ownsVIPs: true)
    static let plan = ServicePlan(
        name: "web", vips: [.v4(vip)], port: 80, scheduler: .rr, servers: [.init(address: .v4(server), weight: 1)])

    static func withWire(_ body: @escaping @Sendable (inout Segment) throws -> Void) throws {
        try FreshNamespace.run {
            #expect(system("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6") == 0)
            #expect(system("ip link set lo up && ip link add va type veth peer name vb && ip link set vb up") == 0)
            #expect(system("ip addr add 10.9.0.1/24 dev va && ip link set va up") == 0)
            var segment = try Segment()
            try body(&segment)
        }
    }

    /// What nftables lists in the calling thread's namespace.
    static func ruleset() throws -> String {
        try Nftables().run(#"{"nftables":[{"list":{"ruleset":null}}]}"#, operation: "list")
    }

    @Test(
        "it claims the VIP, forwards a client's packets to the server alone, and leaves nothing behind",
        .timeLimit(.minutes(1)))
    func wholeLife() throws {
        try Self.withWire { segment in
            let events = Events()
            let engine = try Engine(Self.settings) { events.add($0) }
            try engine.applyNow([Self.plan])

            // 1. It asks for the server, and asks whether somebody has the VIP.
            try segment.answerARP(until: "the VIP is claimed") {
                events.all.contains(.arp(.claimed(Self.vip), interface: "va"))
            }
            #expect(events.all.contains(.arp(.resolved(Self.server, Self.serverMAC), interface: "va")))
            let probes = segment.arp.filter { $0.target == Self.vip && $0.sender == .any }
            #expect(probes.count == 3)
            // 2. A client is told its MAC.
            segment.send(.request(Self.vip, from: Self.clientMAC, Self.client))
            let answer = try segment.nextARP { $0.operation == .reply && $0.sender == Self.vip }
            #expect(answer.senderMAC == segment.directorMAC && answer.targetMAC == Self.clientMAC)
            // 3. Its packet goes on to the server, and nothing else comes of it: no RST, no second copy. What follows on
            //    the wire next is the answer to the question sent behind it.
            segment.sendSYN(to: segment.directorMAC)
            segment.sendSYN(to: Self.serverMAC)
            segment.send(.request(Self.vip, from: Self.clientMAC, Self.client))
            _ = try segment.nextARP { $0.operation == .reply && $0.sender == Self.vip }
            #expect(segment.packets.map(\.destination) == [Self.serverMAC], "one copy, and none of the flooded one")
            #expect(segment.packets.map(\.source) == [segment.directorMAC])
            #expect(segment.packets.map(\.timeToLive) == [63])
            let snapshot = try engine.snapshotNow()
            #expect(snapshot.services[0].servers[0].activeConnections == 1)
            #expect(
                snapshot.interfaces[0].vips[0].state == .announcing(sent: 1)
                    || snapshot.interfaces[0].vips[0].state == .owned)
            // 4. Off the wire.
            #expect(try Self.ruleset().contains("rsdirector"))
            try engine.stop()
            #expect(try Self.ruleset().contains("rsdirector") == false)
        }
    }

    @Test(
        "an interface that is deleted and made again is used again, with its new MAC and the filter back",
        .timeLimit(.minutes(1)))
    func interfaceReturns() throws {
        try Self.withWire { segment in
            let events = Events()
            let engine = try Engine(Self.settings) { events.add($0) }
            try engine.applyNow([Self.plan])
            #expect(system("ip link del va") == 0)
            try Deadline.wait("the loss is reported") {
                events.all.contains { if case .lost("va", _) = $0 { true } else { false } }
            }
            #expect(try engine.snapshotNow().interfaces[0].mac == nil)
            #expect(system("ip link add va type veth peer name vb && ip link set vb up") == 0)
            #expect(system("ip addr add 10.9.0.1/24 dev va && ip link set va up") == 0)
            segment = try Segment()
            try segment.answerARP(until: "the VIP is claimed again") {
                events.all.contains(.arp(.claimed(Self.vip), interface: "va"))
            }
            segment.sendSYN(to: segment.directorMAC)
            _ = try segment.nextPacket()
            #expect(segment.packets.map(\.destination) == [Self.serverMAC])
            try Deadline.wait("the filter counts the packet") { try Self.ruleset().contains(#""packets": 1,"#) }
            try engine.stop()
        }
    }

    @Test("without a server that takes connections the client is told, in the VIP's name", .timeLimit(.minutes(1)))
    func unreachable() throws {
        try Self.withWire { segment in
            let engine = try Engine(Self.settings) { _ in }
            var plan = Self.plan
            plan.servers[0].weight = 0
            try engine.applyNow([plan])
            segment.sendSYN(to: segment.directorMAC)
            let answer = try segment.nextPacket()
            #expect(answer.destination == Self.clientMAC && answer.isPortUnreachable)
            try engine.stop()
        }
    }

    @Test("an interface that cannot be used leaves no table behind")
    func failedStart() throws {
        try FreshNamespace.run {
            #expect(system("ip link set lo up") == 0)
            var settings = Self.settings
            settings.interfaces = ["lo"]
            do {
                _ = try Engine(settings) { _ in }
                Issue.record("loopback was accepted")
            } catch {
                #expect("\(error)".contains("lo: bind: not an Ethernet interface"))
            }
            let ruleset = try Self.ruleset()
            #expect(!ruleset.contains("rsdirector"))
        }
    }
}
