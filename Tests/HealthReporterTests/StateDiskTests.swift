import ConfigurationFile
import Logging
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("A disk that hangs or is full")
struct StateDiskTests {
    let folder = Folder()

    private func storeUp(
        _ names: [String] = ["web"], directors: [String] = [], logger: Logger = silent
    ) async throws -> ReportStore {
        let store = try makeStore(
            in: folder, directors: directors, services: names.map { makeService($0) }, logger: logger)
        await store.record(setupProblems: [:])
        await store.record(connections: Dictionary(uniqueKeysWithValues: names.map { ($0, 0) }))
        return store
    }

    @Test("what is written is written in order, and who asks for it gets what came of it")
    func order() async throws {
        let (disk, done) = (StateDisk(), Box<[Int]>([]))
        let hung = try await HungDisk(disk)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<50 {
                tasks.addTask {
                    try await disk.perform("x") { () throws(ReporterError) in done.change { $0.append(number) } }
                }
                try await eventually("it waits its turn") { disk.waitingCount == number + 1 }
            }
            #expect(done.value == [])
            try await hung.end()
            try await tasks.waitForAll()
        }
        #expect(done.value == Array(0..<50))
        let error = await #expect(throws: ReporterError.self) {
            try await disk.write([1], to: StateFile("x", in: "\(folder.path)/missing"))
        }
        #expect(error?.description.contains("\(folder.path)/missing/x: No such file or directory") == true)
        #expect(disk.stalled(at: .now + .seconds(3_600)) == nil, "nothing is under way")
    }

    @Test("while the disk hangs everything is answered and checked, and a drain is answered once it is on the disk")
    func answers() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let agent = try await HealthReporterTests().start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        let hung = try await HungDisk(agent.reporter.store.disk)
        let drain = Task { try await agent.reporter.store.ask(for: .drain, ControlRequest()) }
        try await eventually("the drain is under way") { await agent.reporter.store.counter.isHeld }
        #expect(try await agent.get("/livez").status == 200)
        #expect(try await agent.get("/health/web").status == 200, "it is not drained yet")
        #expect(try await agent.report().services[0].state == .up)
        #expect(try await agent.control.directors().administered == [])
        try await server.stop()
        try await eventually("the check is heard of") { try await agent.get("/health/web").status == 503 }
        #expect(try folder.file("admin.json").read() == nil)
        try await hung.end()
        let generation = try #require(try await drain.value.administered.first).generation
        #expect(try await agent.report().generation >= generation)
        #expect(try AdminState.load(from: folder.file("admin.json")).services["web"]?.generation == generation)
        try await agent.stop()
    }

    @Test("changes that wait for the disk are made in the order they were asked for, each on the one before")
    func changes() async throws {
        let store = try await storeUp(["web", "dns"])
        let hung = try await HungDisk(store.disk)
        let drain = Task { try await store.ask(for: .drain, ControlRequest(services: ["web"])) }
        try await eventually("the first is under way") { await store.counter.isHeld }
        let maint = Task { try await store.ask(for: .maint, ControlRequest(services: ["dns"])) }
        try await eventually("the second waits") { await store.changes.waitingCount == 1 }
        let undrain = Task { try await store.undrain(ControlRequest(services: ["web"])) }
        try await eventually("the third waits") { await store.changes.waitingCount == 2 }
        #expect(await store.admin == AdminState())
        try await hung.end()
        #expect(try await drain.value.administered.map(\.name) == ["web"])
        #expect(try await maint.value.administered.map(\.name) == ["dns"])
        #expect(try await undrain.value.administered == [])
        #expect(await store.admin.services.keys.sorted() == ["dns"])
        #expect(try AdminState.load(from: folder.file("admin.json")) == (await store.admin))
        #expect(await store.changes.waitingCount == 0)
    }

    @Test("nobody knows of a drain who saw what else changed while it was written")
    func generation() async throws {
        let store = try await storeUp(directors: ["10.0.0.1"])
        let before = await store.generation
        let hung = try await HungDisk(store.disk)
        let drain = Task { try await store.ask(for: .drain, ControlRequest()) }
        try await eventually("it is under way") { await store.counter.isHeld }
        await store.record(setupProblems: ["web": ["x"]])
        let report = await store.report(at: noon)
        #expect(report.services[0].setup.problems == ["x"], "what is told is true")
        #expect(report.generation == before)
        await store.recordPoll(from: address("10.0.0.1"), name: nil, since: report.generation)
        // It may not have the latest report: it is not held for long.
        try await store.wait(since: report.generation, upTo: .seconds(3_600))
        try await hung.end()
        let administered = try #require(try await drain.value.administered.first)
        #expect(administered.generation == before + 1)
        #expect(administered.waitingFor == [address("10.0.0.1")])
        #expect(await store.generation == before + 1)
    }

    @Test("a change that could not be written leaves everything as it was, and what else changed is told")
    func full() async throws {
        let store = try await storeUp()
        let before = await store.generation
        let hung = try await HungDisk(store.disk)
        folder.fillDisk(for: "admin.json")
        let drain = Task { try await store.ask(for: .drain, ControlRequest()) }
        try await eventually("it is under way") { await store.counter.isHeld }
        await store.record(setupProblems: ["web": ["x"]])
        try await hung.end()
        let error = await #expect(throws: ReporterError.self) { try await drain.value }
        #expect(error?.cause == "No space left on device")
        #expect(await store.admin == AdminState())
        #expect(await store.services[0].reason == "setup: x")
        #expect(await store.generation == before + 1)
        folder.emptyDisk(for: "admin.json")
        #expect(try await store.ask(for: .drain, ControlRequest()).administered.map(\.generation) == [before + 2])
    }

    @Test(
        "no generation is given that a restart might give again, and what is told is true all the same",
        .timeLimit(.minutes(1)))
    func exhausted() async throws {
        let lines = Box<[String]>([])
        let store = try await storeUp(logger: Logger(label: "test") { _ in CapturingLog(lines: lines) })
        folder.block("generation")
        func onDisk() throws -> UInt64 {
            let bytes = try #require(try folder.file("generation").read())
            return try #require(UInt64(String(decoding: bytes, as: UTF8.self).dropLast()))
        }
        for number in 0..<2 * GenerationCounter.block {
            await store.record(setupProblems: ["web": ["\(number)"]])
            let report = await store.report(at: noon)
            #expect(report.services[0].setup.problems == ["\(number)"])
            // The disk may just be refusing another block.
            if number % 64 == 0 { #expect(try report.generation <= onDisk()) }
        }
        let last = await store.generation
        #expect(try last == onDisk())
        #expect(await store.counter.isOwed)
        #expect(await store.announceStop() > last, "nobody has seen what says it")
        // Who has that generation may have an older report: it waits only as long as keeps it from asking in a tight loop.
        try await store.wait(since: last, upTo: .seconds(3_600))
        try await eventually("the log says so") { lines.value.contains { $0.contains("Is a directory") } }
        // As often as the disk refused; in the log it is one line.
        #expect(lines.value.count { $0.contains("Is a directory") } == 1)
        await #expect(throws: ReporterError.self) { try await store.ask(for: .drain, ControlRequest()) }

        folder.unblock("generation")
        try await eventually("what was owed is given") {
            await store.reviewConditions()
            return await store.generation > last
        }
        #expect(await store.generation == last + 1)
        #expect(try onDisk() >= last + 1)
        _ = try await store.ask(for: .drain, ControlRequest())
    }

    @Test("a disk that hangs is told of in the report and once in the log, and refuses what would have to wait for it")
    func stalled() async throws {
        let lines = Box<[String]>([])
        let store = try await storeUp(logger: Logger(label: "test") { _ in CapturingLog(lines: lines) })
        let hung = try await HungDisk(store.disk)
        await store.reviewConditions()
        #expect(await store.report().warnings == [], "it may only be busy")
        let later = ContinuousClock.now + StateDisk.patience + .seconds(1)
        let before = await store.generation
        for second in 0..<5 { await store.reviewConditions(at: later + .seconds(second)) }
        #expect(await store.report().warnings == ["cannot write nothing: the disk does not answer"])
        #expect(await store.generation == before + 1)
        #expect(lines.value.count { $0.contains("the disk does not answer") } == 1)
        let error = await #expect(throws: ReporterError.self) {
            try await store.ask(for: .drain, ControlRequest(), instant: later)
        }
        #expect(error?.description.hasPrefix("cannot write nothing: the disk does not answer; see") == true)
        try await hung.end()
        await store.reviewConditions(at: later)
        #expect(await store.report().warnings == [])
    }

    @Test("an agent stops although the disk hangs", .timeLimit(.minutes(2)))
    func stop() async throws {
        var service = makeService()
        service.slowStart = .seconds(3_600)
        let agent = try await GuardedAgent(directors: [], services: [service])
        let hung = try await HungDisk(agent.reporter.store.disk)
        try await agent.stop()
        try await hung.end()
    }
}
