import Synchronization
import Testing

@testable import HealthReporter

@Suite("CheckSchedule")
struct CheckScheduleTests {
    let schedule = CheckSchedule(interval: .seconds(1))

    @Test("questions begin an interval apart, whatever an answer takes")
    func fromStartToStart() {
        var random = SystemRandomNumberGenerator()
        for milliseconds in [0, 1, 300, 900] {
            let elapsed = Duration.milliseconds(milliseconds)
            let start = elapsed + schedule.pause(afterFirst: false, elapsed: elapsed, using: &random)
            #expect(start >= .milliseconds(950) && start <= .milliseconds(1_050))
        }
    }

    @Test("a question that took longer than the interval is followed at once, and none is made up for")
    func overrun() {
        var random = SystemRandomNumberGenerator()
        #expect(schedule.pause(afterFirst: false, elapsed: .seconds(5), using: &random) == .zero)
    }

    @Test("checks that began together spread over half an interval")
    func spread() {
        var random = SystemRandomNumberGenerator()
        let pauses = (0..<1_000).map { _ in schedule.pause(afterFirst: true, elapsed: .zero, using: &random) }
        #expect(pauses.allSatisfy { $0 >= .milliseconds(500) && $0 <= .seconds(1) })
        #expect(pauses.min()! < .milliseconds(600) && pauses.max()! > .milliseconds(900))
    }

    @Test("the first question is asked at once")
    func first() async throws {
        let checker = CountingChecker()
        let schedule = CheckSchedule(interval: .seconds(3_600))
        let task = Task { await schedule.run(checker) { _ in } }
        try await eventually("the first question") { checker.asked.value == 1 }
        task.cancel()
        await task.value
        #expect(checker.stopped.value)
    }

    @Test("an answer that was cut short by the end of checking is not recorded")
    func cutShort() async throws {
        let checker = CountingChecker(hangs: true)
        let recorded = Box(0)
        let task = Task { await CheckSchedule(interval: .seconds(1)).run(checker) { _ in recorded.value = 1 } }
        try await eventually("the first question") { checker.asked.value == 1 }
        task.cancel()
        await task.value
        #expect(recorded.value == 0)
    }

    private struct CountingChecker: Checker {
        let asked = Box(0)
        let stopped = Box(false)
        var hangs = false

        func ask() async -> CheckOutcome {
            asked.change { $0 += 1 }
            if hangs { try? await Task.sleep(for: .seconds(3_600)) }
            return outcome(!hangs)
        }

        func stop() async { stopped.value = true }
    }
}
