import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

@Suite("status --watch")
struct StatusWatchTests {
    @Test("a frame draws over the last one and never scrolls")
    func frame() {
        #expect(StatusWatch.Screen.frame("a\nb\n", rows: 24) == "\u{1B}[Ha\u{1B}[K\r\nb\u{1B}[K\u{1B}[J")
        let long = StatusWatch.Screen.frame("1\n2\n3\n4\n5\n", rows: 3)
        #expect(long == "\u{1B}[H1\u{1B}[K\r\n2\u{1B}[K\r\n… 3 more lines\u{1B}[K\u{1B}[J")
        #expect(!StatusWatch.Screen.frame("1\n2\n", rows: 0).contains("\n"))
    }

    @Test("it follows changes and restarts, waits while no agent runs, and puts the terminal back")
    func follows() async throws {
        let folder = Folder()
        let seen = Box<[String]>([])
        let watch = StatusWatch(
            ControlClient(socket: "\(folder.path)/control.sock"), style: .screen(isColoured: false, rows: { 50 })
        ) { text in seen.change { $0.append(text) } }
        let task = Task { try await watch.run() }
        try await eventually("it waits") { seen.value.last?.contains("rsagent is not running") == true }
        #expect(seen.value.first == StatusWatch.Screen.opening)
        for _ in 0..<2 {
            let reporter = try HealthReporter(
                configuration: makeConfiguration(in: folder), listen: [], identity: somebody,
                countConnections: { $0.map { _ in 0 } }, logger: silent)
            let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
            let agent = Task.detached { try await group.run() }
            _ = try await reporter.waitUntilListening()
            await reporter.report(setupProblems: [:])
            try await eventually("it is up") { seen.value.last?.contains("web      up ") == true }
            // Drawn again though nothing changes: the header's time goes on.
            let frames = seen.value.count
            try await eventually("it is drawn again") { seen.value.count >= frames + 2 }
            await reporter.report(setupProblems: ["web": ["the VIP is gone"]])
            try await eventually("the change is seen") { seen.value.last?.contains("the VIP is gone") == true }
            await group.triggerGracefulShutdown()
            try await agent.value
            try await eventually("it waits again") { seen.value.last?.contains("waiting") == true }
        }
        task.cancel()
        try await task.value
        #expect(seen.value.last == StatusWatch.Screen.closing)
    }

    @Test("what is not a terminal gets a table for each change and nothing else")
    func plain() async throws {
        let folder = Folder()
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder), listen: [], identity: somebody,
            countConnections: { $0.map { _ in 0 } }, logger: silent)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
        let agent = Task.detached { try await group.run() }
        _ = try await reporter.waitUntilListening()
        let client = ControlClient(socket: "\(folder.path)/control.sock")
        let (tables, lines) = (Box<[String]>([]), Box<[String]>([]))
        let watches = [
            Task { try await StatusWatch(client, style: .tables) { text in tables.change { $0.append(text) } }.run() },
            Task { try await StatusWatch(client, style: .json) { text in lines.change { $0.append(text) } }.run() },
        ]
        try await eventually("the first") { tables.value.count == 1 && lines.value.count == 1 }
        await reporter.report(setupProblems: [:])
        try await eventually("the second") { tables.value.count == 2 && lines.value.count == 2 }
        #expect(!tables.value.joined().contains("\u{1B}"))
        #expect(try Report(json: Array(lines.value[1].utf8)).services[0].state == .up)
        for watch in watches {
            watch.cancel()
            try await watch.value
        }
        await group.triggerGracefulShutdown()
        try await agent.value
    }
}

@Suite("An agent that misses a director")
struct SilentDirectorTests {
    @Test("a director that falls silent is a warning in the report and in status, until it asks")
    func warning() async throws {
        let folder = Folder()
        let start = ContinuousClock.now
        let store = try makeStore(in: folder, directors: ["10.0.0.1"], instant: start)
        let generation = await store.generation
        #expect(await store.report().warnings == [])
        await store.reviewDirectors(at: start + .seconds(60))
        #expect(await store.report().warnings == ["director 10.0.0.1 is silent: it has not asked yet"])
        #expect(await store.generation > generation, "an operator who watches should see it")
        await store.recordPoll(from: address("10.0.0.1"), name: nil, since: nil, instant: start + .seconds(61))
        await store.reviewDirectors(at: start + .seconds(62))
        #expect(await store.report().warnings == [])
        await store.reviewDirectors(at: start + .seconds(600))
        #expect(await store.report().warnings == ["director 10.0.0.1 is silent: it no longer asks"])
        let table = StatusTable(
            report: await store.report(), control: await store.controlAnswer(), isColoured: false)
        #expect(table.text.contains("warning  director 10.0.0.1 is silent: it no longer asks\n"))
    }

    @Test("a report of an agent that knows no such warnings is read")
    func oldReport() throws {
        let json = String(decoding: ReportTests.report.json(), as: UTF8.self)
        #expect(json.contains(#","warnings":[]}"#))
        let old = json.replacing(#","warnings":[]}"#, with: "}", maxReplacements: 10)
        #expect(try Report(json: Array(old.utf8)) == ReportTests.report)
    }
}
