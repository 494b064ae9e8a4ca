internal import Forwarding
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

@Suite("who owns a VIP")
struct VIPOwnershipTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let vip6 = IPAddress.v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x10))
    static let vips = [vip, vip6]
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let other = MACAddress(rawValue: 0x0200_0000_0002)
    /// A client beside the VIP.
    static func client(_ vip: IPAddress) -> IPAddress {
        vip == vip6 ? .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x99)) : .v4(IPv4Address(192, 0, 2, 99))
    }

    /// A machine, its clock, and everything it wanted done, with the time.
    struct Bench {
        let vip: IPAddress
        var machine: VIPOwnership
        var random = SystemRandomNumberGenerator()
        var now = 0
        var done: [(at: Int, action: ResolutionAction)] = []

        init(_ vip: IPAddress = VIPOwnershipTests.vip, owns: Bool = true) {
            self.vip = vip
            machine = VIPOwnership(
                vip: vip, mac: own, owns: owns, now: Ticks(milliseconds: 0), using: &random)
        }

        /// Lets time pass in tenths of a second, as the engine does.
        mutating func pass(_ milliseconds: Int) {
            let end = now + milliseconds
            while now < end {
                now += 100
                done += machine.advance(to: Ticks(milliseconds: UInt64(now)), using: &random).map { (now, $0) }
            }
        }

        mutating func receive(_ message: NeighborMessage) -> [ResolutionAction] {
            machine.receive(message, now: Ticks(milliseconds: UInt64(now)), using: &random)
        }

        var sent: [(at: Int, message: NeighborMessage)] {
            done.compactMap {
                guard case .send(let message, let group) = $0.action, group == message.group else { return nil }
                return ($0.at, message)
            }
        }

        /// Who has the VIP? asks a client from `other`.
        var question: NeighborMessage { .request(vip, from: other, client(vip)) }
        /// `other` says it has the VIP.
        var claim: NeighborMessage { .announcement(vip, from: other) }
        /// `other` says so to whoever asked.
        var reply: NeighborMessage { NeighborMessage(.reply(vip, to: client(vip)), mac: other) }
    }

    @Test("IPv4: three probes 1 to 2 s apart, then two announcements 2 s apart, then silence (RFC 5227)")
    func claims() {
        var bench = Bench()
        bench.pass(60_000)
        let sent = bench.sent
        let (probe, announcement) = (
            NeighborMessage.probe(Self.vip, from: Self.own), NeighborMessage.announcement(Self.vip, from: Self.own)
        )
        #expect(sent.map(\.message) == [probe, probe, probe, announcement, announcement])
        let gaps = zip(sent.dropFirst(), sent).map { $0.at - $1.at }
        // Timers are looked at every 100 ms.
        #expect(sent[0].at <= 1100)
        #expect(gaps[0...1].allSatisfy { (1000...2100).contains($0) })
        #expect(gaps[2...3].allSatisfy { (2000...2100).contains($0) })
        #expect(bench.done.map(\.action).filter { $0 == .report(.claimed(Self.vip)) }.count == 1)
        #expect(bench.machine.state == .owned)
    }

    @Test("IPv6: one probe, after 1 s three announcements 1 s apart, then silence (RFC 4862, RFC 4861)")
    func claims6() {
        var bench = Bench(Self.vip6)
        bench.pass(60_000)
        let (probe, announcement) = (
            NeighborMessage.probe(Self.vip6, from: Self.own), NeighborMessage.announcement(Self.vip6, from: Self.own)
        )
        #expect(bench.sent.map(\.message) == [probe, announcement, announcement, announcement])
        let gaps = zip(bench.sent.dropFirst(), bench.sent).map { $0.at - $1.at }
        #expect(bench.sent[0].at <= 1100)
        #expect(gaps.allSatisfy { (1000...1100).contains($0) })
        #expect(bench.machine.state == .owned)
    }

    @Test("the first probe comes at a random moment, lest directors that start together probe together")
    func jitter() {
        let starts = (0..<50).map { _ in
            var bench = Bench()
            bench.pass(2000)
            return bench.sent.first?.at
        }
        #expect(Set(starts).count > 1)
    }

    @Test("questions are answered once it is ours, and not before", arguments: vips)
    func answers(vip: IPAddress) {
        var bench = Bench(vip)
        // Ours after 8 s at the latest.
        for _ in 0..<80 where !bench.machine.isOwned {
            #expect(bench.receive(bench.question).isEmpty)
            bench.pass(100)
        }
        #expect(bench.machine.isOwned)
        let reply = NeighborMessage(.reply(vip, to: Self.client(vip)), mac: Self.own)
        let answer = ResolutionAction.send(reply, to: Self.other)
        #expect(bench.receive(bench.question) == [answer])
        bench.pass(10_000)
        #expect(bench.receive(bench.question) == [answer])
    }

    @Test("a probe is a question too: the answer tells it that the VIP is taken; for IPv6 everyone is told")
    func probeAnswered() {
        for (vip, answer) in [
            (
                Self.vip,
                ResolutionAction.send(NeighborMessage(.reply(Self.vip, to: .v4(.any)), mac: Self.own), to: Self.other)
            ),
            (Self.vip6, .send(.announcement(Self.vip6, from: Self.own), to: MACAddress(rawValue: 0x3333_0000_0001))),
        ] {
            var bench = Bench(vip)
            bench.pass(10_000)
            #expect(bench.receive(.probe(vip, from: Self.other)) == [answer])
        }
    }

    @Test("only requests for the VIP are answered", arguments: vips)
    func answersNothingElse(vip: IPAddress) {
        var bench = Bench(vip)
        bench.pass(10_000)
        let client = Self.client(vip)
        #expect(bench.receive(.request(client, from: Self.other, client)).isEmpty)
        #expect(bench.receive(bench.reply).count == 2, "a reply from the VIP is a conflict")
        #expect(bench.receive(NeighborMessage(.reply(client, to: vip), mac: Self.other)).isEmpty)
    }

    @Test("somebody who has the VIP while we ask for it keeps it, and is named", arguments: vips)
    func conflictWhileProbing(vip: IPAddress) {
        var bench = Bench(vip)
        for _ in 0..<15 where bench.machine.state == .probing(sent: 0) { bench.pass(100) }
        let actions = bench.receive(bench.reply)
        guard case .report(.notClaimed(vip, Self.other, let seconds)) = actions.first else {
            Issue.record("not reported: \(actions)")
            return
        }
        #expect((10...12).contains(seconds))
        #expect(bench.machine.state == .taken(by: Self.other))
        #expect(bench.receive(bench.question).isEmpty)
        // It is tried again after the delay, and works where the other one is gone.
        let before = bench.sent.count
        bench.pass(9000)
        #expect(bench.sent.count == before)
        bench.pass(13_000)
        #expect(bench.machine.state == .owned)
    }

    @Test("somebody who probes at the same time makes us step back, a client who asks does not", arguments: vips)
    func simultaneousProbe(vip: IPAddress) {
        var bench = Bench(vip)
        #expect(bench.receive(bench.question).isEmpty)
        #expect(bench.machine.state == .probing(sent: 0))
        #expect(bench.receive(.probe(vip, from: Self.other)).count == 1)
        #expect(bench.machine.state == .taken(by: Self.other))
    }

    @Test("after ten conflicts it is tried once a minute only")
    func manyConflicts() {
        var bench = Bench()
        var waits: [Int] = []
        for _ in 0..<11 {
            while case .taken = bench.machine.state { bench.pass(100) }
            for case .report(.notClaimed(_, _, let seconds)) in bench.receive(bench.claim) { waits.append(seconds) }
        }
        #expect(waits.count == 11)
        #expect(waits[..<9].allSatisfy { $0 <= 12 })
        #expect(waits[9...].allSatisfy { $0 >= 60 })
    }

    @Test("what is ours is defended, once in ten seconds, and reported once", arguments: vips)
    func defence(vip: IPAddress) {
        var bench = Bench(vip)
        bench.pass(10_000)
        let group = vip == Self.vip6 ? MACAddress(rawValue: 0x3333_0000_0001) : .broadcast
        let announcement = ResolutionAction.send(.announcement(vip, from: Self.own), to: group)
        #expect(bench.receive(bench.claim) == [.report(.contested(vip, by: Self.other)), announcement])
        bench.pass(5000)
        #expect(bench.receive(bench.claim).isEmpty)
        bench.pass(5000)
        #expect(bench.receive(bench.claim) == [announcement])
        #expect(bench.machine.contender == Self.other)
        #expect(bench.machine.isOwned)
        // Forgotten after a minute of peace: should it come back, that is news again.
        bench.pass(61_000)
        #expect(bench.machine.contender == nil)
        #expect(bench.receive(bench.claim).first == .report(.contested(vip, by: Self.other)))
    }

    @Test("our own messages, come back through a loop, are no conflict")
    func ownMessages() {
        var bench = Bench()
        #expect(bench.receive(.probe(Self.vip, from: Self.own)).isEmpty)
        bench.pass(10_000)
        #expect(bench.receive(.announcement(Self.vip, from: Self.own)).isEmpty)
        #expect(bench.machine.state == .owned)
    }

    @Test("a VIP that is left to others is never spoken of")
    func silent() {
        var bench = Bench(owns: false)
        bench.pass(30_000)
        #expect(bench.done.isEmpty)
        #expect(bench.receive(bench.question).isEmpty && bench.receive(bench.claim).isEmpty)
    }
}
