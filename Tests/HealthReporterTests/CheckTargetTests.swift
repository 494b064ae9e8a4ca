import ConfigurationFile
import Testing

@testable import HealthReporter

@Suite("CheckTarget")
struct CheckTargetTests {
    static let http = AgentConfiguration.Check(.http(.init("/healthz")))

    @Test("each check is asked on each VIP, and named apart where there are several")
    func everyVIP() throws {
        var service = makeService(checks: [Self.http, AgentConfiguration.Check(.tcp)])
        #expect(try makeTargets(of: service).map(\.name) == ["http /healthz", "tcp"])
        service.vips.append(address("2001:db8::10"))
        let targets = try makeTargets(of: service)
        #expect(
            targets.map(\.name) == [
                "http /healthz on 127.0.0.1", "http /healthz on 2001:db8::10", "tcp on 127.0.0.1",
                "tcp on 2001:db8::10",
            ])
        #expect(
            targets.map(\.endpoint.description) == [
                "127.0.0.1:80", "[2001:db8::10]:80", "127.0.0.1:80", "[2001:db8::10]:80",
            ])
    }

    @Test("an address and a port of its own rule, and show in the name")
    func ownAddress() throws {
        let check = AgentConfiguration.Check(.tcp, address: address("10.0.0.11"), port: 8080)
        let targets = try makeTargets(of: makeService(checks: [check]))
        #expect(targets.map(\.name) == ["tcp port 8080 on 10.0.0.11"])
        #expect(targets.map(\.endpoint.description) == ["10.0.0.11:8080"])
    }

    @Test("checks that differ in the Host header only have names of their own")
    func sameName() throws {
        let names = ["a", "b", "c"].map {
            AgentConfiguration.Check(.http(.init("/", host: $0)))
        }
        #expect(
            try makeTargets(of: makeService(checks: names)).map(\.name) == ["http /", "http / (2)", "http / (3)"])
    }

    @Test("a check without a port of a service with all ports is refused with the cure")
    func noPort() {
        var service = makeService(checks: [Self.http])
        service.ports = []
        let error = #expect(throws: ReporterError.self) { try makeTargets(of: service) }
        #expect(error?.description.contains("check service web") == true)
        #expect(error?.cure == "give the check a `port`")
    }

    @Test("where the director translates addresses, checks are asked on this host's own address and real port")
    func translated() throws {
        let service = makeTranslatedService(
            realPort: 8080, checks: [Self.http, AgentConfiguration.Check(.tcp, port: 8081)])
        let targets = try makeTargets(of: service, ownAddresses: ["10.0.0.11", "10.0.0.12", "2001:db8::11"])
        #expect(targets.map(\.name) == ["http /healthz", "tcp port 8081"])
        #expect(targets.map(\.endpoint.description) == ["10.0.0.11:8080", "10.0.0.11:8081"])
    }

    @Test("each family of a translated service is asked on this host's own address of that family, once")
    func translatedFamilies() throws {
        let service = makeTranslatedService(
            vips: ["192.0.2.10", "2001:db8:1::10", "2001:db8:1::20"], checks: [AgentConfiguration.Check(.tcp)])
        let targets = try makeTargets(of: service, ownAddresses: ["10.0.0.11", "2001:db8::11", "2001:db8::12"])
        #expect(targets.map(\.name) == ["tcp on 10.0.0.11", "tcp on 2001:db8::11"])
        #expect(targets.map(\.endpoint.description) == ["10.0.0.11:80", "[2001:db8::11]:80"])
    }

    @Test("an address and a port that a check names rule with NAT too")
    func translatedElsewhere() throws {
        let check = AgentConfiguration.Check(.tcp, address: address("127.0.0.1"), port: 9)
        let service = makeTranslatedService(realPort: 8080, checks: [check])
        let targets = try makeTargets(of: service, ownAddresses: ["10.0.0.11"])
        #expect(targets.map(\.name) == ["tcp port 9 on 127.0.0.1"])
        #expect(targets.map(\.endpoint.description) == ["127.0.0.1:9"])
    }
}
