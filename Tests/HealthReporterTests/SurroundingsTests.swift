import AsyncHTTPClient
import ConfigurationFile
import NIOCore
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

/// The agent and what it is told of the host around it: its own addresses, its listeners, its connections, its directors.
@Suite("HealthReporter and the host around it")
struct SurroundingsTests {
    /// Runs an agent for `service` while `body` goes on, which gets it and the address it reports on.
    private func run(
        _ service: AgentConfiguration.Service, in folder: Folder, ownAddresses: [String] = [],
        directors: [String] = [], silence: Duration = HealthReporter.silence,
        onDirectors: (@Sendable ([IPAddress]) -> Void)? = nil,
        count: @escaping @Sendable (LocalEndpoints) throws -> Int = { _ in 0 },
        isListening: (@Sendable (ConfigurationFile.SocketAddress) -> Bool)? = nil,
        _ body: (HealthReporter, ConfigurationFile.SocketAddress) async throws -> Void
    ) async throws {
        var listeners: (@Sendable ([ConfigurationFile.SocketAddress]) -> [Bool?])?
        if let isListening { listeners = { places in places.map { isListening($0) } } }
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder, directors: directors, services: [service]),
            listen: [ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: 0)],
            ownAddresses: ownAddresses.map(address), identity: somebody, silence: silence, onDirectors: onDirectors,
            countConnections: { try $0.map(count) }, listeners: listeners,
            logger: silent)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
        let task = Task.detached { try await group.run() }
        let addresses = try await reporter.waitUntilListening()
        await reporter.report(setupProblems: [:])
        do {
            try await body(reporter, try #require(addresses.first))
        } catch {
            task.cancel()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await task.value
    }

    @Test("a translated service is asked, watched and counted on this host's own address and real port")
    func translated() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let (isListening, looked, counted) = (Box(true), Box<Set<String>>([]), Box<Set<LocalEndpoints>>([]))
        let connections = Box(3)
        // Asked once an hour, it is the watch that notices the death.
        let check = AgentConfiguration.Check(
            .http(.init("/")), interval: .seconds(3_600), timeout: .seconds(10), rise: 1,
            fall: 2)
        let service = makeTranslatedService(realPort: server.port, checks: [check])
        try await run(
            service, in: folder, ownAddresses: ["127.0.0.1", "10.0.0.12", "2001:db8::11"],
            count: { endpoints in
                counted.change { $0.insert(endpoints) }
                return connections.value
            },
            isListening: { place in
                looked.change { $0.insert("\(place)") }
                return isListening.value
            }
        ) { reporter, _ in
            try await eventually("it is up") { await reporter.store.services[0].state == .up }
            try await eventually("it is counted") { await reporter.store.services[0].connections == 3 }
            let report = await reporter.store.services[0]
            #expect(report.forward == .nat)
            #expect(report.vips == [address("192.0.2.10")])
            #expect(report.ports == [80], "clients connect to the VIP's port")
            #expect(report.checks.map(\.name) == ["http /"])
            try await eventually("it is looked for") { !looked.value.isEmpty }
            try await server.stop()
            isListening.value = false
            try await eventually("it is down") { await reporter.store.services[0].state == .down }
            #expect(await reporter.store.services[0].reason == "http /: connection refused")
            // The agent stops once they are closed.
            connections.value = 0
        }
        #expect(looked.value == ["127.0.0.1:\(server.port)"])
        #expect(counted.value.map(\.addresses) == [[address("127.0.0.1"), address("10.0.0.12")]])
        #expect(counted.value.map(\.ports) == [[server.port]])
    }

    @Test(
        "an IPv6 VIP is asked and watched as an IPv4 one is", .enabled(if: BoundSocket.hasIPv6, "this host has no ::1"))
    func ipv6() async throws {
        let (folder, server) = (Folder(), try await CheckedServer(host: "::1"))
        let looked = Box<Set<String>>([])
        let checks = [AgentConfiguration.Check.Kind.http(.init("/")), .tcp].map {
            AgentConfiguration.Check($0, interval: .milliseconds(100), timeout: .milliseconds(100), rise: 1, fall: 2)
        }
        let service = makeService(vip: "::1", port: server.port, checks: checks)
        try await run(
            service, in: folder,
            isListening: { place in
                looked.change { $0.insert("\(place)") }
                return true
            }
        ) { reporter, _ in
            try await eventually("it is up") { await reporter.store.services[0].state == .up }
            #expect(await reporter.store.services[0].checks.map(\.message) == ["200", "connected"])
            try await server.stop()
            try await eventually("it is down") { await reporter.store.services[0].state == .down }
        }
        #expect(looked.value == ["[::1]:\(server.port)"])
    }

    @Test("a host without an own address for a translated service is refused before anything runs")
    func noOwnAddress() {
        let folder = Folder()
        let error = #expect(throws: ReporterError.self) {
            try HealthReporter(
                configuration: makeConfiguration(in: folder, services: [makeTranslatedService()]), listen: [],
                ownAddresses: [address("2001:db8::11")], identity: somebody, countConnections: { _ in [0] },
                logger: silent)
        }
        #expect(error?.kind == .configuration)
    }

    @Test("the director that asks goes ahead of one that does not, and holds its place by a poll that is held")
    func directors() async throws {
        let (folder, orders) = (Folder(), Box<[[IPAddress]]>([]))
        let (absent, present) = (address("127.0.0.2"), address("127.0.0.1"))
        try await run(
            makeService(), in: folder, directors: ["127.0.0.2", "127.0.0.1"], silence: .seconds(1),
            onDirectors: { order in orders.change { $0.append(order) } }
        ) { reporter, place in
            func ask(_ query: String) async throws -> Report {
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: "http://\(place)/v1/report\(query)"), timeout: .seconds(60))
                return try Report(json: Array(try await response.body.collect(upTo: 1_048_576).readableBytesView))
            }
            let generation = await reporter.store.generation
            async let held = ask("?since=\(generation)&wait=60s")
            try await eventually("it is told") { orders.value == [[present, absent]] }
            // The held poll is answered, and nobody asks any more.
            await reporter.report(setupProblems: ["web": ["x"]])
            #expect(try await held.generation > generation)
            try await eventually("it is told") { orders.value == [[present, absent], [absent, present]] }
        }
    }
}
