import Synchronization
import Testing

@testable import HealthReporter

@Suite("CheckSchedule")
struct CheckScheduleTests {
    let schedule = CheckSchedule(interval: .seconds(1), fastInterval: .milliseconds(200))

    @Test("questions begin an interval apart, whatever an answer takes")
    func fromStartToStart() {
        var random = SystemRandomNumberGenerator()
        for milliseconds in [0, 1, 300, 900] {
            let elapsed = Duration.milliseconds(milliseconds)
            let start = elapsed + schedule.pause(.settled, elapsed: elapsed, using: &random)
            #expect(start >= .milliseconds(950) && start <= .milliseconds(1_050))
        }
    }

    @Test("a question that took longer than the interval is followed at once, and none is made up for")
    func overrun() {
        var random = SystemRandomNumberGenerator()
        #expect(schedule.pause(.settled, elapsed: .seconds(5), using: &random) == .zero)
    }

    @Test("checks that began together spread over half an interval")
    func spread() {
        var random = SystemRandomNumberGenerator()
        let pauses = (0..<1_000).map { _ in schedule.pause(.firstSettled, elapsed: .zero, using: &random) }
        #expect(pauses.allSatisfy { $0 >= .milliseconds(500) && $0 <= .seconds(1) })
        #expect(pauses.min()! < .milliseconds(600) && pauses.max()! > .milliseconds(900))
    }

    @Test("while something is about to change the faster interval counts, from start to start too")
    func changing() {
        var random = SystemRandomNumberGenerator()
        for milliseconds in [0, 1, 150] {
            let elapsed = Duration.milliseconds(milliseconds)
            let start = elapsed + schedule.pause(.changing, elapsed: elapsed, using: &random)
            #expect(start >= .milliseconds(190) && start <= .milliseconds(210))
        }
    }

    @Test("questions follow fast until there is a verdict, then seldom, and fast again when an answer disagrees")
    func fastUntilSettled() async throws {
        // Only the fast interval gets anywhere within this test.
        let schedule = CheckSchedule(interval: .seconds(3_600), fastInterval: .milliseconds(1))
        for (answers, settled) in [([true, true], 2), ([false, false, false], 3), ([true, false, true, true], 4)] {
            let checker = CountingChecker(answers: answers)
            let history = Box(CheckHistory(rise: 2, fall: 3, since: noon))
            let task = Task {
                await schedule.run(checker) { outcome in
                    history.change { $0.record(outcome, at: noon) }
                    return history.value.isSettled
                }
            }
            try await eventually("\(settled) questions") { checker.asked.value == settled }
            try await eventually("it is settled") { history.value.isSettled }
            #expect(checker.asked.value == settled)
            task.cancel()
            await task.value
        }
    }

    @Test("the first question is asked at once")
    func first() async throws {
        let checker = CountingChecker()
        let schedule = CheckSchedule(interval: .seconds(3_600), fastInterval: .seconds(3_600))
        let task = Task { await schedule.run(checker) { _ in true } }
        try await eventually("the first question") { checker.asked.value == 1 }
        task.cancel()
        await task.value
        #expect(checker.stopped.value)
    }

    @Test("an answer that was cut short by the end of checking is not recorded")
    func cutShort() async throws {
        let checker = CountingChecker(hangs: true)
        let recorded = Box(0)
        let task = Task {
            await schedule.run(checker) { _ in
                recorded.value = 1
                return true
            }
        }
        try await eventually("the first question") { checker.asked.value == 1 }
        task.cancel()
        await task.value
        #expect(recorded.value == 0)
    }

    private struct CountingChecker: Checker {
        let asked = Box(0)
        let stopped = Box(false)
        var hangs = false
        var answers: [Bool] = []

        func ask() async -> CheckOutcome {
            asked.change { $0 += 1 }
            if !answers.isEmpty { return outcome(answers[(asked.value - 1) % answers.count]) }
            if hangs { try? await Task.sleep(for: .seconds(3_600)) }
            return outcome(!hangs)
        }

        func stop() async { stopped.value = true }
    }
}
