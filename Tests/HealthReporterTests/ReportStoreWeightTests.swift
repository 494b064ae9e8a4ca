import ConfigurationFile
import Logging
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("ReportStore: weight")
struct ReportStoreWeightTests {
    let folder = Folder()
    static let check = AgentConfiguration.Check(.tcp, rise: 1, fall: 1)

    private func service(
        weight: Int = 100, load: AgentConfiguration.LoadRules? = nil, slowStart: Duration = .zero
    ) -> AgentConfiguration.Service {
        var service = makeService(checks: [Self.check])
        (service.weight, service.load, service.slowStart) = (weight, load, slowStart)
        return service
    }

    /// A store with one service that is up.
    private func storeUp(_ service: AgentConfiguration.Service, logger: Logger = silent) async throws -> ReportStore {
        let store = try makeStore(in: folder, services: [service], logger: logger)
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        #expect(await store.services[0].state == .up)
        return store
    }

    private func told(_ store: ReportStore) async -> String {
        let service = await store.services[0]
        return "\(service.state.rawValue) \(service.weight)/\(service.baseWeight) \(service.reason)"
    }

    @Test("the weight follows the load with its reason, and only a change of it makes a generation")
    func load() async throws {
        let lines = Box<[String]>([])
        let rules = AgentConfiguration.LoadRules(cpu: 0.8, connections: 10, smoothing: .zero)
        let store = try await storeUp(
            service(load: rules), logger: Logger(label: "test") { _ in CapturingLog(lines: lines) })
        await store.record(load: [.cpu: .figure(0.85)])
        #expect(await told(store) == "up 75/100 cpu 0.85")
        #expect(lines.value.contains("the weight of web is 75 reason=cpu 0.85 was=100 "))
        let generation = await store.generation
        for figure in [0.851, 0.852, 0.849, 0.853] { await store.record(load: [.cpu: .figure(figure)]) }
        #expect(await told(store) == "up 75/100 cpu 0.85")
        #expect(await store.generation == generation)
        await store.record(connections: 18, of: "web")
        #expect(await store.generation == generation, "it counts with the next look")
        await store.record(load: [.cpu: .figure(0.85)])
        #expect(await told(store) == "up 21/100 connections 18")
        #expect(await store.generation == generation + 1)

        await store.record(outcome(false), service: 0, check: 0)
        #expect(await told(store).hasPrefix("down 0/100 tcp"))
        await store.record(outcome(true), service: 0, check: 0)
        #expect(await told(store) == "up 21/100 connections 18")
    }

    @Test("a command's figure counts once, with the next look")
    func command() async throws {
        let rules = AgentConfiguration.LoadRules(command: .init(["/x"], full: 1), smoothing: .zero)
        let store = try await storeUp(service(load: rules))
        await store.record(commandFigure: .figure(1.5), service: 0)
        #expect(await told(store) == "up 100/100 ")
        await store.record(load: [:])
        #expect(await told(store) == "up 51/100 command 1.50")
        await store.record(load: [:])
        #expect(await store.services[0].setup.warnings == [])
        await store.record(load: [:], at: .now + WeightGovernor.patience)
        #expect(await store.services[0].setup.warnings.count == 1)
    }

    @Test("a measure that cannot be read is a warning, beside those of the setup, and told to the log once")
    func warning() async throws {
        let lines = Box<[String]>([])
        let store = try await storeUp(
            service(load: AgentConfiguration.LoadRules(cpuPressure: 0.5)),
            logger: Logger(label: "test") { _ in CapturingLog(lines: lines) })
        await store.record(setupProblems: [:], warnings: ["web": ["another host answers"]])
        let generation = await store.generation
        for _ in 0..<3 { await store.record(load: [.cpuPressure: .unreadable("there is no x")]) }
        let warning = "the weight does not follow cpu pressure: there is no x"
        #expect(await store.services[0].setup.warnings == ["another host answers", warning])
        #expect(await store.services[0].setup.ok)
        #expect(await store.generation == generation + 1)
        #expect(lines.value.count { $0.contains(warning) } == 1)
    }

    @Test("a service starts slowly when it comes up, and after undrain and maint")
    func slowStart() async throws {
        let store = try await storeUp(service(slowStart: .seconds(3_600)))
        #expect(await told(store) == "up 5/100 slow start 5%")
        await store.record(load: [:], at: .now + .seconds(1_900))
        #expect(await told(store) == "up 50/100 slow start 50%")
        await store.record(load: [:], at: .now + .seconds(3_600))
        #expect(await told(store) == "up 100/100 ")
        for mode in [AdminMode.drain, .maint] {
            _ = try await store.ask(for: mode, ControlRequest())
            #expect(await store.services[0].weight == 0)
            _ = try await store.undrain(ControlRequest())
            #expect(await told(store) == "up 5/100 slow start 5%")
            await store.record(load: [:], at: .now + .seconds(3_600))
        }
        await store.record(outcome(true, "204"), service: 0, check: 0)
        #expect(await told(store) == "up 100/100 ", "what changes while it is up is no start")
        await store.record(outcome(false), service: 0, check: 0)
        await store.record(outcome(true), service: 0, check: 0)
        #expect(await told(store) == "up 5/100 slow start 5%")
    }

    @Test(
        "a restart of the agent sends nothing that is up through a slow start, however the agent ended",
        arguments: [true, false])
    func agentRestart(isKilled: Bool) async throws {
        let slow = service(slowStart: .seconds(3_600))
        var store = try await storeUp(slow)
        await store.keepWarmServices()
        #expect(try WarmServices.load(from: folder.file("warm.json"))?.services == [], "it is still starting")
        await store.record(load: [:], at: .now + .seconds(3_600))
        await store.keepWarmServices()
        if !isKilled {
            _ = await store.announceStop()
            await store.keepWarmServices()
            await store.keepWarmServices(isEnding: true)
        }
        #expect((try WarmServices.load(from: folder.file("warm.json"))?.stopped == nil) == isKilled)
        store = try await storeUp(slow)
        #expect(await told(store) == "up 100/100 ")
    }

    @Test("what was not up when the agent ended, or is not up any more, starts slowly")
    func notWarm() async throws {
        let slow = service(slowStart: .seconds(3_600))
        try folder.file("warm.json").write(WarmServices(boot: somebody.boot, services: ["web"]).content)
        var store = try makeStore(in: folder, services: [slow])
        await store.record(setupProblems: [:])
        await store.record(outcome(false), service: 0, check: 0)
        await store.record(outcome(true), service: 0, check: 0)
        #expect(await told(store) == "up 5/100 slow start 5%", "it was found to be down first")

        store = try makeStore(in: folder, services: [slow])
        await store.record(setupProblems: ["web": ["the VIP is gone"]])
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        #expect(await told(store) == "up 5/100 slow start 5%", "no traffic came here")

        store = try makeStore(in: folder, services: [slow])
        _ = try await store.ask(for: .drain, ControlRequest())
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        _ = try await store.undrain(ControlRequest())
        #expect(await told(store) == "up 5/100 slow start 5%", "it was drained")

        // Up to here nothing has been put on record: the file is as it was.
        for (services, boot) in [(["dns"], somebody.boot), (["web"], "another boot")] {
            try folder.file("warm.json").write(WarmServices(boot: boot, services: services).content)
            store = try await storeUp(slow)
            #expect(await told(store) == "up 5/100 slow start 5%")
        }
    }

    @Test("an agent that was away for long, or in another boot, knows nothing of how warm services are")
    func absence() {
        var record = WarmServices(boot: "a", services: ["web"])
        #expect(record.warm(inBoot: "a", uptime: 1_000_000) == ["web"])
        #expect(record.warm(inBoot: "b", uptime: 5) == [])
        record.stopped = 100
        #expect(record.warm(inBoot: "a", uptime: 160) == ["web"])
        #expect(record.warm(inBoot: "a", uptime: 161) == [])
    }

    @Test(
        "a record of warm services that is damaged, or cannot be written, is told, and costs no more than a slow start")
    func damagedRecord() async throws {
        let lines = Box<[String]>([])
        let logger = Logger(label: "test") { _ in CapturingLog(lines: lines) }
        try folder.write("{", to: "warm.json")
        let store = try await storeUp(service(slowStart: .seconds(3_600)), logger: logger)
        #expect(lines.value.count { $0.contains("\(folder.path)/warm.json") } == 1)
        #expect(await store.services[0].weight == 5)
        folder.fillDisk(for: "warm.json")
        for _ in 0..<3 { await store.keepWarmServices() }
        #expect(lines.value.count { $0.contains("No space left on device") } == 1, "once, not each second")
        folder.emptyDisk(for: "warm.json")
        await store.keepWarmServices()
        #expect(try WarmServices.load(from: folder.file("warm.json"))?.services == [])
    }

    @Test("where no service starts slowly, nothing is put on record")
    func noRecord() async throws {
        let store = try await storeUp(service())
        await store.keepWarmServices(isEnding: true)
        #expect(try WarmServices.load(from: folder.file("warm.json")) == nil)
    }

    @Test("a weight by hand is exact: no load, no slow start, no base weight; auto gives it back")
    func byHand() async throws {
        let rules = AgentConfiguration.LoadRules(cpu: 0.8, ceiling: 50, smoothing: .zero)
        let store = try await storeUp(service(load: rules, slowStart: .seconds(3_600)))
        for weight in [65_535, 3, 0] {
            let before = await store.generation
            let answer = try await store.setWeight(WeightRequest(service: "web", weight: weight), at: noon)
            #expect(answer.weights == [WeightByHand(name: "web", weight: weight, since: noon)])
            #expect(await told(store) == "up \(weight)/100 weight \(weight) by hand")
            #expect(await store.generation == before + 1)
            await store.record(load: [.cpu: .figure(1)])
            #expect(await told(store) == "up \(weight)/100 weight \(weight) by hand")
        }
        let generation = await store.generation
        let again = try await store.setWeight(
            WeightRequest(service: "web", weight: 0), at: noon.adding(seconds: 60))
        #expect(again.weights.map(\.since) == [noon])
        #expect(await store.generation == generation)
        await store.record(load: [.cpu: .figure(1)], at: .now + .seconds(3_600))
        #expect(try await store.setWeight(WeightRequest(service: "web", weight: nil)).weights == [])
        #expect(await told(store) == "up 1/100 cpu 1.00", "load and slow start have gone on meanwhile")
    }

    @Test("a weight by hand outlives a drain, and a restart; a drained service reports 0 all the same")
    func byHandSurvives() async throws {
        var store = try await storeUp(service())
        _ = try await store.setWeight(WeightRequest(service: "web", weight: 7))
        _ = try await store.ask(for: .drain, ControlRequest())
        #expect(await store.services[0].weight == 0)
        store = try await storeUpDrained()
        #expect(await store.services[0].weight == 0)
        _ = try await store.undrain(ControlRequest())
        #expect(await told(store) == "up 7/100 weight 7 by hand")
        #expect(await store.controlAnswer().weights.map(\.weight) == [7])
    }

    private func storeUpDrained() async throws -> ReportStore {
        let store = try makeStore(in: folder, services: [service()])
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        return store
    }

    @Test("a weight that cannot be written, or is for nobody, is refused and changes nothing")
    func refused() async throws {
        let store = try await storeUp(service())
        let before = await store.report(at: noon)
        let unknown = await #expect(throws: ReporterError.self) {
            try await store.setWeight(WeightRequest(service: "wbe", weight: 1))
        }
        #expect(unknown?.kind == .unknownService)
        folder.fillDisk(for: "admin.json")
        let full = await #expect(throws: ReporterError.self) {
            try await store.setWeight(WeightRequest(service: "web", weight: 1))
        }
        #expect(full?.cause == "No space left on device")
        #expect(await store.report(at: noon) == before)
        #expect(await store.controlAnswer().weights == [])
    }
}

@Suite("AdminState: weights")
struct AdminStateWeightTests {
    let folder = Folder()

    @Test("weights are read back beside drains, and a file without them is as it was before there were any")
    func roundTrip() throws {
        let file = folder.file("admin.json")
        try file.write(AdminState().content)
        #expect(try file.read() == Array("{\"services\":{},\"version\":1}\n".utf8))
        let state = AdminState().asking(
            for: .drain, of: ["web"], reason: "", until: nil, now: noon, generation: 9
        ).weighing("web", 0, now: noon).weighing("gone", 5, now: noon)
        try file.write(state.content)
        #expect(try AdminState.load(from: file) == state)
        #expect(state.withdrawing(["web"]).weights == state.weights)
        #expect(state.weighing("web", nil, now: noon).weights.keys.sorted() == ["gone"])
    }

    @Test(
        "a damaged weight stops the start",
        arguments: ["65536", "-1", "1.5", "null", "\"auto\""])
    func damaged(weight: String) throws {
        let entry = #"{"name":"web","weight":\#(weight),"since":"2026-11-22T12:00:00Z"}"#
        try folder.write(#"{"version":1,"services":{},"weights":[\#(entry)]}"#, to: "admin.json")
        let error = #expect(throws: ReporterError.self) { try makeStore(in: self.folder) }
        #expect(error?.kind == .storage)
    }
}
