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
    static let vip = IPAddress.v4(IPv4Address(10, 9, 0, 50))
    static let server = IPAddress.v4(IPv4Address(10, 9, 0, 11))
    static let serverMAC = MACAddress(rawValue: 0x0200_0000_0011)
    static let client = IPAddress.v4(IPv4Address(10, 9, 0, 100))
    static let network6 = IPv6Address(high: 0x2001_0DB8_0009_0000, low: 0)
    static let vip6 = IPAddress.v6(IPv6Address(high: network6.high, low: 0x50))
    static let server6 = IPAddress.v6(IPv6Address(high: network6.high, low: 0x11))
    static let client6 = IPAddress.v6(IPv6Address(high: network6.high, low: 0x100))
    /// A server on another network, and the router towards it.
    static let farServer = IPAddress.v4(IPv4Address(10, 20, 0, 11))
    static let router = IPAddress.v4(IPv4Address(10, 9, 0, 254))
    static let routerMAC = MACAddress(rawValue: 0x0200_0000_0254)
    /// Who is where.
    static let stations = [server: serverMAC, server6: serverMAC, router: routerMAC]
    static let clientMAC = MACAddress(rawValue: 0x0200_0000_0100)
    static let settings = EngineSettings(interfaces: ["va"], vips: [vip], servers: [server], ownsVIPs: true)
    static let plan = ServicePlan(
        name: "web", vips: [vip], port: 80, scheduler: .rr, servers: [.init(address: server, weight: 1)])

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
            try segment.answer(until: "the VIP is claimed") {
                events.all.contains(.resolution(.claimed(Self.vip), interface: "va"))
            }
            #expect(events.all.contains(.resolution(.resolved(Self.server, Self.serverMAC), interface: "va")))
            let probes = segment.messages.filter { $0.content == .probe(Self.vip) }
            #expect(probes.count == 3)
            // 2. A client is told its MAC.
            segment.send(.request(Self.vip, from: Self.clientMAC, Self.client))
            let reply = NeighborMessage(.reply(Self.vip, to: Self.client), mac: segment.directorMAC)
            _ = try segment.nextMessage { $0 == reply }
            // 3. Its packet goes on to the server, and nothing else comes of it: no RST, no second copy. What follows on
            //    the wire next is the answer to the question sent behind it.
            segment.sendSYN(to: segment.directorMAC)
            segment.sendSYN(to: Self.serverMAC)
            segment.send(.request(Self.vip, from: Self.clientMAC, Self.client))
            _ = try segment.nextMessage { $0 == reply }
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
            try segment.answer(until: "the VIP is claimed again") {
                events.all.contains(.resolution(.claimed(Self.vip), interface: "va"))
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
            #expect(answer.destination == Self.clientMAC && answer.icmp == 0x0303)
            try engine.stop()
        }
    }

    @Test("an IPv6 VIP is claimed, asked for and forwarded for by Neighbor Discovery", .timeLimit(.minutes(1)))
    func ipv6() throws {
        try Self.withWire { segment in
            #expect(system("sysctl -qw net.ipv6.conf.va.disable_ipv6=0") == 0)
            #expect(system("ip addr add 2001:db8:9::1/64 dev va nodad") == 0)
            let events = Events()
            let settings = EngineSettings(
                interfaces: ["va"], vips: [Self.vip6], servers: [Self.server6], ownsVIPs: true)
            let engine = try Engine(settings) { events.add($0) }
            try engine.applyNow([
                ServicePlan(
                    name: "web", vips: [Self.vip6], port: 80, scheduler: .rr,
                    servers: [.init(address: Self.server6, weight: 1)])
            ])
            // 1. One probe, and the VIP is ours; the server is found.
            try segment.answer(until: "the VIP is claimed and the server found") {
                events.all.contains(.resolution(.claimed(Self.vip6), interface: "va"))
                    && events.all.contains(.resolution(.resolved(Self.server6, Self.serverMAC), interface: "va"))
            }
            #expect(segment.messages.filter { $0.content == .probe(Self.vip6) }.count == 1)
            // A real card lets through only what was asked for: the VIP's group.
            #expect(system("grep -q 3333ff000050 /proc/net/dev_mcast") == 0)
            // 2. A client that asks the VIP's group is told our MAC, and so is everyone where somebody probes for the VIP.
            segment.send(.request(Self.vip6, from: Self.clientMAC, Self.client6))
            let reply = NeighborMessage(.reply(Self.vip6, to: Self.client6), mac: segment.directorMAC)
            _ = try segment.nextMessage { $0 == reply }
            try segment.answer(until: "it has announced the VIP") {
                try engine.snapshotNow().interfaces[0].vips[0].state == .owned
            }
            segment.send(.probe(Self.vip6, from: Self.clientMAC))
            let announcement = NeighborMessage.announcement(Self.vip6, from: segment.directorMAC)
            _ = try segment.nextMessage { $0 == announcement }
            // 3. Its packet goes on to the server, and nothing else comes of it.
            segment.sendSYN(to: segment.directorMAC, for: Self.vip6)
            segment.send(.request(Self.vip6, from: Self.clientMAC, Self.client6))
            _ = try segment.nextMessage { $0 == reply }
            #expect(
                segment.packets == [
                    .init(
                        destination: Self.serverMAC, source: segment.directorMAC, timeToLive: 63, transport: 6,
                        icmp: nil)
                ])
            #expect(try engine.snapshotNow().stations == [Self.server6: Self.serverMAC])
            try engine.stop()
        }
    }

    @Test(
        "nobody is asked for as an address that may be somebody else's, and the server is found once it is not",
        .timeLimit(.minutes(1)))
    func tentative() throws {
        try Self.withWire { segment in
            let isTentative = "ip -6 addr show dev va tentative | grep -q inet6"
            // The kernel asks four times, once a second, whether somebody has it.
            #expect(system("sysctl -qw net.ipv6.conf.va.dad_transmits=4 net.ipv6.conf.va.disable_ipv6=0") == 0)
            #expect(system("ip addr add 2001:db8:9::1/64 dev va && \(isTentative)") == 0)
            let settings = EngineSettings(
                interfaces: ["va"], vips: [Self.vip6], servers: [Self.server6], ownsVIPs: false)
            let engine = try Engine(settings) { _ in }
            let question = try segment.nextMessage { $0.asked == Self.server6 }
            #expect(system(isTentative) != 0, "asked for too early")
            let own = IPAddress.v6(IPv6Address(high: Self.network6.high, low: 1))
            #expect(question.content == .request(Self.server6, from: own))
            try engine.stop()
        }
    }

    @Test(
        "packets for a server behind a router go to the router, also where the route comes later, and no longer than it says",
        .timeLimit(.minutes(1)))
    func router() throws {
        try Self.withWire { segment in
            let settings = EngineSettings(
                interfaces: ["va"], vips: [Self.vip], servers: [Self.farServer], ownsVIPs: false)
            let engine = try Engine(settings) { _ in }
            var plan = Self.plan
            plan.servers = [.init(address: Self.farServer, weight: 1)]
            try engine.applyNow([plan])
            #expect(try engine.snapshotNow().stations.isEmpty)
            #expect(system("ip route add 10.20.0.0/24 via 10.9.0.254 mtu 1000") == 0)
            try segment.answer(until: "the router is found") {
                try engine.snapshotNow().stations == [Self.farServer: Self.routerMAC]
            }
            segment.sendSYN(to: segment.directorMAC)
            #expect(try segment.nextPacket().destination == Self.routerMAC)
            segment.sendSYN(to: segment.directorMAC, payload: 1000)
            let answer = try segment.nextPacket()
            #expect(answer.destination == Self.clientMAC && answer.icmp == 0x0304, "fragmentation needed")
            try engine.stop()
        }
    }

    @Test(
        "a burst is forwarded whole and in order, and a question in the middle of it is answered in its turn",
        .timeLimit(.minutes(1)))
    func burst() throws {
        try Self.withWire { segment in
            let events = Events()
            let engine = try Engine(Self.settings) { events.add($0) }
            try engine.applyNow([Self.plan])
            try segment.answer(until: "the VIP is claimed and the server found") {
                events.all.contains(.resolution(.claimed(Self.vip), interface: "va"))
                    && events.all.contains(.resolution(.resolved(Self.server, Self.serverMAC), interface: "va"))
            }
            // More than are judged together, and not a multiple of that.
            var expected: [UInt16] = []
            for port in UInt16(41_000)..<41_100 {
                var packet = TestPacket(source: Self.client, destination: Self.vip, sourcePort: port)
                segment.send(packet.frame(to: segment.directorMAC, from: Self.clientMAC))
                expected.append(port)
                if port % 10 == 0 {
                    // Nobody's.
                    packet.destinationPort = 81
                    segment.send(packet.frame(to: segment.directorMAC, from: Self.clientMAC))
                }
                if port % 40 == 0 {
                    segment.send(.request(Self.vip, from: Self.clientMAC, Self.client))
                    expected.append(0)
                }
            }
            while segment.order.count < expected.count { _ = try segment.nextPacket() }
            #expect(segment.order == expected)
            let snapshot = try engine.snapshotNow()
            #expect(snapshot.services[0].connections == 100 && snapshot.drops["noService"] == 10)
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
