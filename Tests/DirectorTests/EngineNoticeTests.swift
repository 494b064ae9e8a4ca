internal import Forwarding
internal import Lab
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

/// On the wire of `EngineTests`, with the clients of `EngineWorkersTests`.
@Suite("ICMP errors and several workers", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct EngineNoticeTests {
    typealias Base = EngineTests
    typealias Workers = EngineWorkersTests

    /// What the router tells the VIP, to `station`: that a packet of the VIP's did not reach this client. So much of it is quoted, in
    /// bytes.
    static func error(about client: IPAddress, quoting length: Int = 28, to station: MACAddress) -> [UInt8] {
        let answer = TestPacket(
            source: Base.vip, destination: client, flags: 0x10, sourcePort: 80, destinationPort: 40_000
        ).frame(to: station, from: station)
        var error = TestPacket(source: Base.router, destination: Base.vip, transport: 1)
        error.body = [3, 1, 0, 0, 0, 0, 0, 0] + answer.dropFirst(14).prefix(length)
        return error.frame(to: station, from: Base.routerMAC)
    }

    /// Until all workers have seen all notices sent so far: a server's move, which comes behind them.
    private func settle(_ engine: Engine, _ last: UInt64, on segment: inout Segment) throws {
        let moved = MACAddress(rawValue: 0x0200_0000_1100 | last)
        segment.send(.announcement(Base.server, from: moved))
        try Deadline.wait("all workers have seen it") {
            try engine.workers.allSatisfy { try $0.snapshotNow().stations[Base.server] == moved }
        }
    }

    @Test(
        "each is forwarded and counted by the worker whose client it is about, or counted as dropped once",
        .timeLimit(.minutes(1)))
    func countedOnce() throws {
        try Base.withWire { segment in
            let engine = try Workers.start(3, Workers.plan(.direct), &segment, Events())
            let count = UInt64(Workers.clients.count)
            Workers.send(Workers.flags.syn, on: &segment)
            try segment.answer(until: "all connections are open") {
                try engine.snapshotNow().services[0].connections == count
            }
            // 1. Of clients that are connected.
            let station = segment.directorMAC
            for client in Workers.clients { segment.send(Self.error(about: client, to: station)) }
            try settle(engine, 1, on: &segment)
            let known = try engine.snapshotNow()
            #expect(known.services[0].inbound.packets == 2 * count && known.drops == [:])
            // 2. Of clients that nobody knows, each of whom would be one worker's.
            let strangers = (UInt8(0)..<48).map { IPAddress.v4(IPv4Address(10, 99, 0, $0)) }
            for stranger in strangers { segment.send(Self.error(about: stranger, to: station)) }
            try settle(engine, 2, on: &segment)
            #expect(try engine.snapshotNow().drops == ["noFlow": UInt64(strangers.count)])
            let steering = Workers.settings(3).steering
            for (number, worker) in engine.workers.enumerated() {
                let own = strangers.count { steering.member(for: $0, of: 3) == number }
                #expect(try worker.snapshotNow().drops["noFlow"] == UInt64(own) && own > 0)
            }
            // 3. One that does not say whose it is.
            for _ in 0..<5 { segment.send(Self.error(about: Base.client, quoting: 12, to: station)) }
            try settle(engine, 3, on: &segment)
            #expect(try engine.snapshotNow().drops == ["noFlow": UInt64(strangers.count), "noService": 5])
            try engine.stop()
        }
    }
}
