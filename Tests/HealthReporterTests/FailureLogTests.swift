import ConfigurationFile
import Logging
import Testing

@testable import HealthReporter

@Suite("FailureLog")
struct FailureLogTests {
    private let lines = Box<[String]>([])
    private var logger: Logger { Logger(label: "test") { [lines] _ in CapturingLog(lines: lines) } }

    @Test("the same failure is logged once a minute with how often it came, another one at once")
    func repeats() {
        let (log, start) = (FailureLog(logger), ContinuousClock.now)
        for tick in 0..<1_000 { log.failed("web", "no count", at: start + .milliseconds(75 * tick)) }
        #expect(lines.value == ["no count ", "no count (800 more times since this was last said) "])
        log.failed("web", "another", at: start + .seconds(80))
        log.failed("dns", "no count", at: start + .seconds(80))
        #expect(lines.value.suffix(2) == ["another ", "no count "])
        log.failed("web", "another", at: start + .seconds(81))
        log.succeeded("web")
        log.failed("web", "another", at: start + .seconds(82))
        #expect(lines.value.count == 5, "what worked in between fails anew")
    }

    @Test("connections that cannot be counted are complained of once, however many ask")
    func counting() async throws {
        struct NoCount: Error {}
        let counter = ConnectionCounter(
            services: try makeCounter([makeService()]) { _ in 0 }.services, failures: FailureLog(logger),
            count: { _ in throw NoCount() })
        for _ in 0..<200 { #expect(await counter.connections(of: "web") == nil) }
        #expect(lines.value.count == 1)
        #expect(lines.value.first?.hasPrefix("cannot count the connections of web: ") == true)
    }

    @Test("the end of a drain that cannot be written is complained of once, however often it is tried")
    func expiry() async throws {
        let folder = Folder()
        let store = try makeStore(in: folder, logger: logger)
        let start = DrainBook.Instant.now
        _ = try await store.ask(for: .drain, ControlRequest(ttlSeconds: 1), at: noon, instant: start)
        folder.fillDisk(for: "admin.json")
        for second in 2..<20 {
            // What is begun is removed with each failure.
            folder.emptyDisk(for: "admin.json")
            folder.fillDisk(for: "admin.json")
            await store.endExpiredDrains(
                at: noon.adding(seconds: Int64(second)), instant: start + .seconds(second))
        }
        #expect(lines.value.count { $0.hasPrefix("the time of the drain is up, and it goes on") } == 1)
    }

    @Test("a new reason of a service that stays down is logged, and only then")
    func reasons() async throws {
        let folder = Folder()
        let store = try makeStore(in: folder, logger: logger)
        await store.record(setupProblems: ["web": ["the VIP is gone"]])
        for _ in 0..<10 { await store.record(setupProblems: ["web": ["another host answers"]]) }
        #expect(
            lines.value.filter { $0.hasPrefix("service web") } == [
                "service web is still down reason=setup: the VIP is gone ",
                "service web is still down reason=setup: another host answers ",
            ])
        await store.record(setupProblems: [:])
        #expect(lines.value.last?.hasPrefix("service web is up ") == true)
    }
}
