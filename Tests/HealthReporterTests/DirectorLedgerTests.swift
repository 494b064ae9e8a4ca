import NetworkAddress
import Testing

@testable import HealthReporter

extension DirectorLedger {
    /// A plain answer in that second, by which the service wants no new connections.
    mutating func tell(
        _ address: IPAddress, of services: [String] = ["web"], current: UInt64 = 9, second: Double,
        by question: PlainQuestion = PlainQuestion("/health/web"), isOut: Bool = true
    ) {
        tell(
            address, of: services, by: question, out: isOut ? Set(services) : [], current: current, at: noon,
            instant: DrainProofTests.start + .seconds(second))
    }
}

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
        let isTold = ledger.tell(
            nil, of: ["web"], by: PlainQuestion("/health/web"), out: [], current: 9, at: noon)
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
            ledger.tell(one, second: Double(count))
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
        #expect(ledger.uninformed(of: "web", generation: 10) == [one])
        #expect(ledger.uninformed(of: "dns", generation: 9) == [one])
        #expect(ledger.statuses.first?.acknowledgedGeneration == 9)
    }

    @Test("answers given before a change do not count for it")
    func toldBefore() {
        var ledger = DirectorLedger(directors: [one])
        for (second, generation) in ([8, 8, 8, 9, 9, 9] as [UInt64]).enumerated() {
            ledger.tell(one, current: generation, second: Double(second))
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        #expect(ledger.uninformed(of: "web", generation: 8) == [])
        ledger.tell(one, current: 10, second: 6)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    @Test("a director that asks seldom has noticed when it asks again ten seconds later")
    func toldSeldom() {
        var ledger = DirectorLedger(directors: [one])
        ledger.tell(one, second: 0)
        // That the wall clock jumps meanwhile proves nothing.
        ledger.tell(
            one, of: ["web"], by: PlainQuestion("/health/web"), out: ["web"], current: 9,
            at: noon.adding(seconds: 86_400), instant: DrainProofTests.start + .seconds(9))
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        ledger.tell(one, second: 10)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    @Test(
        "a director that gives its name will say `since`: polls without, whose answers may be lost, acknowledge nothing"
    )
    func named() {
        var ledger = DirectorLedger(directors: [one])
        for second in 0..<100 as Range<Int64> {
            ledger.poll(from: one, name: "lb1", since: nil, current: 9, at: noon.adding(seconds: second))
            ledger.tell(one, second: Double(second))
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
            ledger.tell(one, second: Double(second))
            ledger.poll(from: one, name: nil, since: nil, current: 9, at: noon.adding(seconds: second))
        }
        #expect(ledger.uninformed(of: "web", generation: 9) == [one])
        ledger.poll(from: one, name: nil, since: 9, current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
    }

    // MARK: Duties

    /// A ledger whose first director has asked about `web` once a second for that long, and the second about `dns`.
    private func acquainted(for seconds: Int, others: Bool = true) -> DirectorLedger {
        var ledger = DirectorLedger(directors: [one, two])
        for second in 0...seconds {
            ledger.tell(one, second: Double(second))
            if others {
                ledger.tell(two, of: ["dns"], second: Double(second), by: PlainQuestion("/health/dns"))
            }
        }
        return ledger
    }

    @Test("a director that has asked for five minutes, and never about what another asks about, has no part in it")
    func unconcerned() {
        #expect(acquainted(for: 299).uninformed(of: "dns", generation: 9) == [one])
        var ledger = acquainted(for: 300)
        #expect(ledger.unconcerned(with: "dns") == [one])
        #expect(ledger.uninformed(of: "dns", generation: 9) == [])
        #expect(ledger.uninformed(of: "dns", generation: 10) == [two], "that one has")
        ledger.tell(one, of: ["dns"], second: 301, by: PlainQuestion("/health/dns"))
        #expect(ledger.uninformed(of: "dns", generation: 9) == [one], "it has asked once, and nobody knows why")
    }

    @Test("where no director asks about a service, every one is waited for; and so is one that is silent")
    func concerned() {
        #expect(acquainted(for: 300, others: false).uninformed(of: "dns", generation: 9) == [one, two])
        var ledger = acquainted(for: 300)
        ledger.silent = [one]
        #expect(ledger.uninformed(of: "dns", generation: 9) == [one])
    }

    @Test("time in which a director did not ask does not count towards the five minutes")
    func absence() {
        var ledger = acquainted(for: 200)
        for second in 300...599 {
            ledger.tell(one, second: Double(second))
            ledger.tell(two, of: ["dns"], second: Double(second), by: PlainQuestion("/health/dns"))
        }
        #expect(ledger.uninformed(of: "dns", generation: 9) == [one])
        ledger.tell(one, second: 600)
        #expect(ledger.uninformed(of: "dns", generation: 9) == [])
    }
}
