internal import Forwarding
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

@Suite("who owns a VIP")
struct VIPOwnershipTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let other = MACAddress(rawValue: 0x0200_0000_0002)
    static let client = IPv4Address(192, 0, 2, 99)

    /// A machine, its clock, and everything it wanted done, with the time.
    struct Bench {
        var machine: VIPOwnership
        var random = SystemRandomNumberGenerator()
        var now = 0
        var done: [(at: Int, action: ARPAction)] = []

        init(owns: Bool = true) {
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

        mutating func receive(_ message: ARPMessage) -> [ARPAction] {
            machine.receive(message, now: Ticks(milliseconds: UInt64(now)), using: &random)
        }

        var sent: [(at: Int, message: ARPMessage)] {
            done.compactMap { if case .send(let message, .broadcast) = $0.action { ($0.at, message) } else { nil } }
        }
    }

    static let question = ARPMessage.request(vip, from: other, client)
    static let claim = ARPMessage.announcement(vip, from: other)

    @Test("three probes 1 to 2 s apart, then two announcements 2 s apart, then silence")
    func claims() {
        var bench = Bench()
        bench.pass(60_000)
        let sent = bench.sent
        let (probe, announcement) = (
            ARPMessage.probe(Self.vip, from: Self.own), ARPMessage.announcement(Self.vip, from: Self.own)
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

    @Test("the first probe comes at a random moment, lest directors that start together probe together")
    func jitter() {
        let starts = (0..<50).map { _ in
            var bench = Bench()
            bench.pass(2000)
            return bench.sent.first?.at
        }
        #expect(Set(starts).count > 1)
    }

    @Test("questions are answered once it is ours, and not before")
    func answers() {
        var bench = Bench()
        while !bench.machine.isOwned {
            #expect(bench.receive(Self.question).isEmpty)
            bench.pass(100)
        }
        let answer = ARPAction.send(Self.question.answer(from: Self.own), to: Self.other)
        #expect(bench.receive(Self.question) == [answer])
        bench.pass(10_000)
        #expect(bench.receive(Self.question) == [answer])
        // A probe is a question too: the answer tells it that the VIP is taken.
        #expect(bench.receive(.probe(Self.vip, from: Self.other)).count == 1)
    }

    @Test("only requests for the VIP are answered")
    func answersNothingElse() {
        var bench = Bench()
        bench.pass(10_000)
        #expect(bench.receive(.request(Self.client, from: Self.other, IPv4Address(192, 0, 2, 98))).isEmpty)
        #expect(bench.receive(Self.question.answer(from: Self.other)).count == 2, "a reply from the VIP is a conflict")
        let reply = ARPMessage(
            operation: .reply, senderMAC: Self.other, sender: Self.client, targetMAC: Self.own, target: Self.vip)
        #expect(bench.receive(reply).isEmpty)
    }

    @Test("somebody who has the VIP while we ask for it keeps it, and is named")
    func conflictWhileProbing() {
        var bench = Bench()
        bench.pass(1500)
        let actions = bench.receive(Self.question.answer(from: Self.other))
        guard case .report(.notClaimed(Self.vip, Self.other, let seconds)) = actions.first else {
            Issue.record("not reported: \(actions)")
            return
        }
        #expect((10...12).contains(seconds))
        #expect(bench.machine.state == .taken(by: Self.other))
        #expect(bench.receive(Self.question).isEmpty)
        // It is tried again after the delay, and works where the other one is gone.
        let before = bench.sent.count
        bench.pass(9000)
        #expect(bench.sent.count == before)
        bench.pass(13_000)
        #expect(bench.machine.state == .owned)
    }

    @Test("somebody who probes at the same time makes us step back")
    func simultaneousProbe() {
        var bench = Bench()
        #expect(bench.receive(.probe(Self.vip, from: Self.other)).count == 1)
        #expect(bench.machine.state == .taken(by: Self.other))
    }

    @Test("after ten conflicts it is tried once a minute only")
    func manyConflicts() {
        var bench = Bench()
        var waits: [Int] = []
        for _ in 0..<11 {
            while case .taken = bench.machine.state { bench.pass(100) }
            for case .report(.notClaimed(_, _, let seconds)) in bench.receive(Self.claim) { waits.append(seconds) }
        }
        #expect(waits.count == 11)
        #expect(waits[..<9].allSatisfy { $0 <= 12 })
        #expect(waits[9...].allSatisfy { $0 >= 60 })
    }

    @Test("what is ours is defended, once in ten seconds, and reported once")
    func defence() {
        var bench = Bench()
        bench.pass(10_000)
        let announcement = ARPAction.send(.announcement(Self.vip, from: Self.own), to: .broadcast)
        #expect(bench.receive(Self.claim) == [.report(.contested(Self.vip, by: Self.other)), announcement])
        bench.pass(5000)
        #expect(bench.receive(Self.claim).isEmpty)
        bench.pass(5000)
        #expect(bench.receive(Self.claim) == [announcement])
        #expect(bench.machine.contender == Self.other)
        #expect(bench.machine.isOwned)
        // Forgotten after a minute of peace: should it come back, that is news again.
        bench.pass(61_000)
        #expect(bench.machine.contender == nil)
        #expect(bench.receive(Self.claim).first == .report(.contested(Self.vip, by: Self.other)))
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
        #expect(bench.receive(Self.question).isEmpty && bench.receive(Self.claim).isEmpty)
    }
}
