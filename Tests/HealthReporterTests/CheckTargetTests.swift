import ConfigurationFile
import Testing

@testable import HealthReporter

@Suite("CheckTarget")
struct CheckTargetTests {
    static let http = AgentConfiguration.Check(.http(path: "/healthz", host: nil, status: [200]))

    @Test("each check is asked on each VIP, and named apart where there are several")
    func everyVIP() throws {
        var service = makeService(checks: [Self.http, AgentConfiguration.Check(.tcp)])
        #expect(try CheckTarget.all(of: service).map(\.name) == ["http /healthz", "tcp"])
        service.vips.append(address("2001:db8::10"))
        let targets = try CheckTarget.all(of: service)
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
        let targets = try CheckTarget.all(of: makeService(checks: [check]))
        #expect(targets.map(\.name) == ["tcp port 8080 on 10.0.0.11"])
        #expect(targets.map(\.endpoint.description) == ["10.0.0.11:8080"])
    }

    @Test("checks that differ in the Host header only have names of their own")
    func sameName() throws {
        let names = ["a", "b", "c"].map {
            AgentConfiguration.Check(.http(path: "/", host: $0, status: [200]))
        }
        #expect(
            try CheckTarget.all(of: makeService(checks: names)).map(\.name) == ["http /", "http / (2)", "http / (3)"])
    }

    @Test("a check without a port of a service with all ports is refused with the cure")
    func noPort() {
        var service = makeService(checks: [Self.http])
        service.ports = []
        let error = #expect(throws: ReporterError.self) { try CheckTarget.all(of: service) }
        #expect(error?.description.contains("check service web") == true)
        #expect(error?.cure == "give the check a `port`")
    }
}
