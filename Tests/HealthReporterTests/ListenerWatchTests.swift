import ConfigurationFile
import NetworkAddress
import Synchronization
import Testing

@testable import HealthReporter

@Suite("ListenerWatch")
struct ListenerWatchTests {
    /// A service that listens until it is told to die, and is asked only by the watch.
    private final class FakeService: Checker, Sendable {
        let isListening = Atomic<Bool>(true)
        let questions = Atomic<Int>(0)
        let looks = Atomic<Int>(0)
        /// The question that passes although nobody listened a moment ago; 0: none.
        let passing: Int

        init(passing: Int = 0) { self.passing = passing }

        func ask() async -> CheckOutcome {
            let number = questions.wrappingAdd(1, ordering: .relaxed).newValue
            return CheckOutcome(ok: number == passing, message: "", latency: .zero)
        }

        func stop() async {}
    }

    private func target(fall: Int) throws -> CheckTarget {
        let service = AgentConfiguration.Service(
            name: "web", vips: [.v4(IPv4Address(192, 0, 2, 10))], ports: [80],
            checks: [AgentConfiguration.Check(.tcp, interval: .seconds(3_600), fall: fall)])
        return try #require(try makeTargets(of: service).first)
    }

    /// Lets the watch see the service listening, lets it die, and waits until `count` questions were asked; returns how
    /// many had been asked when the listener was looked up ten more times.
    private func questions(of service: FakeService, fall: Int, atLeast count: Int) async throws -> Int {
        let target = try target(fall: fall)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                let watch = ListenerWatch { places in
                    service.looks.add(1, ordering: .relaxed)
                    return places.map { _ in service.isListening.load(ordering: .relaxed) }
                }
                await watch.run([.init(service: 0, check: 0, target: target, checker: service)]) { _, _ in }
            }
            defer { tasks.cancelAll() }
            try await reach("a look") { service.looks.load(ordering: .relaxed) > 0 }
            #expect(service.questions.load(ordering: .relaxed) == 0, "nothing is asked while somebody listens")
            service.isListening.store(false, ordering: .relaxed)
            try await reach("\(count) questions") { service.questions.load(ordering: .relaxed) >= count }
            let seen = service.looks.load(ordering: .relaxed)
            try await reach("ten more looks") { service.looks.load(ordering: .relaxed) >= seen + 10 }
            return service.questions.load(ordering: .relaxed)
        }
    }

    private func reach(_ what: String, _ condition: () -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while !condition() {
            try #require(clock.now < end, "waited 20 s for \(what)")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test("a listener that goes is asked at once as often as it takes to fail, and no more", arguments: [1, 3])
    func death(fall: Int) async throws {
        #expect(try await questions(of: FakeService(), fall: fall, atLeast: fall) == fall)
    }

    @Test("an answer that passes ends the questions: somebody listens again")
    func restart() async throws {
        #expect(try await questions(of: FakeService(passing: 2), fall: 5, atLeast: 2) == 2)
    }

    @Test("while nobody would hear of it, it looks less often, and as often as ever as soon as somebody would")
    func attendance() async throws {
        let target = try target(fall: 1)
        let looks = Box<[ContinuousClock.Instant]>([])
        let watch = ListenerWatch { places in
            looks.change { $0.append(.now) }
            return places.map { _ in true }
        }
        let pauses = { zip(looks.value, looks.value.dropFirst()).map { $1 - $0 } }
        watch.attendance.isAttended = false
        let task = Task {
            await watch.run([.init(service: 0, check: 0, target: target, checker: FakeService())]) { _, _ in }
        }
        try await reach("five looks") { looks.value.count >= 5 }
        #expect(pauses().allSatisfy { $0 >= ListenerWatch.unattendedInterval - Beat.interval })
        watch.attendance.isAttended = true
        try await reach("a look sooner than that") {
            pauses().contains { $0 < ListenerWatch.unattendedInterval - Beat.interval }
        }
        task.cancel()
        await task.value
    }
}
