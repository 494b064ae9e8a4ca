internal import Forwarding
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

/// On the wire of `EngineTests`.
@Suite("several workers on a wire", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct EngineWorkersTests {
    typealias Base = EngineTests
    /// Enough that with three workers nobody is without any.
    static let clients = (UInt8(100)..<148).map { IPAddress.v4(IPv4Address(10, 9, 0, $0)) }
    static let flags = (syn: UInt8(0x02), ack: UInt8(0x10), synAck: UInt8(0x12))

    static func settings(_ workers: Int) -> EngineSettings {
        var settings = Base.settings
        settings.workers = workers
        return settings
    }

    static func plan(_ method: ServicePlan.Method, _ scheduler: SchedulerKind = .rr) -> ServicePlan {
        ServicePlan(
            name: "web", vips: [Base.vip], port: 80, scheduler: scheduler,
            servers: [.init(address: Base.server, weight: 1, method: method)])
    }

    /// A running engine whose workers all know where the server is.
    static func start(_ workers: Int, _ plan: ServicePlan, _ segment: inout Segment, _ events: Events) throws -> Engine
    {
        let engine = try Engine(settings(workers)) { events.add($0) }
        try engine.applyNow([plan])
        try segment.answer(until: "the VIP is claimed, and all workers know the server") {
            try events.all.contains(.resolution(.claimed(Base.vip), interface: "va"))
                && engine.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == Base.serverMAC }
        }
        return engine
    }

    static func send(_ flags: UInt8, on segment: inout Segment) {
        for client in clients {
            segment.send(
                TestPacket(source: client, destination: Base.vip, flags: flags)
                    .frame(to: segment.directorMAC, from: Base.clientMAC))
        }
    }

    @Test(
        "each client is one worker's, both ways, all of them work, and what they count is added up",
        .timeLimit(.minutes(1)), arguments: [2, 3])
    func bothWays(workers: Int) throws {
        try Base.withWire { segment in
            let engine = try Self.start(workers, Self.plan(.nat), &segment, Events())
            let count = Self.clients.count
            Self.send(Self.flags.syn, on: &segment)
            try segment.answer(until: "all packets are at the server") {
                try engine.snapshotNow().services[0].inbound.packets >= UInt64(count)
            }
            for client in Self.clients {
                segment.send(
                    TestPacket(
                        source: Base.server, destination: client, flags: Self.flags.synAck, sourcePort: 80,
                        destinationPort: 40_000
                    ).frame(to: segment.directorMAC, from: Base.serverMAC))
            }
            try segment.answer(until: "all answers are at the clients") {
                try engine.snapshotNow().services[0].outbound.packets >= UInt64(count)
            }
            var seen = 0
            let question = NeighborMessage(.reply(Base.vip, to: Base.client), mac: segment.directorMAC)
            segment.send(.request(Base.vip, from: Base.clientMAC, Base.client))
            _ = try segment.nextMessage { $0 == question }
            for packet in segment.packets where packet.destination == Base.clientMAC {
                seen += packet.icmp == nil ? 1 : 0
            }
            #expect(seen == count, "one copy of each answer on the wire")
            #expect(segment.packets.count { $0.destination == Base.serverMAC } == count, "and of each question")

            let sum = try engine.snapshotNow()
            #expect(sum.flows == count && sum.services[0].connections == UInt64(count))
            #expect(sum.services[0].servers[0].activeConnections == count)
            #expect(sum.drops == [:])
            for worker in engine.workers {
                let own = try worker.snapshotNow()
                #expect(own.flows > 0, "nobody is idle")
            }
            try engine.stop()
            #expect(try Base.ruleset().contains("rsdirector") == false)
        }
    }

    @Test("what concerns all of them reaches all, and one alone answers", .timeLimit(.minutes(1)))
    func notices() throws {
        try Base.withWire { segment in
            let engine = try Self.start(3, Self.plan(.direct), &segment, Events())
            for worker in engine.workers.dropFirst() {
                #expect(try worker.snapshotNow().interfaces[0].vips.allSatisfy { $0.state == .silent })
            }
            let before = segment.messages.count
            segment.send(.request(Base.vip, from: Base.clientMAC, Base.client))
            let reply = NeighborMessage(.reply(Base.vip, to: Base.client), mac: segment.directorMAC)
            _ = try segment.nextMessage { $0 == reply }
            // A second question: had anybody else answered the first, it would be there by its answer.
            segment.send(.request(Base.vip, from: Base.clientMAC, Base.client))
            _ = try segment.nextMessage { $0 == reply }
            #expect(segment.messages[before...].count { $0 == reply } == 2)
            // The server has moved, and each worker was told.
            let moved = MACAddress(rawValue: 0x0200_0000_0012)
            segment.send(.announcement(Base.server, from: moved))
            try Deadline.wait("all workers know") {
                try engine.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == moved }
            }
            try engine.stop()
        }
    }

    @Test("clients keep their worker, and so their connections, when the interface was down", .timeLimit(.minutes(1)))
    func linkReturns() throws {
        try Base.withWire { segment in
            let events = Events()
            let engine = try Self.start(3, Self.plan(.direct), &segment, events)
            Self.send(Self.flags.syn, on: &segment)
            let count = UInt64(Self.clients.count)
            try segment.answer(until: "all connections are open") {
                try engine.snapshotNow().services[0].connections == count
            }
            #expect(system("ip link set va down") == 0)
            try Deadline.wait("the loss is noticed by all") {
                try engine.workers.allSatisfy { try $0.snapshotNow().interfaces[0].mac == nil }
            }
            #expect(system("ip link set va up") == 0)
            try segment.answer(until: "all workers are back and know the server") {
                try engine.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == Base.serverMAC }
            }
            Self.send(Self.flags.ack, on: &segment)
            try segment.answer(until: "all packets were forwarded or dropped") {
                let now = try engine.snapshotNow()
                return now.services[0].inbound.packets + (now.drops["noFlow"] ?? 0) >= 2 * count
            }
            #expect(try engine.snapshotNow().drops["noFlow"] == nil, "nobody is a stranger to its worker")
            try engine.stop()
        }
    }

    @Test("each worker goes on with its own connections after a stop", .timeLimit(.minutes(1)))
    func resumed() throws {
        try Base.withWire { segment in
            let engine = try Self.start(3, Self.plan(.direct), &segment, Events())
            Self.send(Self.flags.syn, on: &segment)
            let count = Self.clients.count
            try segment.answer(until: "all connections are open") { try engine.snapshotNow().flows == count }
            let saved = try #require(try engine.stopSaving())

            let events = Events()
            let next = try Engine(Self.settings(3), resuming: saved) { events.add($0) }
            try next.applyNow([Self.plan(.direct)])
            try segment.answer(until: "all workers know the server") {
                try next.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == Base.serverMAC }
            }
            let outcomes = events.all.compactMap { if case .resumed(let outcome) = $0 { outcome.flows } else { nil } }
            #expect(outcomes.count == 3 && outcomes.reduce(0, +) == count)
            Self.send(Self.flags.ack, on: &segment)
            try segment.answer(until: "all packets were forwarded or dropped") {
                let now = try next.snapshotNow()
                return now.services[0].inbound.packets + (now.drops["noFlow"] ?? 0) >= UInt64(count)
            }
            #expect(try next.snapshotNow().drops["noFlow"] == nil)
            try next.stop()
        }
    }

    @Test("the seats are taken in order, and left by all behind one that was left")
    func seats() {
        let seats = FanoutSeats(interfaces: 2, workers: 3)
        #expect(seats.isTurn(of: 0, at: 0) && !seats.isTurn(of: 1, at: 0) && !seats.isTurn(of: 2, at: 0))
        for worker in 0..<3 { seats.take(worker, at: 0, in: nil) }
        #expect(!seats.isTurn(of: 0, at: 0) && !seats.mustLeave(2, at: 0))
        #expect(seats.isTurn(of: 0, at: 1), "another interface")
        seats.leave(1, at: 0)
        #expect(!seats.mustLeave(0, at: 0) && seats.mustLeave(2, at: 0))
        #expect(!seats.isTurn(of: 1, at: 0), "somebody behind it is still there")
        seats.leave(2, at: 0)
        #expect(seats.isTurn(of: 1, at: 0) && !seats.isTurn(of: 2, at: 0))
        seats.take(1, at: 0, in: nil)
        #expect(seats.isTurn(of: 2, at: 0))
    }
}
