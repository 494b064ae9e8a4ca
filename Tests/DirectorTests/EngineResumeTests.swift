internal import Forwarding
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import Director

/// On the wire of `EngineTests`.
@Suite(
    "connections that outlive an engine", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct EngineResumeTests {
    typealias Base = EngineTests

    /// A packet from the middle of the connection that `Segment.sendSYN` opens.
    static let acknowledgement = TestPacket(source: Base.client, destination: Base.vip, flags: 0x10)

    /// An engine at work, its server's MAC known.
    private func start(
        _ segment: inout Segment, resuming saved: [UInt8]? = nil, _ events: Events = Events()
    ) throws -> Engine {
        let engine = try Engine(Base.settings, resuming: saved) { events.add($0) }
        try engine.applyNow([Base.plan])
        try segment.answer(until: "the server is known") { try engine.snapshotNow().stations.count == 1 }
        return engine
    }

    @Test(
        "in the middle of a connection its packets are forwarded by the next engine, which knows it from the one before",
        .timeLimit(.minutes(1)))
    func resumed() throws {
        try Base.withWire { segment in
            let first = try start(&segment)
            segment.sendSYN(to: segment.directorMAC)
            _ = try segment.nextPacket()
            let saved = try #require(try first.stopSaving())

            let events = Events()
            let second = try start(&segment, resuming: saved, events)
            let outcomes = events.all.compactMap { if case .resumed(let outcome) = $0 { outcome } else { nil } }
            #expect(outcomes.map(\.flows) == [1])
            segment.send(Self.acknowledgement.frame(to: segment.directorMAC, from: Base.clientMAC))
            #expect(try segment.nextPacket().destination == Base.serverMAC)
            #expect(try second.snapshotNow().services[0].servers[0].activeConnections == 1)
            // What is there goes on to the third as well; and one that was never given services passes on what it was given.
            let again = try #require(try second.stopSaving())
            let idle = try Engine(Base.settings, resuming: again) { _ in }
            #expect(try idle.stopSaving() == again)

            let third = try start(&segment, resuming: nil)
            segment.send(Self.acknowledgement.frame(to: segment.directorMAC, from: Base.clientMAC))
            try Deadline.wait("the packet is dropped") { try third.snapshotNow().drops["noFlow"] == 1 }
            #expect(try third.stopSaving() == nil, "there is nothing to save")
        }
    }

    @Test(
        "a client whom persistence leads to a server of which nothing was heard yet is not given to another",
        .timeLimit(.minutes(1)))
    func awaited() throws {
        try Base.withWire { segment in
            // The server, and another one that is up all the time.
            let others = IPAddress.v4(IPv4Address(10, 9, 0, 12))
            let otherMAC = MACAddress(rawValue: 0x0200_0000_0012)
            let stations = [Base.server: Base.serverMAC, others: otherMAC]
            var plan = Base.plan
            plan.persistence = Persistence(timeout: 300_000)
            let first = try start(&segment)
            try first.applyNow([plan])
            segment.sendSYN(to: segment.directorMAC)
            #expect(try segment.nextPacket().destination == Base.serverMAC)
            let saved = try #require(try first.stopSaving())

            plan.servers[0].weight = 0
            plan.servers[0].isAwaited = true
            plan.servers.append(.init(address: others, weight: 1))
            let second = try Engine(Base.settings, resuming: saved) { _ in }
            try second.applyNow([plan])
            try segment.answer(for: stations, until: "both are known") {
                try second.snapshotNow().stations.count == 2
            }
            // 1. Its connection goes on; a new one of its waits; somebody else's does not.
            segment.send(Self.acknowledgement.frame(to: segment.directorMAC, from: Base.clientMAC))
            #expect(try segment.nextPacket().destination == Base.serverMAC)
            var another = TestPacket(source: Base.client, destination: Base.vip, sourcePort: 40_001)
            segment.send(another.frame(to: segment.directorMAC, from: Base.clientMAC))
            try Deadline.wait("it is dropped") { try second.snapshotNow().drops["serverUnresolved"] == 1 }
            another.source = .v4(IPv4Address(10, 9, 0, 101))
            segment.send(another.frame(to: segment.directorMAC, from: Base.clientMAC))
            #expect(try segment.nextPacket().destination == otherMAC)
            // 2. The server's agent is heard, and the client's next try is the server's.
            plan.servers[0].weight = 1
            plan.servers[0].isAwaited = false
            try second.applyNow([plan])
            another.source = Base.client
            segment.send(another.frame(to: segment.directorMAC, from: Base.clientMAC))
            #expect(try segment.nextPacket().destination == Base.serverMAC)
            try second.stop()
        }
    }

    @Test(
        "what is remembered is kept where the packet filter cannot be removed, which is told", .timeLimit(.minutes(1)))
    func filterStays() throws {
        try Base.withWire { segment in
            let engine = try start(&segment)
            segment.sendSYN(to: segment.directorMAC)
            _ = try segment.nextPacket()
            let other = try EngineChangeTests.seizeFilter()
            var saved: [UInt8]?
            let failure = #expect(throws: DirectorError.self) { try engine.stop { saved = $0 } }
            #expect(failure?.description.contains("nft delete table netdev rsdirector") == true, "how it is removed")
            pclose(other)
            let kept: [UInt8] = try #require(saved)
            let next = try start(&segment, resuming: kept)
            #expect(try next.snapshotNow().flows == 1)
            try next.stop()
        }
    }

    @Test("what is damaged is told, and nothing comes of it", .timeLimit(.minutes(1)))
    func damaged() throws {
        try Base.withWire { segment in
            let events = Events()
            let engine = try start(&segment, resuming: Array("rsflows\n and then something".utf8), events)
            #expect(events.all.contains { if case .notResumed = $0 { true } else { false } })
            segment.sendSYN(to: segment.directorMAC)
            #expect(try segment.nextPacket().destination == Base.serverMAC, "it works all the same")
            try engine.stop()
        }
    }
}
