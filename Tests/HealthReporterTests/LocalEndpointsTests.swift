import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("LocalEndpoints")
struct LocalEndpointsTests {
    static let own = [address("10.0.0.11"), address("10.0.0.12"), address("2001:db8::11")]

    @Test(
        "packets that keep the VIP as their destination end on it, whatever else this host has",
        arguments: [ForwardingMethod.dr, .tun])
    func kept(forward: ForwardingMethod) throws {
        var service = makeService(vip: "192.0.2.10")
        service.forward = forward
        let endpoints = try LocalEndpoints(of: service, ownAddresses: Self.own)
        #expect(endpoints.addresses == [address("192.0.2.10")])
        #expect(endpoints.checkedAddresses == [address("192.0.2.10")])
        #expect(endpoints.ports == [80])
        #expect(endpoints.isExclusive)
    }

    @Test("translated packets end on any of this host's own addresses of their family, and on the real port")
    func translated() throws {
        let endpoints = try LocalEndpoints(of: makeTranslatedService(realPort: 8080), ownAddresses: Self.own)
        #expect(endpoints.addresses == [address("10.0.0.11"), address("10.0.0.12")])
        #expect(endpoints.checkedAddresses == [address("10.0.0.11")])
        #expect(endpoints.ports == [8080])
        let same = try LocalEndpoints(
            of: makeTranslatedService(vips: ["192.0.2.10", "2001:db8::10"], ports: [80, 443]), ownAddresses: Self.own)
        #expect(same.addresses == Self.own)
        #expect(same.checkedAddresses == [Self.own[0], Self.own[2]])
        #expect(same.ports == [80, 443])
    }

    @Test("a host without an address of the VIP's family cannot take translated packets, and that is said")
    func noFamily() {
        let service = makeTranslatedService(vips: ["192.0.2.10", "2001:db8::10"])
        let error = #expect(throws: ReporterError.self) {
            try LocalEndpoints(of: service, ownAddresses: [address("10.0.0.11")])
        }
        #expect(error?.kind == .configuration)
        #expect(error?.cause.contains("2001:db8::10 come to this host's own IPv6 address") == true)
    }

    @Test("connections are counted where the packets end")
    func counted() async throws {
        let asked = Box<[LocalEndpoints]>([])
        let counter = try makeCounter(
            [makeTranslatedService(realPort: 8080), makeService("dns", vip: "192.0.2.20", port: 53)],
            ownAddresses: ["10.0.0.11"]
        ) { endpoints in
            asked.change { $0.append(endpoints) }
            return 7
        }
        #expect(await counter.connections(of: "web") == 7)
        #expect(await counter.connections(of: "dns") == 7)
        #expect(asked.value.map(\.addresses) == [[address("10.0.0.11")], [address("192.0.2.20")]])
        #expect(asked.value.map(\.ports) == [[8080], [53]])
    }

    @Test("on all ports of this host's own address connections cannot be told apart: their number is unknown")
    func allPorts() async throws {
        let translated = try makeCounter([makeTranslatedService(ports: [])], ownAddresses: ["10.0.0.11"]) { _ in 7 }
        #expect(await translated.connections(of: "web") == nil)
        var service = makeService()
        service.ports = []
        #expect(await (try makeCounter([service]) { _ in 7 }).connections(of: "web") == 7)
    }

    @Test("all services are counted in one look, those that cannot be told apart left out of it")
    func oneLook() async throws {
        let looks = Box<[[[UInt16]]]>([])
        let services = [
            makeService("web"), makeTranslatedService("all", ports: []), makeService("dns", vip: "127.0.0.2", port: 53),
        ]
        var counter = try makeCounter(services, ownAddresses: ["10.0.0.11"]) { _ in 0 }
        counter.count = { endpoints in
            looks.change { $0.append(endpoints.map(\.ports)) }
            if looks.value.count > 1 { throw ReporterError(.storage, operation: "count", cause: "test") }
            return [3, 5]
        }
        let records = Box<[[String: Int?]]>([])
        let task = Task { [counter] in
            await counter.run(every: .milliseconds(1)) { counts in records.change { $0.append(counts) } }
        }
        try await eventually("two looks") { records.value.count >= 2 }
        task.cancel()
        await task.value
        #expect(looks.value.allSatisfy { $0 == [[80], [53]] })
        #expect(records.value[0] == ["web": 3, "all": nil, "dns": 5])
        #expect(records.value[1] == ["web": nil, "all": nil, "dns": nil])
    }
}
