import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("The proof of a drain")
struct DrainProofTests {
    let folder = Folder()
    static let one = address("10.0.0.1")
    static let start = DirectorLedger.Instant.now

    private func drained() -> DirectorLedger {
        var ledger = DirectorLedger(directors: [Self.one])
        ledger.follow(["web": 9])
        return ledger
    }

    private func isSettled(_ ledger: DirectorLedger, at time: Duration) -> Bool {
        ledger.uninformed(of: "web", generation: 9).isEmpty
            && ledger.unsettled(of: "web", at: Self.start + time).isEmpty
    }

    @Test("a director that asks at intervals is waited for until it has asked twice more")
    func interval() {
        var ledger = drained()
        for second in 0..<6 {
            #expect(!isSettled(ledger, at: .seconds(second)), "after \(second) answers")
            ledger.tell(Self.one, second: Double(second))
        }
        #expect(isSettled(ledger, at: .seconds(5)))
    }

    @Test("questions about another service are none about this one")
    func otherService() {
        var ledger = drained()
        for second in 0..<4 { ledger.tell(Self.one, second: Double(second)) }
        for second in 4..<9 { ledger.tell(Self.one, of: ["dns"], second: Double(second)) }
        #expect(!isSettled(ledger, at: .seconds(9)))
    }

    @Test("one that asks seldom is waited for no longer than ten seconds more, also when it asks no more")
    func seldom() {
        var ledger = drained()
        ledger.tell(Self.one, second: 0)
        ledger.tell(Self.one, second: 60)
        #expect(!isSettled(ledger, at: .seconds(69)))
        #expect(isSettled(ledger, at: .seconds(70)))
    }

    @Test("one whose poll is held is not waited for until that ends: a second stands for two polls")
    func held() {
        var ledger = drained()
        ledger.poll(
            from: Self.one, name: "lb1", since: 9, isHeld: true, current: 9, at: noon, instant: Self.start)
        #expect(!isSettled(ledger, at: .milliseconds(999)))
        #expect(isSettled(ledger, at: .seconds(1)))
    }

    @Test("one that says `since` and is not held is waited for like any that asks at intervals")
    func sinceWithoutWait() {
        var ledger = drained()
        for second in [0, 3] {
            ledger.poll(
                from: Self.one, name: nil, since: 9, current: 9, at: noon, instant: Self.start + .seconds(second))
        }
        #expect(!isSettled(ledger, at: .seconds(5)))
        ledger.poll(from: Self.one, name: nil, since: 9, current: 9, at: noon, instant: Self.start + .seconds(6))
        #expect(isSettled(ledger, at: .seconds(6)))
    }

    @Test("a poll that may be held is one that says for how long", arguments: [("&wait=30s", true), ("", false)])
    func pollThatIsHeld(wait: String, isSettled: Bool) async throws {
        let store = try makeStore(in: folder, directors: ["10.0.0.1"])
        let endpoint = Endpoint(store: store, connections: try makeCounter([makeService()]) { _ in 0 })
        let generation = try await store.ask(for: .drain, ControlRequest()).administered[0].generation
        let question = Question(
            method: "GET", path: "/v1/report", query: "since=\(generation)\(wait)", caller: .network(Self.one))
        _ = try await endpoint.answer(question) { _, _ in }
        #expect(await store.controlAnswer().administered[0].settling == [Self.one])
        _ = await store.reviewDrains(at: .now + DirectorLedger.heldTime)
        #expect(await store.controlAnswer().administered[0].settling.isEmpty == isSettled)
    }

    @Test("a director is expected to ask again while its poll is held, for two seconds, or for three of its intervals")
    func expected() {
        var presence = DirectorPresence(directors: [Self.one], silence: .seconds(10), now: Self.start)
        #expect(!presence.isExpected(Self.one, at: Self.start), "it never asked")
        presence.hear(Self.one, at: Self.start)
        #expect(presence.isExpected(Self.one, at: Self.start + .seconds(2)))
        #expect(!presence.isExpected(Self.one, at: Self.start + .milliseconds(2_001)))
        presence.hear(Self.one, at: Self.start + .seconds(5))
        #expect(presence.isExpected(Self.one, at: Self.start + .seconds(20)))
        #expect(!presence.isExpected(Self.one, at: Self.start + .seconds(21)))
        presence.beginHolding(Self.one)
        #expect(presence.isExpected(Self.one, at: Self.start + .seconds(60)))
    }

    @Test("another drain of the same service is waited for anew")
    func anew() {
        var ledger = drained()
        for second in 0..<6 { ledger.tell(Self.one, second: Double(second)) }
        #expect(isSettled(ledger, at: .seconds(5)))
        ledger.follow([:])
        ledger.follow(["web": 12])
        for second in 6..<10 { ledger.tell(Self.one, current: 12, second: Double(second)) }
        #expect(ledger.uninformed(of: "web", generation: 12).isEmpty)
        #expect(ledger.unsettled(of: "web", at: Self.start + .seconds(9)) == [Self.one])
    }

    private func settledStore(_ services: [AgentConfiguration.Service]) async throws -> ReportStore {
        let store = try makeStore(in: folder, directors: ["10.0.0.1"], services: services)
        await store.record(setupProblems: [:])
        for service in services { await store.record(connections: 0, of: service.name) }
        _ = try await store.ask(for: .drain, ControlRequest())
        let generation = await store.generation
        #expect(await store.reviewDrains(at: Self.start) == [], "nobody knows yet")
        for _ in 0..<3 {
            await store.recordPoll(from: Self.one, name: nil, since: generation, instant: Self.start)
        }
        return store
    }

    @Test("who sends after that is an alarm: in the report, for the operator, once in the log; and it is not drained")
    func alarm() async throws {
        let store = try await settledStore([makeService()])
        #expect(await store.reviewDrains(at: Self.start) == ["web"])
        #expect(await store.services[0].state == .drained)
        let connection = ClientConnection(
            client: address("198.51.100.7"), clientPort: 4_711, address: address("127.0.0.1"), port: 80)
        await store.record(looks: ["web": .init(open: [], arrivals: [])], at: Self.start)
        let generation = await store.generation
        let look = LateArrivals.Look(open: [], arrivals: [Arrival(connection, from: .director(Self.one))])
        for step in 0..<3 { await store.record(looks: ["web": look], at: Self.start + .seconds(step)) }
        let service = await store.services[0]
        #expect(service.state == .draining)
        #expect(service.setup.ok)
        #expect(service.setup.warnings.count == 1)
        #expect(service.setup.warnings.first?.hasPrefix("director 10.0.0.1 still sends new connections") == true)
        #expect(await store.controlAnswer().administered[0].alarms == service.setup.warnings)
        #expect(await store.generation == generation + 1, "one more connection of the same sender is no news")

        _ = await store.reviewDrains(at: Self.start + .seconds(33))
        #expect(await store.services[0].state == .drained)
        #expect(await store.services[0].setup.warnings == [])
        await store.record(looks: ["web": look], at: Self.start + .seconds(34))
        _ = try await store.undrain(ControlRequest())
        #expect(await store.services[0].setup.warnings == [], "nothing of a drain outlives it")
    }

    @Test("a drain does not take the place of a maint: named it is refused, among all it stays; undrain ends both")
    func maint() async throws {
        let store = try makeStore(in: folder, services: [makeService("web"), makeService("dns", port: 53)])
        _ = try await store.ask(for: .maint, ControlRequest(services: ["web"], reason: "disk"))
        let before = await store.admin
        for names in [["web"], ["web", "dns"]] {
            let error = await #expect(throws: ReporterError.self) {
                try await store.ask(for: .drain, ControlRequest(services: names))
            }
            #expect(error?.kind == .conflict)
            #expect(error?.description.contains("maint: disk") == true)
            #expect(await store.admin == before)
        }
        let answer = try await store.ask(for: .drain, ControlRequest())
        #expect(answer.administered.map(\.name) == ["dns"])
        #expect(await store.controlAnswer().administered.map(\.mode) == [.maint, .drain])
        // The other way round is as it was: who wants it down gets it down.
        _ = try await store.ask(for: .maint, ControlRequest(services: ["dns"]))
        await #expect(throws: ReporterError.self) { try await store.ask(for: .drain, ControlRequest()) }
        #expect(try await store.undrain(ControlRequest()).administered == [])
    }

    @Test("a jump of the clock neither ends a drain nor loses it, and its recorded end follows")
    func clock() async throws {
        let store = try makeStore(in: folder)
        let request = ControlRequest(services: ["web"], ttlSeconds: 60)
        _ = try await store.ask(for: .drain, request, at: noon, instant: Self.start)
        let generation = await store.controlAnswer().administered[0].generation
        let jumped = noon.adding(seconds: 7_200)
        await store.endExpiredDrains(at: jumped, instant: Self.start + .seconds(1))
        #expect(await store.controlAnswer().administered.map(\.generation) == [generation])
        #expect(
            try AdminState.load(from: folder.file("admin.json")).services["web"]?.until
                == jumped.adding(seconds: 59))
        await store.endExpiredDrains(at: jumped.adding(seconds: 59), instant: Self.start + .seconds(60))
        #expect(await store.controlAnswer().administered == [])
    }

    @Test("only what is drained is cut, by name or all")
    func cut() async throws {
        let store = try makeStore(in: folder, services: [makeService("web"), makeService("dns", port: 53)])
        let cut = Box<[UInt16]>([])
        var counter = try makeCounter([makeService("web"), makeService("dns", port: 53)]) { _ in 0 }
        counter.tools = DrainTools(
            list: { _, _ in [] },
            cut: { endpoints in
                cut.change { $0 += endpoints.ports }
                return 2
            }, arrivals: { _ in [] })
        let endpoint = Endpoint(store: store, connections: counter)
        let post = { (body: String) in
            await endpoint.change(.cut, body: Array(body.utf8), uid: 0, logger: silent)
        }
        #expect(await post("").status == 409)
        _ = try await store.ask(for: .drain, ControlRequest(services: ["web"]))
        #expect(await post("").status == 409, "dns is in rotation")
        #expect(await post(#"{"services":["dns"]}"#).status == 409)
        #expect(cut.value == [])
        let answer = await post(#"{"services":["web"]}"#)
        #expect(answer.status == 200)
        #expect(String(decoding: answer.body, as: UTF8.self) == "{\"connections\":2}\n")
        #expect(cut.value == [80])
        _ = try await store.ask(for: .maint, ControlRequest(services: ["web"]))
        #expect(await post(#"{"services":["web"]}"#).status == 409)
    }

    @Test("the watch looks at the wire first, then at the list, and stops looking when the drain is over")
    func watch() async throws {
        let store = try await settledStore([makeService()])
        let asked = Box<[String]>([])
        var counter = try makeCounter([makeService()]) { _ in 0 }
        counter.tools = DrainTools(
            list: { endpoints, limit in
                asked.change { $0.append("list \(endpoints.addresses[0]) \(limit)") }
                return []
            }, cut: { _ in 0 },
            arrivals: { addresses in
                asked.change { $0.append("wire \(addresses.map(\.description))") }
                return []
            })
        let watch = DrainWatch(store: store, connections: counter)
        await watch.look()
        #expect(asked.value == ["wire [\"127.0.0.1\"]", "list 127.0.0.1 65536"])
        _ = try await store.undrain(ControlRequest())
        await watch.look()
        #expect(asked.value.last == "wire []")
    }
}
