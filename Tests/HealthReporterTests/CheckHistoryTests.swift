import Testing

@testable import HealthReporter

@Suite("CheckHistory")
struct CheckHistoryTests {
    /// `+` a success, `-` a failure; what is expected after each.
    @Test(
        "only successes and failures in a row turn a verdict",
        arguments: [
            (2, 3, "++", "-+"), (2, 3, "+-++", "---+"), (1, 1, "+-+-", "+-+-"), (3, 2, "+++-+--", "--++++-"),
            (2, 3, "++--+---", "-++++++-"), (2, 3, "++---+-++", "-+++----+"), (1, 3, "+--+--+", "+++++++"),
        ])
    func verdicts(rise: Int, fall: Int, answers: String, verdicts: String) {
        var history = CheckHistory(rise: rise, fall: fall, since: noon)
        var seen = ""
        for answer in answers {
            history.record(outcome(answer == "+"), at: noon)
            seen += history.ok ? "+" : "-"
        }
        #expect(seen == verdicts)
    }

    @Test("it says the same after an answer that differs in nothing but the time it took")
    func sameWords() {
        var history = CheckHistory(rise: 2, fall: 2, since: noon)
        var seen: [Bool] = []
        for (ok, message) in [
            (false, "a"), (false, "a"), (false, "a"), (true, "b"), (true, "b"), (true, "b"), (false, "a"), (true, "c"),
        ] {
            let before = history
            history.record(CheckOutcome(ok: ok, message: message, latency: .milliseconds(seen.count)), at: noon)
            seen.append(history.says(before))
        }
        // It fails (1), it has a verdict (2); it passes (5); new words (8).
        #expect(seen == [false, false, true, true, false, true, true, false])
        let before = history
        history.record(CheckOutcome(ok: true, message: "c", latency: .zero, warning: "w"), at: noon)
        #expect(!history.says(before))
    }

    @Test("`since` changes with the verdict only")
    func since() {
        var history = CheckHistory(rise: 2, fall: 2, since: noon)
        for (second, ok, expected) in [(1, true, 0), (2, true, 2), (3, true, 2), (4, false, 2), (5, false, 5)] {
            history.record(outcome(ok), at: noon.adding(seconds: Int64(second)))
            #expect(history.since == noon.adding(seconds: Int64(expected)))
        }
    }

    @Test("there is a verdict after enough answers of one kind, not before")
    func hasVerdict() {
        var failing = CheckHistory(rise: 2, fall: 2, since: noon)
        failing.record(outcome(false), at: noon)
        #expect(!failing.hasVerdict)
        failing.record(outcome(true), at: noon)
        failing.record(outcome(false), at: noon)
        #expect(!failing.hasVerdict)
        failing.record(outcome(false), at: noon)
        #expect(failing.hasVerdict && !failing.ok)
        #expect(failing.message == "connection refused")

        var passing = CheckHistory(rise: 2, fall: 2, since: noon)
        passing.record(outcome(true), at: noon)
        #expect(!passing.hasVerdict)
        #expect(passing.message == "200, 1 of 2 successes")
        passing.record(outcome(true), at: noon)
        #expect(passing.hasVerdict && passing.ok)
    }

    @Test("an answer against the verdict changes the latency and nothing else")
    func message() {
        var history = CheckHistory(rise: 1, fall: 3, since: noon)
        history.record(outcome(true), at: noon)
        history.record(CheckOutcome(ok: false, message: "503", latency: .seconds(1)), at: noon)
        #expect(history.message == "200")
        #expect(history.latency == .seconds(1))
        history.record(outcome(false, "503"), at: noon)
        history.record(outcome(false, "503"), at: noon)
        #expect(history.message == "503")
        history.record(outcome(false, "connection refused"), at: noon)
        #expect(history.message == "connection refused")
    }

    /// `s` settled, `c` changing, after each answer.
    @Test(
        "a check is settled once a verdict stands and the latest answer agrees with it",
        arguments: [
            (2, 3, "++++", "csss"), (2, 3, "---+--", "ccscss"), (2, 3, "+++-+---", "csscsccs"),
            (1, 1, "+-+-", "ssss"), (2, 3, "+-+-", "cccc"), (2, 3, "---+++", "ccscss"),
        ])
    func settled(rise: Int, fall: Int, answers: String, expected: String) {
        var history = CheckHistory(rise: rise, fall: fall, since: noon)
        var seen = ""
        for answer in answers {
            history.record(outcome(answer == "+"), at: noon)
            seen += history.isSettled ? "s" : "c"
        }
        #expect(seen == expected)
    }

    @Test("a warning is taken back by an answer that could have warned, and not by a refused connection")
    func warning() {
        var history = CheckHistory(rise: 1, fall: 3, since: noon)
        let steps: [(ok: Bool, warning: String?, expected: String?)] = [
            (true, nil, nil), (true, "ends", "ends"), (false, nil, "ends"), (false, "ended", "ended"), (true, nil, nil),
        ]
        for (ok, warning, expected) in steps {
            history.record(CheckOutcome(ok: ok, message: "", latency: .zero, warning: warning), at: noon)
            #expect(history.warning == expected)
        }
    }
}
