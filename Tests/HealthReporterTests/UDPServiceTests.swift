import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Services of UDP")
struct UDPServiceTests {
    let folder = Folder()
    static let director = address("10.0.0.1")
    static let start = DrainBook.Instant.now

    static func dns(settle: Duration = .seconds(5)) -> AgentConfiguration.Service {
        AgentConfiguration.Service(
            name: "dns", vips: [address("127.0.0.1")], ports: [53], transport: .udp, drainSettle: settle)
    }

    private func store(_ services: [AgentConfiguration.Service], directors: [String] = []) async throws -> ReportStore {
        let store = try makeStore(in: folder, directors: directors, services: services, instant: Self.start)
        await store.record(setupProblems: [:])
        return store
    }

    private func state(_ store: ReportStore, at time: Duration) async -> ServiceState {
        _ = await store.reviewDrains(at: Self.start + time)
        return await store.services[0].state
    }

    @Test("the report says udp, and nothing of connections")
    func report() async throws {
        let store = try await store([Self.dns()])
        let json = String(decoding: await store.report().json(), as: UTF8.self)
        #expect(json.contains(#""protocol":"udp""#) && !json.contains(#""connections""#), "\(json)")
        #expect(try Report(json: Array(json.utf8)).services[0].transport == .udp)
        #expect(await store.services[0].state == .up)
    }

    @Test("a drain is over when every director acts on it and drain_settle has passed, not before")
    func drain() async throws {
        let store = try await store([Self.dns()], directors: ["10.0.0.1"])
        _ = try await store.ask(for: .drain, ControlRequest(), instant: Self.start)
        #expect(await state(store, at: .seconds(60)) == .draining, "the director does not know")
        #expect(await store.controlAnswer().administered[0].secondsLeft == 5)
        #expect(await store.services[0].reason.hasSuffix("; UDP has no connections to count"))
        let generation = await store.generation
        for second in [60, 61, 62] {
            await store.recordPoll(
                from: Self.director, name: nil, since: generation, instant: Self.start + .seconds(second))
        }
        #expect(await state(store, at: .milliseconds(66_900)) == .draining)
        #expect(await store.controlAnswer().administered[0].secondsLeft == 1)
        #expect(await state(store, at: .seconds(67)) == .drained)
        #expect(await store.controlAnswer().administered[0].secondsLeft == nil)

        _ = try await store.undrain(ControlRequest(), instant: Self.start + .seconds(70))
        _ = try await store.ask(for: .drain, ControlRequest(), instant: Self.start + .seconds(70))
        #expect(await state(store, at: .seconds(71)) == .draining, "another drain begins anew")
    }

    @Test("without directors, and after a restart of the agent, the time begins at once; 0 s is none")
    func settle() async throws {
        _ = try await store([Self.dns()]).ask(for: .drain, ControlRequest())
        let restarted = try await store([Self.dns()])
        #expect(await restarted.services[0].state == .draining)
        #expect(await state(restarted, at: .zero) == .draining)
        #expect(await state(restarted, at: .seconds(5)) == .drained)
        let atOnce = try await store([Self.dns(settle: .zero)])
        #expect(await state(atOnce, at: .zero) == .drained)
    }

    @Test("a stop leaves what is under way drain_settle, but not where that is over already")
    func stop() async throws {
        let store = try await store([Self.dns()])
        #expect(await store.timeToLeave == .zero)
        _ = await store.announceStop()
        #expect(await store.timeToLeave == .seconds(5))
        _ = try await store.ask(for: .drain, ControlRequest(), instant: Self.start)
        #expect(await state(store, at: .seconds(5)) == .drained)
        #expect(await store.timeToLeave == .zero)
    }

    @Test("neither counted nor watched nor cut: connections of TCP to the same port are none of its own")
    func connections() async throws {
        let services = [Self.dns(), makeService("dns-tcp", port: 53)]
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder, services: services), listen: [], identity: somebody,
            countConnections: { $0.map { _ in 7 } },
            drainTools: DrainTools(list: { _, _ in [] }, cut: { _ in 7 }, arrivals: { _ in [] }), logger: silent)
        #expect(reporter.connections.services.map(\.name) == ["dns-tcp"])
        #expect(try await reporter.connections.cut("dns") == 0)
        #expect(try await reporter.connections.cut("dns-tcp") == 7)
        #expect(await reporter.connections.connections(of: "dns") == nil)
    }

    @Test("the wait says that there is nothing to count, and ends with drain_settle")
    func wait() async throws {
        let clock = DrainWaitTests.StepClock()
        let steps = Box<[DrainWait.Progress]>([])
        let wait = DrainWait(for: DrainWaitTests.answer(directors: [Self.director]), timeout: .seconds(60))
        let result = try await wait.run(
            clock: clock, progress: { step, _, _ in steps.change { if $0.last != step { $0.append(step) } } }
        ) { _ throws(ReporterError) in
            var administered = DrainWaitTests.drained(told: [Self.director], of: [Self.director])
            administered[0].secondsLeft = clock.elapsed.value < .seconds(5) ? 5 : nil
            return DrainWait.Sample(administered: administered, connections: [:], withoutConnections: ["web"])
        } cut: { _ throws(ReporterError) in
            0
        }
        #expect(result.outcome == .drained)
        #expect(clock.elapsed.value >= .milliseconds(5_500) && clock.elapsed.value < .seconds(6))
        #expect(steps.value == [.nothingToCount(["web"]), .leaving(["web"]), .holding, .done(.drained)])
        #expect("\(steps.value[0])".contains("UDP has no connections to count"))
    }

    @Test("on a terminal what is said once stays")
    func stays() {
        var text = DrainProgressText(terminalWidth: 200)
        #expect(text.text(for: .nothingToCount(["dns"]), after: .zero).hasSuffix("\n"))
        #expect(!text.text(for: .leaving(["dns"]), after: .zero).hasSuffix("\n"))
    }

    @Test("status shows that there are none, not that they are unknown")
    func status() {
        var report = ReportTests.report
        report.services[0].transport = .udp
        report.services[0].connections = nil
        let control = ControlAnswer(generation: 42, directors: [], administered: [])
        let text = StatusTable(report: report, control: control, isColoured: false).text
        #expect(text.contains("87/100  -            192.0.2.10 udp 80 dr"), "\(text)")
    }
}
