internal import Forwarding
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

@Suite("where the servers are")
struct NeighborTableTests {
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let dip = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    static let server = IPAddress.v4(IPv4Address(10, 0, 0, 11))
    static let dip6 = IPAddress.v6(IPv6Address(high: 0xFE80 << 48, low: 1))
    static let server6 = IPAddress.v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x11_0011))
    static let mac = MACAddress(rawValue: 0x0200_0000_0011)
    static let request = NeighborMessage.request(server, from: own, dip)
    static let answer = NeighborMessage(.reply(server, to: dip), mac: mac)

    struct Bench {
        var table = NeighborTable(mac: own)
        var now = 0

        init() {
            table.watch(server, as: dip, now: Ticks(milliseconds: 0))
        }

        /// What it does while time passes in tenths of a second.
        mutating func pass(_ milliseconds: Int) -> [ResolutionAction] {
            var actions: [ResolutionAction] = []
            let end = now + milliseconds
            while now < end {
                actions += table.advance(to: Ticks(milliseconds: UInt64(now)))
                now += 100
            }
            return actions
        }

        mutating func receive(_ message: NeighborMessage) -> [ResolutionAction] {
            table.receive(message, now: Ticks(milliseconds: UInt64(now)))
        }
    }

    static let asksAll = ResolutionAction.send(request, to: .broadcast)
    static let asksIt = ResolutionAction.send(request, to: mac)

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
        let announcement = NeighborMessage.announcement(Self.server, from: new)
        #expect(bench.receive(announcement) == [.report(.moved(Self.server, from: Self.mac, to: new))])
        #expect(bench.table.station(of: Self.server) == new)
    }

    @Test("nothing is learnt of addresses that are no servers, nor from our own messages")
    func strangers() {
        var bench = Bench()
        let stranger = IPAddress.v4(IPv4Address(10, 0, 0, 77))
        #expect(bench.receive(.announcement(stranger, from: Self.mac)).isEmpty)
        #expect(bench.table.station(of: stranger) == nil)
        #expect(bench.receive(.announcement(Self.server, from: Self.own)).isEmpty)
        #expect(bench.table.station(of: Self.server) == nil)
        #expect(bench.receive(.probe(Self.server, from: Self.mac)).isEmpty, "a probe says of nobody where he is")
        #expect(bench.table.station(of: Self.server) == nil)
    }

    @Test("an IPv6 neighbour is asked for in its own group, and then it alone")
    func ipv6() {
        var bench = Bench()
        _ = bench.receive(Self.answer)
        bench.table.watch(Self.server6, as: Self.dip6, now: Ticks(milliseconds: 0))
        let request = NeighborMessage.request(Self.server6, from: Self.own, Self.dip6)
        #expect(bench.pass(100) == [.send(request, to: MACAddress(rawValue: 0x3333_FF11_0011))])
        let answer = NeighborMessage(.reply(Self.server6, to: Self.dip6), mac: Self.mac)
        #expect(bench.receive(answer) == [.report(.resolved(Self.server6, Self.mac))])
        #expect(bench.pass(20_100).filter { $0 == .send(request, to: Self.mac) }.count == 1)
    }

    @Test("a proxy's word is taken where nothing is known, and not against what the neighbour said (RFC 4861 §7.2.5)")
    func proxy() {
        var bench = Bench()
        bench.table.watch(Self.server6, as: Self.dip6, now: Ticks(milliseconds: 0))
        let proxy = MACAddress(rawValue: 0x0200_0000_0077)
        let word = NeighborMessage(.reply(Self.server6, to: Self.dip6), mac: proxy, overrides: false)
        #expect(bench.receive(word) == [.report(.resolved(Self.server6, proxy))])
        let own = NeighborMessage(.reply(Self.server6, to: Self.dip6), mac: Self.mac)
        #expect(bench.receive(own) == [.report(.moved(Self.server6, from: proxy, to: Self.mac))])
        #expect(bench.receive(word).isEmpty)
        #expect(bench.table.station(of: Self.server6) == Self.mac)
    }

    @Test("of many neighbours each is forgotten at the same cost: of those that stay one changes its place at most")
    func forgotten() {
        var table = NeighborTable(mac: Self.own)
        let all = (0..<1024).map { IPAddress.v4(IPv4Address(rawValue: 0x0A00_0000 + $0)) }
        for address in all { table.watch(address, as: Self.dip, now: Ticks(milliseconds: 0)) }
        var time: UInt64 = 0
        /// Who is asked, in order: all of them, once a second.
        func asked() -> [IPAddress] {
            defer { time += 1000 }
            return table.advance(to: Ticks(milliseconds: time)).compactMap { action in
                if case .send(let message, _) = action { message.asked } else { nil }
            }
        }
        var before = asked()
        #expect(before == all)
        var moved = 0
        // From the front on, from the back, and whoever is in between; nobody twice, and one that was never there.
        for (step, address) in (all[..<40] + all[1000...].reversed() + all[500..<540]).enumerated() {
            table.forget(address)
            table.forget(address)
            let after = asked()
            let changes = zip(before, after).count { $0 != $1 }
            #expect(changes <= 1 && after.count == before.count - 1, "step \(step)")
            moved += changes
            before = after
        }
        #expect(moved > 0 && Set(before) == Set(all[40..<500] + all[540..<1000]))
        // Who moved is still found, and can be forgotten in turn.
        for address in before {
            _ = table.receive(.announcement(address, from: Self.mac), now: Ticks(milliseconds: time))
            #expect(table.station(of: address) == Self.mac)
            table.forget(address)
            #expect(table.station(of: address) == nil)
        }
        #expect(asked().isEmpty)
        table.watch(all[7], as: Self.dip, now: Ticks(milliseconds: time))
        #expect(asked() == [all[7]])
    }

    @Test("who is watched already is not asked anew, nor forgotten")
    func watchedTwice() {
        var bench = Bench()
        _ = bench.pass(100)
        _ = bench.receive(Self.answer)
        bench.table.watch(Self.server, as: Self.dip, now: Ticks(milliseconds: 100))
        #expect(bench.table.station(of: Self.server) == Self.mac)
        #expect(bench.pass(10_000).isEmpty)
    }
}
