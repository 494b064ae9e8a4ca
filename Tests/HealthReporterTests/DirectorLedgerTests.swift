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

    @Test("a plain answer about one service tells of that one only")
    func told() {
        var ledger = DirectorLedger(directors: [one])
        ledger.tell(one, of: ["web"], current: 9, at: noon)
        #expect(ledger.uninformed(of: "web", generation: 9) == [])
        #expect(ledger.uninformed(of: "web", generation: 10) == [one])
        #expect(ledger.uninformed(of: "dns", generation: 9) == [one])
    }

    @Test("directors that have not asked lately are not waited for")
    func active() {
        var ledger = DirectorLedger(directors: [one, two])
        ledger.poll(from: one, name: nil, since: 1, current: 9, at: noon)
        ledger.poll(from: two, name: nil, since: 1, current: 9, at: noon.adding(seconds: 100))
        #expect(ledger.uninformed(of: "web", generation: 9, activeSince: noon.adding(seconds: 60)) == [two])
    }
}
