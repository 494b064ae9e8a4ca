import NetworkAddress
import Testing

@testable import HealthReporter

/// Several askers on one director's host, and what HAProxy says itself.
@Suite("Who asks from a director's host")
struct AskerNoticeTests {
    static let one = DrainProofTests.one

    private func drained() -> DirectorLedger {
        var ledger = DirectorLedger(directors: [Self.one])
        ledger.follow(["web": 9])
        return ledger
    }

    private func isInformed(_ ledger: DirectorLedger) -> Bool { ledger.uninformed(of: "web", generation: 9).isEmpty }

    /// HAProxy's question with what it says of the server.
    private func haproxy(
        _ state: String, _ backend: String = "web", node: String = "lb1", isRefused: Bool = true
    ) -> PlainQuestion {
        PlainQuestion(
            "/health/web?drain=\(isRefused ? 404 : 200)",
            state: "\(state); name=\(backend)/rs1; node=\(node); weight=100/300", isRefused: isRefused)
    }

    private let keepalived = PlainQuestion("/health/web", userAgent: "KeepAliveClient")

    @Test("answers within one round count once, however many there are, and for the polls more as well")
    func round() {
        var ledger = drained()
        for second in 0..<4 {
            #expect(!isInformed(ledger), "after \(second) rounds")
            for part in 0..<8 { ledger.tell(Self.one, second: Double(second) + Double(part) / 10) }
        }
        #expect(isInformed(ledger))
        for second in 4..<6 {
            #expect(ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(4)) == [Self.one])
            for part in 0..<8 { ledger.tell(Self.one, second: Double(second) + Double(part) / 10) }
        }
        #expect(ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(6)) == [])
    }

    @Test("a timer that is a little early does not lose a round")
    func early() {
        var ledger = drained()
        for second in 0..<4 { ledger.tell(Self.one, second: Double(second) * 0.95) }
        #expect(isInformed(ledger))
    }

    @Test(
        "of several askers each has to be told four times: by path, query, program, HAProxy's node and server they are told apart",
        arguments: [
            PlainQuestion("/weight/web"), PlainQuestion("/health/web?by=lb1"), PlainQuestion("agent-check"),
            PlainQuestion("/health/web", userAgent: "Consul Health Check"),
            PlainQuestion("/health/web", state: "UP; name=web/rs1; node=lb1", isRefused: false),
        ])
    func severalAskers(other: PlainQuestion) {
        var ledger = drained()
        let first = PlainQuestion("/health/web")
        for second in stride(from: 0.0, to: 4, by: 1) {
            ledger.tell(Self.one, second: second, by: first)
            if second >= 2 { ledger.tell(Self.one, second: second + 0.05, by: other) }
        }
        #expect(!isInformed(ledger), "the other one was told twice")
        for second in [4, 5] {
            #expect(!isInformed(ledger))
            ledger.tell(Self.one, second: Double(second), by: other)
        }
        #expect(isInformed(ledger))
    }

    @Test("the two polls more are of the asker that noticed last")
    func pollsMore() {
        var ledger = drained()
        for second in 0..<4 { ledger.tell(Self.one, second: Double(second), by: keepalived) }
        ledger.tell(Self.one, second: 4, by: haproxy("UP"))
        ledger.tell(Self.one, second: 5, by: haproxy("NOLB"))
        for second in 5..<8 { ledger.tell(Self.one, second: Double(second), by: keepalived) }
        #expect(isInformed(ledger))
        #expect(ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(8)) == [Self.one])
        for second in [8, 9] { ledger.tell(Self.one, second: Double(second), by: haproxy("NOLB")) }
        #expect(ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(9)) == [])
    }

    @Test("HAProxy says itself that it acts: at once, and it is waited for two polls more like any other")
    func said() {
        var ledger = drained()
        ledger.tell(Self.one, second: 0, by: haproxy("UP"))
        #expect(!isInformed(ledger))
        #expect(ledger.testimony(on: "web") == ["10.0.0.1: HAProxy lb1 has web/rs1 UP"])
        ledger.tell(Self.one, second: 1, by: haproxy("NOLB"))
        #expect(isInformed(ledger))
        #expect(ledger.testimony(on: "web") == ["10.0.0.1: HAProxy lb1 has web/rs1 NOLB"])
        for second in [2, 3] {
            #expect(ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(second)) == [Self.one])
            ledger.tell(Self.one, second: Double(second), by: haproxy("NOLB"))
        }
        #expect(ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(3)) == [])
    }

    @Test("a HAProxy that says it sends on has not noticed, however often it was told, nor any longer if it had")
    func saidNot() {
        var ledger = drained()
        for second in 0..<60 { ledger.tell(Self.one, second: Double(second), by: haproxy("UP")) }
        #expect(!isInformed(ledger))
        ledger.tell(Self.one, second: 60, by: haproxy("DOWN"))
        #expect(isInformed(ledger))
        // Not even a round later: what it says counts at once, in both directions.
        ledger.tell(Self.one, second: 60.1, by: haproxy("UP"))
        #expect(!isInformed(ledger))
        ledger.tell(Self.one, second: 60.2, by: haproxy("NOLB"))
        #expect(isInformed(ledger))
        #expect(
            ledger.unsettled(of: "web", at: DrainProofTests.start + .seconds(61)) == [Self.one], "from here on anew")
    }

    @Test("of a service that is up it says nothing new: it knows what it was told, and none of it is a drain")
    func saidWhileUp() {
        var ledger = DirectorLedger(directors: [Self.one])
        for second in 0..<4 {
            ledger.tell(Self.one, current: 8, second: Double(second), by: haproxy("UP"), isOut: false)
        }
        #expect(ledger.statuses[0].acknowledgedGeneration == 8)
        ledger.follow(["web": 9])
        ledger.tell(Self.one, second: 4, by: haproxy("UP"))
        #expect(!isInformed(ledger))
    }

    @Test("where it does not say whether it acts (agent-check), it is one that only asks")
    func saidNothing() {
        var ledger = drained()
        for second in 0..<4 {
            #expect(!isInformed(ledger))
            ledger.tell(Self.one, second: Double(second), by: haproxy("UP", isRefused: false))
        }
        #expect(isInformed(ledger))
    }

    @Test("one server's word is not another's, nor one node's, nor that of another program")
    func eachForItself() {
        var ledger = drained()
        for (second, other) in [haproxy("UP", "shop"), haproxy("UP", node: "lb2"), keepalived].enumerated() {
            let start = Double(second * 100)
            ledger.tell(Self.one, second: start, by: other)
            ledger.tell(Self.one, second: start + 1, by: other)
            for more in 1...3 { ledger.tell(Self.one, second: start + Double(more), by: haproxy("NOLB")) }
            #expect(!isInformed(ledger), "\(other.asker)")
        }
    }

    @Test("somebody who asks once from a director's host is no asker, and one that is gone is not waited for")
    func gone() {
        var ledger = drained()
        ledger.tell(Self.one, second: 0, by: PlainQuestion("/health/web", userAgent: "curl/7.88.1"))
        for second in 0..<4 { ledger.tell(Self.one, second: Double(second)) }
        #expect(isInformed(ledger))
        // A check that another configuration no longer has.
        ledger.tell(Self.one, second: 4, by: haproxy("UP", "old"))
        ledger.tell(Self.one, second: 5, by: haproxy("UP", "old"))
        for second in 6...15 {
            #expect(!isInformed(ledger), "second \(second)")
            ledger.tell(Self.one, second: Double(second))
        }
        ledger.tell(Self.one, second: 15.1)
        #expect(isInformed(ledger))
    }

    @Test("who asks once a minute is not gone, nor is one alone whose director cannot be reached for a while")
    func seldom() {
        var ledger = drained()
        for second in stride(from: 0.0, through: 59, by: 1) { ledger.tell(Self.one, second: second) }
        #expect(isInformed(ledger))
        var slow = drained()
        slow.tell(Self.one, current: 8, second: 0, by: keepalived)
        slow.tell(Self.one, current: 8, second: 60, by: keepalived)
        for second in stride(from: 60.0, through: 119, by: 1) { slow.tell(Self.one, second: second) }
        #expect(!isInformed(slow), "keepalived was told of generation 8")
        var alone = drained()
        alone.tell(Self.one, second: 0, by: haproxy("UP"))
        alone.tell(Self.one, second: 80, by: haproxy("UP"))
        #expect(!isInformed(alone))
    }

    @Test("a caller that always asks differently cannot fill the memory, and what was known stays")
    func bounded() {
        var ledger = drained()
        for number in 0..<1_000 {
            ledger.tell(Self.one, second: Double(number) / 1_000, by: haproxy("UP", "web\(number)"))
        }
        #expect(ledger.testimony(on: "web").count == DirectorRecord.mostAskers + 1)
        #expect(!isInformed(ledger))
    }
}
