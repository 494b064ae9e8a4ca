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

    @Test("each kind has a name of its own, and says whether a listener on this host stands behind it")
    func kinds() throws {
        let tls = AgentConfiguration.Check.TLS()
        let kinds: [(AgentConfiguration.Check.Kind, String, hasListener: Bool)] = [
            (.http(.init("/healthz")), "http /healthz", true),
            (.http(.init("/healthz", tls: tls)), "https /healthz", true), (.tcp, "tcp", true), (.tls(tls), "tls", true),
            (.udp(send: "", expect: nil), "udp", false),
            (.grpc(service: "pkg.Service", tls: nil), "grpc pkg.Service", true),
            (.grpc(service: "", tls: tls), "grpc", true), (.exec(["/usr/lib/check.sh", "-v"]), "exec check.sh", false),
            (.systemd(unit: "nginx.service"), "systemd nginx.service", false),
            (.file(path: "/run/maint", exists: false), "file /run/maint", false),
        ]
        let targets = try makeTargets(of: makeService(checks: kinds.map { AgentConfiguration.Check($0.0) }))
        #expect(targets.map(\.name) == kinds.map(\.1))
        #expect(targets.map { $0.listener != nil } == kinds.map(\.hasListener))
        #expect(targets[0].listener?.description == "127.0.0.1:80")
        let elsewhere = AgentConfiguration.Check(.tcp, address: address("10.0.0.11"))
        #expect(try makeTargets(of: makeService(checks: [elsewhere])).map(\.listener) == [nil])
    }

    @Test("what asks this host is asked once, and a program once for each VIP")
    func once() throws {
        var service = makeService(checks: [
            AgentConfiguration.Check(.systemd(unit: "a.service")), AgentConfiguration.Check(.exec(["/bin/true"])),
            AgentConfiguration.Check(.file(path: "/a", exists: true)),
        ])
        service.vips.append(address("2001:db8::10"))
        #expect(
            try makeTargets(of: service).map(\.name) == [
                "systemd a.service", "exec true on 127.0.0.1", "exec true on 2001:db8::10", "file /a",
            ])
        service.ports = []
        #expect(try makeTargets(of: service).map(\.endpoint.port) == [0, 0, 0, 0], "none of these needs a port")
    }

    @Test("a name made unique is not that of another check")
    func uniqueNames() throws {
        let checks = ["/a", "/a (2)", "/a"].map { AgentConfiguration.Check(.file(path: $0, exists: true)) }
        #expect(
            try makeTargets(of: makeService(checks: checks)).map(\.name) == ["file /a", "file /a (2)", "file /a (3)"])
    }
}
