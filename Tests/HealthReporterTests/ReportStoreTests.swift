import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("ReportStore")
struct ReportStoreTests {
    let folder = Folder()
    static let check = AgentConfiguration.Check(.tcp, rise: 1, fall: 2)

    /// A store with one service that is up.
    private func storeUp(directors: [String] = []) async throws -> ReportStore {
        let store = try makeStore(in: folder, directors: directors, services: [makeService(checks: [Self.check])])
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        await store.record(connections: 0, of: "web")
        #expect(await store.services[0].state == .up)
        return store
    }

    @Test("a service is down until the setup was verified and its checks pass")
    func beginning() async throws {
        let store = try makeStore(in: folder, services: [makeService(checks: [Self.check])])
        #expect(await store.services[0].reason == "setup not yet verified")
        #expect(await store.readiness.map(\.met) == [false, false])
        await store.record(setupProblems: [:])
        #expect(await store.services[0].state == .down)
        #expect(await store.services[0].reason == "tcp: not checked yet")
        await store.record(outcome(true), service: 0, check: 0)
        #expect(await store.services[0].state == .up)
        #expect(await store.services[0].weight == 100)
        #expect(await store.readiness.map(\.met) == [true, true])
        await store.record(setupProblems: ["web": ["the VIP is gone"], "other": ["x"]])
        #expect(await store.services[0].state == .down)
        #expect(await store.services[0].setup == Report.Setup(problems: ["the VIP is gone"]))
    }

    @Test("a warning is shown and takes no service down, and goes with the next audit without it")
    func warning() async throws {
        let store = try await storeUp()
        await store.record(setupProblems: [:], warnings: ["web": ["another host answers"], "other": ["x"]])
        #expect(await store.services[0].state == .up)
        #expect(await store.services[0].weight == 100)
        #expect(await store.services[0].reason == "")
        #expect(await store.services[0].setup == Report.Setup(problems: [], warnings: ["another host answers"]))
        #expect(await store.services[0].setup.ok)
        await store.record(setupProblems: [:])
        #expect(await store.services[0].setup == Report.Setup(problems: []))
    }

    @Test("what varies all the time is shown and makes no generation")
    func measurements() async throws {
        let store = try await storeUp()
        let before = await store.report(at: noon)
        await store.record(CheckOutcome(ok: true, message: "200", latency: .milliseconds(99)), service: 0, check: 0)
        await store.record(connections: 17, of: "web")
        await store.record(outcome(false), service: 0, check: 0)
        await store.record(setupProblems: [:])
        let after = await store.report(at: noon)
        #expect(after.generation == before.generation)
        #expect(after.services[0].connections == 17)
        #expect(after.services[0].checks[0].latencyMilliseconds == 1)
    }

    @Test("the encoded report is that of the moment, whatever has changed since it was encoded last")
    func encoded() async throws {
        let store = try await storeUp()
        func expectCurrent(_ now: Timestamp = noon, sourceLocation: SourceLocation = #_sourceLocation) async {
            let fresh = await store.report(at: now).json() + [UInt8(ascii: "\n")]
            let body = await store.reportBody(at: now)
            #expect(body == fresh, sourceLocation: sourceLocation)
            // Once more, as it is kept.
            #expect(await store.reportBody(at: now) == fresh, sourceLocation: sourceLocation)
        }
        await expectCurrent()
        await store.record(CheckOutcome(ok: true, message: "200", latency: .milliseconds(99)), service: 0, check: 0)
        await expectCurrent()
        await store.record(connections: ["web": 17])
        await expectCurrent()
        await store.record(setupProblems: ["web": ["x"]])
        await expectCurrent()
        _ = try await store.ask(for: .maint, ControlRequest())
        await expectCurrent()
        _ = await store.announceStop()
        await expectCurrent()
        await expectCurrent(noon.adding(seconds: 1))
        // The clock was set back.
        await expectCurrent(noon.adding(seconds: -1))
    }

    @Test("the body of an unchanged report differs in nothing but the time")
    func unchanged() async throws {
        let store = try await storeUp()
        var later = await store.report(at: noon.adding(seconds: 3_600))
        #expect(later.time == Timestamp("2026-11-22T13:00:00Z"))
        later.time = noon
        #expect(later.json() == (await store.report(at: noon)).json())
    }

    @Test(
        "each change a director or an operator should see makes a generation",
        arguments: [
            { (store: ReportStore) async throws in await store.record(setupProblems: ["web": ["x"]]) },
            { await $0.record(setupProblems: [:], warnings: ["web": ["x"]]) },
            {
                await $0.record(outcome(false), service: 0, check: 0)
                await $0.record(outcome(false), service: 0, check: 0)
            },
            { await $0.record(outcome(true, "204"), service: 0, check: 0) },
            {
                await $0.record(
                    CheckOutcome(ok: true, message: "200", latency: .zero, warning: "x"), service: 0, check: 0)
            },
            { _ = try await $0.ask(for: .drain, ControlRequest()) },
            { _ = try await $0.ask(for: .maint, ControlRequest(services: ["web"])) },
            { _ = await $0.announceStop() },
        ] as [@Sendable (ReportStore) async throws -> Void])
    func generations(change: @Sendable (ReportStore) async throws -> Void) async throws {
        let store = try await storeUp()
        let before = await store.generation
        try await change(store)
        #expect(await store.generation == before + 1)
    }

    @Test("who waits is resumed by a change at once, all of them, and only by a change")
    func longPoll() async throws {
        let store = try await storeUp()
        let generation = await store.generation
        let resumed = Box(0)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<100 {
                tasks.addTask {
                    try await store.wait(since: generation, upTo: .seconds(3_600))
                    resumed.change { $0 += 1 }
                }
            }
            try await eventually("all wait") { await store.waiterCount == 100 }
            await store.record(connections: 5, of: "web")
            #expect(await store.waiterCount == 100)
            await store.record(setupProblems: ["web": ["x"]])
            try await tasks.waitForAll()
        }
        #expect(resumed.value == 100)
        #expect(await store.waiterCount == 0)
    }

    @Test("who has another generation, or no time, does not wait")
    func noWait() async throws {
        let store = try await storeUp()
        let generation = await store.generation
        try await store.wait(since: generation - 1, upTo: .seconds(3_600))
        try await store.wait(since: generation + 1_000, upTo: .seconds(3_600))
        try await store.wait(since: generation, upTo: .zero)
        try await store.wait(since: generation, upTo: .milliseconds(10))
        #expect(await store.waiterCount == 0)
    }

    @Test("who stops waiting leaves nothing behind")
    func cancelled() async throws {
        let store = try await storeUp()
        let generation = await store.generation
        let task = Task { try await store.wait(since: generation, upTo: .seconds(3_600)) }
        try await eventually("it waits") { await store.waiterCount == 1 }
        task.cancel()
        try await task.value
        #expect(await store.waiterCount == 0)
    }

    @Test("more than a thousand that wait are refused, and served again when there is room")
    func tooMany() async throws {
        let store = try await storeUp()
        let generation = await store.generation
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<ReportStore.maximumWaiters {
                tasks.addTask { try await store.wait(since: generation, upTo: .seconds(3_600)) }
            }
            try await eventually("all wait") { await store.waiterCount == ReportStore.maximumWaiters }
            let error = await #expect(throws: ReporterError.self) {
                try await store.wait(since: generation, upTo: .seconds(3_600))
            }
            #expect(error?.kind == .tooManyWaiters)
            await store.close()
            try await tasks.waitForAll()
        }
        try await store.wait(since: generation, upTo: .seconds(3_600))
    }

    @Test("a drain ends when every director knows and no connection is open")
    func drain() async throws {
        let store = try await storeUp(directors: ["10.0.0.1", "10.0.0.2"])
        let start = DrainBook.Instant.now
        await store.record(connections: 2, of: "web")
        let answer = try await store.ask(for: .drain, ControlRequest(reason: "kernel"))
        let generation = await store.generation
        #expect(answer.administered.map(\.generation) == [generation])
        #expect(answer.administered.map(\.waitingFor) == [[address("10.0.0.1"), address("10.0.0.2")]])

        await store.recordPoll(from: address("10.0.0.1"), name: "lb1", since: generation, instant: start)
        await store.record(connections: 0, of: "web")
        #expect(await store.services[0].state == .draining)
        #expect(await store.services[0].reason == "drain: kernel; not yet acknowledged by 10.0.0.2")
        let question = PlainQuestion("/health/web")
        for second in 0..<AskerNotice.plainAnswers {
            #expect(await store.services[0].state == .draining)
            await store.recordTold(
                address("10.0.0.2"), of: ["web"], by: question, instant: start + .seconds(second))
        }
        #expect(await store.services[0].state == .draining, "what they sent before may still be on its way")
        #expect(
            await store.controlAnswer().administered[0].settling == [address("10.0.0.1"), address("10.0.0.2")])
        for second in 4..<4 + DirectorLedger.pollsMore {
            let instant = start + .seconds(second)
            await store.recordTold(address("10.0.0.2"), of: ["web"], by: question, instant: instant)
            await store.recordPoll(from: address("10.0.0.1"), name: "lb1", since: generation, instant: instant)
        }
        #expect(await store.services[0].state == .drained)
        await store.record(connections: 1, of: "web")
        #expect(await store.services[0].state == .draining)

        _ = try await store.undrain(ControlRequest())
        #expect(await store.services[0].state == .up)
        #expect(await store.controlAnswer().administered == [])
    }

    @Test("a drain and the generation survive a restart, and a director that knew need not be told again")
    func restart() async throws {
        var store = try await storeUp(directors: ["10.0.0.1"])
        _ = try await store.ask(for: .drain, ControlRequest(reason: "kernel"))
        let generation = await store.generation
        store = try await {
            let again = try makeStore(
                in: folder, directors: ["10.0.0.1"], services: [makeService(checks: [Self.check])])
            await again.record(setupProblems: [:])
            await again.record(outcome(true), service: 0, check: 0)
            await again.record(connections: 0, of: "web")
            return again
        }()
        #expect(await store.generation > generation)
        #expect(await store.services[0].state == .draining)
        let start = DrainBook.Instant.now
        await store.recordPoll(from: address("10.0.0.1"), name: nil, since: generation, isHeld: true, instant: start)
        #expect(await store.services[0].state == .draining)
        #expect(await store.reviewDrains(at: start + DirectorLedger.heldTime) == ["web"])
        #expect(await store.services[0].state == .drained)
    }

    @Test("a drain that cannot be written is refused and changes nothing")
    func diskFull() async throws {
        let store = try await storeUp()
        let before = await store.report(at: noon)
        folder.fillDisk(for: "admin.json")
        let error = await #expect(throws: ReporterError.self) { try await store.ask(for: .drain, ControlRequest()) }
        #expect(error?.description.contains("No space left on device") == true)
        #expect(await store.report(at: noon) == before)
        #expect(await store.controlAnswer().administered == [])
    }

    @Test("a drain with a limit ends by itself, also when the agent was down at that time")
    func expiry() async throws {
        var store = try await storeUp()
        let start = DrainBook.Instant.now
        let request = ControlRequest(services: ["web"], ttlSeconds: 60)
        _ = try await store.ask(for: .drain, request, at: noon, instant: start)
        #expect(await store.controlAnswer().administered.map(\.until) == [noon.adding(seconds: 60)])
        await store.endExpiredDrains(at: noon.adding(seconds: 59), instant: start + .seconds(59))
        #expect(await store.services[0].state == .drained)

        // Down from second 59 to 61.
        store = try makeStore(
            in: folder, services: [makeService(checks: [Self.check])], now: noon.adding(seconds: 61),
            instant: start + .seconds(61))
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        folder.fillDisk(for: "admin.json")
        await store.endExpiredDrains(at: noon.adding(seconds: 61), instant: start + .seconds(61))
        #expect(await store.services[0].state == .draining, "it goes on while its end cannot be written")
        await store.endExpiredDrains(at: noon.adding(seconds: 62), instant: start + .seconds(62))
        #expect(await store.services[0].state == .up)
    }

    @Test("a name that no service has changes nothing, and those there are get named")
    func unknown() async throws {
        let store = try makeStore(in: folder, services: [makeService("web"), makeService("dns", port: 53)])
        let error = await #expect(throws: ReporterError.self) {
            try await store.ask(for: .drain, ControlRequest(services: ["web", "wbe"]))
        }
        #expect(error?.kind == .unknownService)
        #expect(error?.description.contains("wbe") == true)
        #expect(error?.cure == "known are web, dns")
        #expect(await store.controlAnswer().administered == [])
    }

    @Test("a stopping agent asks for no connections, and writes nothing about it")
    func stopping() async throws {
        let store = try await storeUp(directors: ["10.0.0.1"])
        let start = DrainBook.Instant.now
        await store.recordPoll(
            from: address("10.0.0.1"), name: nil, since: await store.generation, at: noon, instant: start)
        let generation = await store.announceStop()
        #expect(await store.services[0].state == .draining)
        #expect(await store.services[0].reason == "agent stopping")
        #expect(await store.directorsToAwait(generation: generation, at: start) == [address("10.0.0.1")])
        #expect(await store.directorsToAwait(generation: generation, at: start + .seconds(3)) == [], "it asks no more")
        await store.recordPoll(from: address("10.0.0.1"), name: nil, since: generation, at: noon, instant: start)
        #expect(await store.directorsToAwait(generation: generation, at: start) == [])
        #expect(try folder.file("admin.json").read() == nil)
    }

    @Test("a stop waits for a director only as far as the services go that it asks about")
    func stoppingForSome() async throws {
        let (one, question) = (address("10.0.0.1"), PlainQuestion("/health/web"))
        let store = try makeStore(
            in: folder, directors: ["10.0.0.1"], services: [makeService("web"), makeService("dns", port: 53)])
        let start = DrainBook.Instant.now
        let generation = await store.announceStop()
        for second in 0..<AskerNotice.plainAnswers {
            await store.recordTold(one, of: ["web"], by: question, instant: start + .seconds(second))
            let isLast = second == AskerNotice.plainAnswers - 1
            #expect(
                await store.directorsToAwait(generation: generation, at: start + .seconds(second))
                    == (isLast ? [] : [one]))
        }
    }
}
