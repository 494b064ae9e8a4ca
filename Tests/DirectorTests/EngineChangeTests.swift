internal import Forwarding
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO
internal import Testing

@testable internal import Director

/// On the wire of `EngineTests`.
@Suite("services that change on a wire", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct EngineChangeTests {
    typealias Base = EngineTests
    static let laterVIP = IPAddress.v4(IPv4Address(10, 9, 0, 51))
    static let laterServer = Base.router
    static let later = ServicePlan(
        name: "later", vips: [laterVIP], port: 80, scheduler: .rr, servers: [.init(address: laterServer, weight: 1)])

    @Test(
        "VIPs and servers that come are claimed, found and kept from the host's stack, and let go again; others notice nothing",
        .timeLimit(.minutes(1)))
    func comeAndGo() throws {
        try Base.withWire { segment in
            let events = Events()
            let engine = try Engine(Base.settings) { events.add($0) }
            try engine.applyNow([Base.plan])
            let claimed = { (vip: IPAddress) in
                events.all.filter { $0 == .resolution(.claimed(vip), interface: "va") }.count
            }
            try segment.answer(until: "the VIP is claimed") {
                try claimed(Base.vip) == 1 && engine.snapshotNow().stations == [Base.server: Base.serverMAC]
            }
            segment.sendSYN(to: segment.directorMAC)
            #expect(try segment.nextPacket().destination == Base.serverMAC)

            try engine.applyNow([Base.plan, Self.later])
            #expect(try Base.ruleset().contains("10.9.0.51"), "at once: the host's stack must not answer")
            #expect(
                try engine.snapshotNow().stations[Base.server] == Base.serverMAC, "its MAC was not forgotten meanwhile")
            try segment.answer(until: "the new VIP is claimed and its server found") {
                try claimed(Self.laterVIP) == 1 && engine.snapshotNow().stations.count == 2
            }
            segment.sendSYN(to: segment.directorMAC, for: Self.laterVIP)
            #expect(try segment.nextPacket().destination == Base.routerMAC)
            segment.sendSYN(to: segment.directorMAC)
            #expect(try segment.nextPacket().destination == Base.serverMAC)

            try engine.applyNow([Base.plan])
            let last = try engine.snapshotNow()
            #expect(last.stations == [Base.server: Base.serverMAC])
            #expect(last.interfaces[0].vips.map(\.address) == [Base.vip])
            #expect(last.services.map(\.vip) == [Base.vip] && last.services[0].servers[0].activeConnections == 1)
            #expect(try !Base.ruleset().contains("10.9.0.51"))
            #expect(claimed(Base.vip) == 1, "it was ours all the time")
            // Nobody answers for the VIP that is gone: what comes next is the answer to the question behind.
            let replies = segment.messages.count
            segment.send(.request(Self.laterVIP, from: Base.clientMAC, Base.client))
            segment.send(.request(Base.vip, from: Base.clientMAC, Base.client))
            let reply = NeighborMessage(.reply(Base.vip, to: Base.client), mac: segment.directorMAC)
            _ = try segment.nextMessage { $0 == reply }
            let stale = NeighborMessage(.reply(Self.laterVIP, to: Base.client), mac: segment.directorMAC)
            #expect(!segment.messages[replies...].contains(stale))
            try engine.stop()
        }
    }

    /// Another program that has a table of that name to itself (nft(8), `flags owner`), for as long as it runs: until `pclose(3)`.
    static func seizeFilter() throws -> UnsafeMutablePointer<FILE> {
        let other = try #require(popen("nft -i >/dev/null", "w"))
        fputs("delete table netdev rsdirector\nadd table netdev rsdirector { flags owner; }\n", other)
        fflush(other)
        try Deadline.wait("the table is the other's") {
            let ruleset = try Base.ruleset()
            return ruleset.contains("rsdirector") && !ruleset.contains("10.9.0.50")
        }
        return other
    }

    @Test(
        "a packet filter that cannot be changed is told once, tried again, and in force as soon as it can be",
        .timeLimit(.minutes(1)))
    func filterRetried() throws {
        try Base.withWire { segment in
            let events = Events()
            let engine = try Engine(Base.settings) { events.add($0) }
            try engine.applyNow([Base.plan])
            let other = try Self.seizeFilter()
            try engine.applyNow([Base.plan, Self.later])
            let failures = {
                events.all.filter { if case .filterFailed = $0 { true } else { false } }.count
            }
            try Deadline.wait("the failure is told") { failures() == 1 }
            #expect(try !Base.ruleset().contains("10.9.0.51"))
            pclose(other)
            try Deadline.wait("the filter is in force") { events.all.contains(.filterRestored) }
            #expect(try Base.ruleset().contains("10.9.0.51") && failures() == 1)
            try engine.stop()
        }
    }

    @Test("answers of translated servers are those from the port they listen on, the sorry server's too")
    func targets() throws {
        var plan = Base.plan
        plan.servers = [
            .init(address: Base.server, port: 8080, weight: 1, method: .nat),
            .init(address: Base.server6, weight: 0, method: .nat), .init(address: Base.farServer, weight: 0),
        ]
        let targets = EngineTargets([plan, plan])
        #expect(targets.vips == [Base.vip] && targets.servers == [Base.server, Base.server6, Base.farServer])
        #expect(
            targets.answers == [
                .init(address: Base.server, transport: 6, port: 8080),
                .init(address: Base.server6, transport: 6, port: 80),
            ])
    }
}
