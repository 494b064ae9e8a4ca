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

    /// One of each client for the VIP.
    static func frames(_ flags: UInt8, to station: MACAddress) -> [[UInt8]] {
        clients.map {
            TestPacket(source: $0, destination: Base.vip, flags: flags).frame(to: station, from: Base.clientMAC)
        }
    }

    static func send(_ flags: UInt8, on segment: inout Segment) {
        for frame in frames(flags, to: segment.directorMAC) { segment.send(frame) }
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

    @Test(
        "clients keep their worker, and so their connections, when the interface was down, and none gets another's packets meanwhile",
        .timeLimit(.minutes(1)))
    func linkReturns() throws {
        try Base.withWire { segment in
            let events = Events()
            let engine = try Self.start(3, Self.plan(.direct), &segment, events)
            Self.send(Self.flags.syn, on: &segment)
            let count = UInt64(Self.clients.count)
            try segment.answer(until: "all connections are open") {
                try engine.snapshotNow().services[0].connections == count
            }
            let acks = Self.frames(Self.flags.ack, to: segment.directorMAC)
            for _ in 0..<3 {
                #expect(system("ip link set va down") == 0)
                try Deadline.wait("the loss is noticed by all") {
                    try engine.workers.allSatisfy { try $0.snapshotNow().interfaces[0].mac == nil }
                }
                #expect(system("ip link set va up") == 0)
                // Clients do not wait for the director.
                try segment.answer(sending: acks, until: "all workers are back and know the server") {
                    try engine.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == Base.serverMAC }
                }
            }
            let before = try engine.snapshotNow().services[0].inbound.packets
            try segment.answer(sending: acks, until: "packets are forwarded again") {
                try engine.snapshotNow().services[0].inbound.packets >= before + count
            }
            #expect(try engine.snapshotNow().drops["noFlow"] == nil, "nobody is a stranger to its worker")
            try engine.stop()
        }
    }

    @Test("clients of a worker that has ended do not go to others before those have ended too", .timeLimit(.minutes(1)))
    func ending() throws {
        try Base.withWire { segment in
            let engine = try Self.start(3, Self.plan(.direct), &segment, Events())
            Self.send(Self.flags.syn, on: &segment)
            try segment.answer(until: "all connections are open") {
                try engine.snapshotNow().flows == Self.clients.count
            }
            let theirs = try engine.workers[1...].map { try $0.snapshotNow().flows }
            #expect(theirs.reduce(0, +) < Self.clients.count)
            let first = engine.workers[0]
            first.stop()
            let loop = try #require(first.join())
            // Once with a port that opens connections, and once, behind that, with one that nobody serves.
            for client in Self.clients {
                for port: UInt16 in [80, 81] {
                    segment.send(
                        TestPacket(source: client, destination: Base.vip, sourcePort: 50_000, destinationPort: port)
                            .frame(to: segment.directorMAC, from: Base.clientMAC))
                }
            }
            try segment.answer(until: "both have seen all that is for them") {
                try zip(engine.workers[1...], theirs).allSatisfy { worker, own in
                    try worker.snapshotNow().drops["noService"] ?? 0 >= UInt64(own)
                }
            }
            for (worker, own) in zip(engine.workers[1...], theirs) {
                let now = try worker.snapshotNow()
                #expect(now.flows == 2 * own && now.drops["noService"] == UInt64(own))
            }
            let others = engine.workers[1...].compactMap { worker in
                worker.stop()
                return worker.join()
            }
            #expect(others.count == 2 && loop.ports[0].socket != nil)
            for loop in others + [loop] {
                loop.closeInterfaces()
                try loop.removeFilter()
            }
        }
    }

    @Test(
        "an interface that is back and cannot be taken into use is told once, and shown until it can",
        .timeLimit(.minutes(1)))
    func unusable() throws {
        try Base.withWire { segment in
            let events = Events()
            let engine = try Self.start(2, Self.plan(.direct), &segment, events)
            #expect(system("ip link set va down") == 0)
            try Deadline.wait("the loss is noticed by all") {
                try engine.workers.allSatisfy { try $0.snapshotNow().interfaces[0].mac == nil }
            }
            #expect(try engine.snapshotNow().interfaces[0].fault == nil, "it is only down")
            // No room for filters: sockets cannot be opened.
            #expect(system("echo 1 > /proc/sys/net/core/optmem_max") == 0)
            #expect(system("ip link set va up") == 0)
            func told() -> [String] {
                events.all.compactMap { if case .unusable("va", worker: 0, let reason) = $0 { reason } else { nil } }
            }
            try Deadline.wait("it is told") { !told().isEmpty }
            let fault = try #require(try engine.snapshotNow().interfaces[0].fault)
            #expect(fault.contains("worker 1 of 2: ") && fault.contains("va: setsockopt SO_ATTACH_FILTER"))
            #expect(told() == [fault])
            #expect(system("echo 131072 > /proc/sys/net/core/optmem_max") == 0)
            try segment.answer(until: "all workers are back and know the server") {
                try engine.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == Base.serverMAC }
            }
            #expect(events.all.contains(.usable(interface: "va", worker: 0)) && told().count == 1)
            #expect(try engine.snapshotNow().interfaces[0].fault == nil)
            try engine.stop()
        }
    }

    @Test("what is wrong with one worker is told of every worker, and what all see of the first alone")
    func told() {
        let events = Events()
        let report = Engine.withoutCommon { events.add($0) }
        let own = [EngineEvent.unusable(interface: "va", worker: 1, reason: "x"), .usable(interface: "va", worker: 1)]
        for event in own + [.lost(interface: "va", reason: "x"), .filterRestored] { report(event) }
        #expect(events.all == own)
        var sum = EngineSnapshot(
            interfaces: [.init(name: "va", mac: nil, counters: PacketCounters(), vips: [])], services: [],
            stations: [:], flows: 0, flowCapacity: 0, drops: [:])
        var other = sum
        other.interfaces[0].fault = "worker 2 of 2: x"
        sum.add(other)
        #expect(sum.interfaces[0].fault == "worker 2 of 2: x")
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
}
