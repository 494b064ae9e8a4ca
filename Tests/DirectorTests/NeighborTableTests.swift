internal import Forwarding
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

@Suite("where the servers are")
struct NeighborTableTests {
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let dip = IPv4Address(10, 0, 0, 1)
    static let server = IPv4Address(10, 0, 0, 11)
    static let mac = MACAddress(rawValue: 0x0200_0000_0011)
    static let request = ARPMessage.request(server, from: own, dip)
    static let answer = request.answer(from: mac)

    struct Bench {
        var table = NeighborTable(mac: own, servers: [(server, dip)], now: Ticks(milliseconds: 0))
        var now = 0

        /// What it does while time passes in tenths of a second.
        mutating func pass(_ milliseconds: Int) -> [ARPAction] {
            var actions: [ARPAction] = []
            let end = now + milliseconds
            while now < end {
                actions += table.advance(to: Ticks(milliseconds: UInt64(now)))
                now += 100
            }
            return actions
        }

        mutating func receive(_ message: ARPMessage) -> [ARPAction] {
            table.receive(message, now: Ticks(milliseconds: UInt64(now)))
        }
    }

    static let asksAll = ARPAction.send(request, to: .broadcast)
    static let asksIt = ARPAction.send(request, to: mac)

    @Test("a server is asked for once a second until it answers")
    func asks() {
        var bench = Bench()
        #expect(bench.pass(2000) == [Self.asksAll, Self.asksAll])
        #expect(bench.table.station(of: Self.server) == nil)
        #expect(bench.receive(Self.answer) == [.report(.resolved(Self.server, Self.mac))])
        #expect(bench.table.station(of: Self.server) == Self.mac)
        #expect(bench.pass(19_000).isEmpty)
    }

    @Test("before its answer is stale it is asked again, it alone")
    func refreshes() {
        var bench = Bench()
        _ = bench.pass(100)
        _ = bench.receive(Self.answer)
        #expect(bench.pass(20_100) == [Self.asksIt])
        #expect(bench.receive(Self.answer).isEmpty, "the same answer is no news")
        #expect(bench.pass(19_900).isEmpty)
    }

    @Test("who answers neither alone nor with everyone is unreachable, said once, and asked on")
    func unreachable() {
        var bench = Bench()
        _ = bench.pass(100)
        _ = bench.receive(Self.answer)
        let actions = bench.pass(20_000 + 5100)
        #expect(actions == [Self.asksIt, Self.asksIt, Self.asksIt, Self.asksAll, Self.asksAll, Self.asksAll])
        #expect(bench.table.station(of: Self.server) == Self.mac, "kept until everyone was asked")
        #expect(bench.pass(3000) == [.report(.unreachable(Self.server)), Self.asksAll, Self.asksAll, Self.asksAll])
        #expect(bench.table.station(of: Self.server) == nil)
        #expect(bench.receive(Self.answer) == [.report(.resolved(Self.server, Self.mac))])
    }

    @Test("a server that never answered is reported after three questions")
    func neverThere() {
        var bench = Bench()
        #expect(bench.pass(3100).filter { $0 == .report(.unreachable(Self.server)) }.count == 1)
        #expect(bench.pass(30_000).allSatisfy { $0 == Self.asksAll })
    }

    @Test("a server that speaks from another MAC has moved there")
    func moves() {
        var bench = Bench()
        _ = bench.receive(Self.answer)
        let new = MACAddress(rawValue: 0x0200_0000_0012)
        let announcement = ARPMessage.announcement(Self.server, from: new)
        #expect(bench.receive(announcement) == [.report(.moved(Self.server, from: Self.mac, to: new))])
        #expect(bench.table.station(of: Self.server) == new)
    }

    @Test("nothing is learnt of addresses that are no servers, nor from our own messages")
    func strangers() {
        var bench = Bench()
        let stranger = IPv4Address(10, 0, 0, 77)
        #expect(bench.receive(.announcement(stranger, from: Self.mac)).isEmpty)
        #expect(bench.table.station(of: stranger) == nil)
        #expect(bench.receive(.announcement(Self.server, from: Self.own)).isEmpty)
        #expect(bench.table.station(of: Self.server) == nil)
    }
}
