import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("DirectorLedger")
struct DirectorLedgerTests {
    let one = address("10.0.0.1")
    let two = address("10.0.0.2")

    @Test("a poll acknowledges the generation it brings, and no older one takes that back")
    func poll() {
        var ledger = DirectorLedger(directors: [one, two])
        #expect(ledger.uninformed(of: "web", generation: 5) == [one, two])
        ledger.poll(from: one, name: "lb1", since: 4, current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 5) == [one, two])
        ledger.poll(from: one, name: nil, since: 5, current: 9, at: noon)
        ledger.poll(from: one, name: nil, since: 3, current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 5) == [two])
        #expect(
            ledger.statuses == [
                DirectorStatus(address: one, name: "lb1", lastPoll: noon, acknowledgedGeneration: 5),
                DirectorStatus(address: two, name: nil, lastPoll: nil, acknowledgedGeneration: nil),
            ])
    }

    @Test("a generation of the future is of another life and acknowledges nothing")
    func future() {
        var ledger = DirectorLedger(directors: [one])
        ledger.poll(from: one, name: nil, since: 10, current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 1) == [one])
    }

    @Test("who is no director acknowledges nothing")
    func stranger() {
        var ledger = DirectorLedger(directors: [one])
        let isPoll = ledger.poll(from: two, name: "x", since: 9, current: 9, at: noon)
        let isTold = ledger.tell(nil, of: ["web"], current: 9, at: noon)
        #expect(!isPoll && !isTold)
        #expect(ledger.uninformed(of: "web", generation: 1) == [one])
        #expect(ledger.statuses.count == 1)
    }

    @Test("a director is known by its IPv4 address also where it comes in mapped into IPv6")
    func mapped() {
        var ledger = DirectorLedger(directors: [one])
        let isKnown = ledger.poll(from: address("::ffff:10.0.0.1"), name: nil, since: 9, current: 9, at: noon)
        #expect(isKnown)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    @Test("a director that only asks has noticed after four answers, and about that service only")
    func told() {
        var ledger = DirectorLedger(directors: [one])
        for count in 1...4 {
            #expect(ledger.uninformed(of: "web", generation: 9) == [one], "after \(count - 1) answers")
            ledger.tell(one, of: ["web"], current: 9, at: noon)
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
        #expect(ledger.uninformed(of: "web", generation: 10) == [one])
        #expect(ledger.uninformed(of: "dns", generation: 9) == [one])
        #expect(ledger.statuses.first?.acknowledgedGeneration == 9)
    }

    @Test("answers given before a change do not count for it")
    func toldBefore() {
        var ledger = DirectorLedger(directors: [one])
        for generation in [8, 8, 8, 9, 9, 9] as [UInt64] {
            ledger.tell(one, of: ["web"], current: generation, at: noon)
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        #expect(ledger.uninformed(of: "web", generation: 8) == [])
        ledger.tell(one, of: ["web"], current: 10, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    @Test("a director that asks seldom has noticed when it asks again ten seconds later")
    func toldSeldom() {
        var ledger = DirectorLedger(directors: [one])
        let start = DirectorLedger.Instant.now
        ledger.tell(one, of: ["web"], current: 9, at: noon, instant: start)
        // That the wall clock jumps meanwhile proves nothing.
        ledger.tell(one, of: ["web"], current: 9, at: noon.adding(seconds: 86_400), instant: start + .seconds(9))
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        ledger.tell(one, of: ["web"], current: 9, at: noon, instant: start + .seconds(10))
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    @Test(
        "a director that gives its name will say `since`: polls without, whose answers may be lost, acknowledge nothing"
    )
    func named() {
        var ledger = DirectorLedger(directors: [one])
        for second in 0..<100 as Range<Int64> {
            ledger.poll(from: one, name: "lb1", since: nil, current: 9, at: noon.adding(seconds: second))
            ledger.tell(one, of: ["web"], current: 9, at: noon.adding(seconds: second))
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        #expect(ledger.statuses.first?.acknowledgedGeneration == nil)
        ledger.poll(from: one, name: "lb1", since: 9, current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    @Test(
        "once a director polls with `since`, nothing else acknowledges for it: not a monitor on its host, nor a poll without"
    )
    func sinceRules() {
        var ledger = DirectorLedger(directors: [one])
        ledger.poll(from: one, name: nil, since: 5, current: 9, at: noon)
        for second in 0..<100 as Range<Int64> {
            ledger.tell(one, of: ["web"], current: 9, at: noon.adding(seconds: second))
            ledger.poll(from: one, name: nil, since: nil, current: 9, at: noon.adding(seconds: second))
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        ledger.poll(from: one, name: nil, since: 9, current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }
}
