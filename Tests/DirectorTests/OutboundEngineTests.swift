internal import Forwarding
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

/// On the wire of `EngineTests`, which is the servers' and the world's: 10.9.0.8/29 are servers, 10.9.0.254 is the router.
@Suite("source NAT on a wire", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct OutboundEngineTests {
    typealias Base = EngineTests
    static let address = IPAddress.v4(IPv4Address(10, 9, 0, 60))
    static let far = IPAddress.v4(IPv4Address(198, 51, 100, 7))

    static func rules() throws -> [Outbound.Rule] {
        [
            .init(
                sources: [try #require(Prefix("10.9.0.8/29"))], address: address, ports: 1024...65535)
        ]
    }

    /// What the server sends to somebody in the world, in a frame to the director.
    static func sendSYN(to destination: IPAddress, on segment: inout Segment) {
        let packet = TestPacket(source: Base.server, destination: destination)
        segment.send(packet.frame(to: segment.directorMAC, from: Base.serverMAC))
    }

    @Test(
        "it claims the address, finds the router and who is on link, follows the route, and lets go of all of it again",
        .timeLimit(.minutes(1)))
    func wholeLife() throws {
        try Base.withWire { segment in
            #expect(system("echo 1 > /proc/sys/net/ipv4/ip_forward && ip route add default via 10.9.0.254") == 0)
            let events = Events()
            let engine = try Engine(Base.settings) { events.add($0) }
            try engine.applyNow([Base.plan])
            try engine.applyNow(outbound: Self.rules())
            #expect(try Base.ruleset().contains("10.9.0.8"), "at once: the host's stack must not forward")
            // 1. The address is ours, the router is known.
            try segment.answer(until: "the address is claimed and the router found") {
                events.all.contains(.resolution(.claimed(Self.address), interface: "va"))
                    && events.all.contains(.resolution(.resolved(Base.router, Base.routerMAC), interface: "va"))
            }
            Self.sendSYN(to: Self.far, on: &segment)
            #expect(
                try segment.nextPacket()
                    == .init(
                        destination: Base.routerMAC, source: segment.directorMAC, timeToLive: 63, transport: 6,
                        icmp: nil))
            // 2. Somebody on link is asked for, and nobody is told of it.
            let asked = NeighborMessage.request(
                Base.client, from: segment.directorMAC, .v4(IPv4Address(10, 9, 0, 1)))
            Self.sendSYN(to: Base.client, on: &segment)
            _ = try segment.nextMessage { $0 == asked }
            #expect(try engine.snapshotNow().drops["nextHopUnresolved"] == 1)
            let answer = try #require(asked.answer(from: Base.clientMAC))
            segment.send(answer.message, to: answer.destination)
            Self.sendSYN(to: Base.client, on: &segment)
            #expect(try segment.nextPacket().destination == Base.clientMAC)
            #expect(!events.all.contains(.resolution(.resolved(Base.client, Base.clientMAC), interface: "va")))
            // 3. Another route.
            #expect(system("ip route replace default via 10.9.0.100") == 0)
            try Deadline.wait("the other router") {
                Self.sendSYN(to: Self.far, on: &segment)
                return try segment.nextPacket().destination == Base.clientMAC
            }
            let counted = try #require(engine.snapshotNow().outbound.first)
            #expect(counted.connections == 2 && counted.activeConnections == 2)
            // 4. Without the rule nothing of it is left.
            try engine.applyNow(outbound: [])
            #expect(try !Base.ruleset().contains("10.9.0.8"))
            let last = try engine.snapshotNow()
            #expect(last.outbound.isEmpty && last.interfaces[0].vips.map(\.address) == [Base.vip])
            try engine.stop()
        }
    }

    static func questions(about address: IPAddress, in messages: [NeighborMessage]) -> Int {
        messages.count { $0.asked == address }
    }

    @Test(
        "who is on link and falls silent is asked for no more; whoever is a server as well goes on being",
        .timeLimit(.minutes(1)))
    func silence() throws {
        try Base.withWire { segment in
            // A server that is not there either: it is asked for on and on, once a second like them.
            let missing = IPAddress.v4(IPv4Address(10, 9, 0, 13))
            var plan = Base.plan
            plan.servers.append(.init(address: missing, weight: 0))
            let engine = try Engine(Base.settings) { _ in }
            try engine.applyNow([plan])
            try engine.applyNow(outbound: Self.rules())
            try segment.answer(until: "the server is known") { try engine.snapshotNow().stations.count == 1 }
            let silent = (UInt8(200)..<240).map { IPAddress.v4(IPv4Address(10, 9, 0, $0)) }
            for address in silent { Self.sendSYN(to: address, on: &segment) }
            while !silent.allSatisfy({ Self.questions(about: $0, in: segment.messages) > 0 }) {
                _ = try segment.nextMessage { $0.asked != nil }
            }
            // They would have been asked many times more.
            let before = Self.questions(about: missing, in: segment.messages)
            while Self.questions(about: missing, in: segment.messages) < before + 8 {
                _ = try segment.nextMessage { $0.asked == missing }
            }
            let messages = segment.messages
            let counts = silent.map { Self.questions(about: $0, in: messages) }
            #expect(Set(counts) == [NeighborTable.attempts + 1], "given up for good with the last question")
            #expect(try engine.snapshotNow().stations == [Base.server: Base.serverMAC])
            // A packet for one has it asked for anew.
            Self.sendSYN(to: silent[3], on: &segment)
            _ = try segment.nextMessage { $0.asked == silent[3] }
            try engine.stop()
        }
    }

    @Test("the host's routes, as the director's interfaces see them")
    func ways() throws {
        var host = try PreflightTests.host()
        host.table = try PreflightTests.routes()
        let ways = host.ways(by: ["eth1", "eth0"], like: [Self.address])
        #expect(
            ways.ways.map { "\($0.network) \($0.port ?? -1) \($0.gateway?.description ?? "-") \($0.mtu)" } == [
                "10.0.0.0/24 1 - 1500", "0.0.0.0/0 0 10.1.0.254 1500", "172.17.0.0/16 -1 - 1500",
                "0.0.0.0/0 1 10.0.0.254 1500",
            ])
        #expect(ways.own.contains(.v4(IPv4Address(10, 0, 0, 9))) && ways.own.allSatisfy { $0.v4 != nil })
        let interface = try #require(host.interface("eth1"))
        #expect(host.routers(behind: interface, like: [Self.address]).map { "\($0) \($1)" } == ["10.1.0.254 10.1.0.1"])

        // Of IPv6 the router is known by its link-local address, and what is on one link only is no way to anywhere else.
        let seen = try #require(IPAddress("2001:db8:5::5"))
        let v6 = host.ways(by: ["eth1", "eth0"], like: [seen])
        #expect(
            v6.ways.map { "\($0.network) \($0.port ?? -1) \($0.gateway?.description ?? "-") \($0.mtu)" } == [
                "2001:db8::/64 1 - 1500", "::/0 1 fe80::fe 1500",
            ])
        #expect(v6.own.contains(try #require(IPAddress("2001:db8:1::7"))) && v6.own.allSatisfy { $0.v6 != nil })
        let other = try #require(host.interface("eth0"))
        #expect(host.routers(behind: other, like: [seen]).map { "\($0) \($1)" } == ["fe80::fe fe80::1"])
        #expect(host.ways(by: ["eth1", "eth0"], like: []) == NetworkWays())
    }
}
