import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Connections of a director's own")
struct DirectorConnectionsTests {
    let folder = Folder()
    static let director = address("10.0.0.1")
    static let start = DrainBook.Instant.now

    private static func service(_ meaning: DirectorConnections?) -> AgentConfiguration.Service {
        var service = makeService()
        service.directorConnections = meaning
        return service
    }

    @Test(
        "only where they are known to be checks they are not counted",
        arguments: [(nil, true), (.clients, true), (.checks, false)] as [(DirectorConnections?, Bool)])
    func counted(_ meaning: DirectorConnections?, isClient: Bool) throws {
        let endpoints = try LocalEndpoints(
            of: Self.service(meaning), ownAddresses: [], directors: [address("::ffff:10.0.0.1")])
        #expect(endpoints.isClient(Self.director) == isClient)
        #expect(endpoints.isClient(address("198.51.100.7")))
        #expect(!endpoints.isClient(address("127.0.0.1")))
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder, directors: ["10.0.0.1"], services: [Self.service(meaning)]),
            listen: [], identity: somebody, countConnections: { $0.map { _ in 0 } }, logger: silent)
        #expect(reporter.connections.services[0].endpoints.isClient(Self.director) == isClient)
    }

    @Test(
        "only where they are known to be clients' a new one after the acknowledgement is an alarm",
        arguments: [(nil, 0), (.clients, 1), (.checks, 0)] as [(DirectorConnections?, Int)])
    func alarm(_ meaning: DirectorConnections?, alarms: Int) async throws {
        let store = try makeStore(in: folder, directors: ["10.0.0.1"], services: [Self.service(meaning)])
        _ = try await store.ask(for: .drain, ControlRequest())
        let generation = await store.generation
        for _ in 0..<3 {
            await store.recordPoll(from: Self.director, name: nil, since: generation, instant: Self.start)
        }
        #expect(await store.reviewDrains(at: Self.start) == ["web"])
        let connection = ClientConnection(
            client: Self.director, clientPort: 4_711, address: address("127.0.0.1"), port: 80)
        await store.record(looks: ["web": .init(open: [], arrivals: [])], at: Self.start)
        let look = LateArrivals.Look(open: [], arrivals: [Arrival(connection, from: .director(Self.director))])
        await store.record(looks: ["web": look], at: Self.start)
        #expect(await store.controlAnswer().administered[0].alarms.count == alarms)
    }
}
