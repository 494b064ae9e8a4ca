import ConfigurationFile
import NetworkAddress
import Testing

@Suite("Reading to whom the report is served, the load rules, and what takes its time")
struct ReportReadingTests {
    typealias Admission = AgentConfiguration.ReportAdmission

    private func parse(_ text: String) throws(ConfigurationError) -> AgentConfiguration {
        try AgentConfiguration.parse(text + "\n" + AgentRefusal.service, file: "f.toml")
    }

    @Test("all keys of the report arrive")
    func everything() throws {
        let configuration = try parse(
            """
            stop_timeout = "90s"
            [report]
            listen = "10.0.0.11:9380"
            allow = ["10.1.0.0/16", "10.0.0.9", "2001:db8:1::/48", "127.0.0.0/8", "::1"]
            token = "!0123456789abcde"
            tls = { certificate = "/etc/a.pem", key = "/etc/a.key", client_ca = "/etc/ca.pem" }
            """)
        let networks = ["10.1.0.0/16", "10.0.0.9/32", "2001:db8:1::/48", "127.0.0.0/8", "::1/128"].compactMap {
            Prefix($0)
        }
        #expect(networks.count == 5)
        #expect(
            configuration.reportAdmission
                == Admission(
                    callers: .directorsAnd(networks), token: .text("!0123456789abcde"),
                    tls: .init(certificate: "/etc/a.pem", key: "/etc/a.key", clientAuthority: "/etc/ca.pem")))
        #expect(configuration.reportListen == [SocketAddress("10.0.0.11:9380")])
        #expect(configuration.stopTimeout == .seconds(90))
    }

    @Test("all keys of a [[join]] arrive, one for each director; left out, every service is joined as it is")
    func joins() throws {
        let configuration = try parse(
            """
            directors = ["10.0.0.1", "2001:db8::1"]
            [[join]]
            director = ["https://10.0.0.1:9391", "http://10.0.0.1:9392"]
            token = "0123456789abcdef"
            ca = "/ca.pem"
            services = "web"
            weight = 3
            address = "10.0.0.11"
            [[join]]
            director = "http://[2001:db8::1]:9391"
            token_file = "/t"
            [[service]]
            name = "dns"
            vip = "192.0.2.10"
            port = 53
            protocol = "udp"
            """)
        let (first, own) = (try #require(SocketAddress("10.0.0.1:9391")), try #require(IPAddress("10.0.0.11")))
        let second = try #require(SocketAddress("10.0.0.1:9392"))
        let third = try #require(SocketAddress("[2001:db8::1]:9391"))
        let token = Admission.Token.text("0123456789abcdef")
        #expect(
            configuration.joins == [
                .init(
                    director: first, isOverTLS: true, token: token, authority: "/ca.pem", services: ["web"], weight: 3,
                    address: own),
                .init(director: second, token: token, services: ["web"], weight: 3, address: own),
                .init(director: third, token: .file("/t"), services: ["dns", "web"]),
            ])
        #expect(configuration.joins.map(\.url).last == "http://[2001:db8::1]:9391")
        #expect(try parse("").joins == [])
    }

    @Test("a director polls the report where it reaches it: at the address that is joined, or of its own family")
    func reportPlaces() throws {
        func place(_ director: String, _ address: String? = nil, _ listen: String...) throws -> Int? {
            let director = try #require(SocketAddress(director))
            return AgentConfiguration.Join(
                director: director, token: .file("/t"), services: ["web"], address: address.flatMap { IPAddress($0) }
            ).reportPlace(among: listen.compactMap { SocketAddress($0) })
        }
        #expect(try place("10.0.0.1:1", nil, "127.0.0.1:9380", "[2001:db8::11]:9380", "10.0.0.11:9380") == 2)
        #expect(try place("[2001:db8::1]:1", nil, "10.0.0.11:9380", "0.0.0.0:9380", "[2001:db8::11]:9380") == 2)
        #expect(try place("10.0.0.1:1", "10.0.0.11", "10.0.1.11:9380", "10.0.0.11:9380") == 1)
        #expect(try place("10.0.0.1:1", "2001:db8::11", "10.0.0.11:9380", "[2001:db8::11]:9380") == 1)
        #expect(try place("10.0.0.1:1", "10.0.0.11", "0.0.0.0:9380") == 0)
        #expect(try place("10.0.0.1:1", "10.0.0.11", "[::]:9380") == 0)
        #expect(try place("10.0.0.1:1", "10.0.0.11", "10.0.1.11:9380") == nil)
        #expect(try place("10.0.0.1:1", nil, "127.0.0.1:9380") == nil)
        #expect(try place("127.0.0.1:1", nil, "127.0.0.1:9380") == 0)
    }

    @Test("left out, the directors are admitted over plain HTTP, and a stop waits half a minute")
    func defaults() throws {
        for top in ["", "[report]", "[report]\nallow = []"] {
            let configuration = try parse(top)
            #expect(configuration.reportAdmission == Admission(callers: .directorsAnd([]), token: nil, tls: nil))
            #expect(configuration.stopTimeout == .seconds(30))
        }
    }

    @Test(
        "each of the report's keys has its other forms",
        arguments: [
            ("allow = \"any\"", Admission(callers: .anyone)),
            ("allow = \"10.0.0.0/8\"", Admission(callers: .directorsAnd([Prefix("10.0.0.0/8")].compactMap { $0 }))),
            ("token_file = \"/etc/rsagent/token\"", Admission(token: .file("/etc/rsagent/token"))),
            (
                "[report.tls]\ncertificate = \"/a\"\nkey = \"/a\"",
                Admission(tls: .init(certificate: "/a", key: "/a", clientAuthority: nil))
            ),
        ])
    func forms(_ line: String, _ expected: Admission) throws {
        #expect(try parse("[report]\n\(line)").reportAdmission == expected)
    }

    @Test("all keys of load, of the slow start and of the agent check arrive")
    func loadEverything() throws {
        let text = """
            weight = 200
            slow_start = "1h"
            agent_check = "10.0.0.11:9381"
            [service.load]
            cpu = 0.8
            cpu_pressure = 0.25
            memory = 0.99
            load_average = 2
            connections = 2000
            command = ["/bin/load", "-1"]
            command_full = 0.5
            min = 10
            max = 150
            smoothing = "0s"
            step = 50
            """
        let service = try AgentConfiguration.parse(AgentRefusal.service + text, file: "f.toml").services[0]
        #expect(
            service.load
                == AgentConfiguration.LoadRules(
                    cpu: 0.8, cpuPressure: 0.25, memory: 0.99, loadAverage: 2, connections: 2000,
                    command: .init(["/bin/load", "-1"], full: 0.5), floor: 10, ceiling: 150, smoothing: .zero, step: 50)
        )
        #expect(service.slowStart == .seconds(3600) && service.weight == 200)
        #expect(service.agentCheck == SocketAddress("10.0.0.11:9381"))
    }

    @Test(
        "one rule is enough, and the rest is as documented",
        arguments: [
            ("cpu = 0.001", AgentConfiguration.LoadRules(cpu: 0.001)), ("cpu_pressure = 0.5", .init(cpuPressure: 0.5)),
            ("memory = 0.5", .init(memory: 0.5)), ("load_average = 0.5", .init(loadAverage: 0.5)),
            ("connections = 1", .init(connections: 1)),
            ("command = ['/a']\ncommand_full = 7", .init(command: .init(["/a"], full: 7))),
        ])
    func loadDefaults(_ line: String, _ expected: AgentConfiguration.LoadRules) throws {
        let text = AgentRefusal.service + "[service.load]\n" + line
        let service = try AgentConfiguration.parse(text, file: "f.toml").services[0]
        #expect(service.load == expected)
        #expect(expected.floor == 1 && expected.ceiling == nil)
        #expect(expected.smoothing == .seconds(10) && expected.step == 5)
        #expect(service.slowStart == .zero && service.agentCheck == nil)
    }

    @Test("the smallest and the largest weight may be the same, and the service's own")
    func bounds() throws {
        let text = AgentRefusal.service + "weight = 7\n[service.load]\ncpu = 0.5\nmin = 7\nmax = 7"
        let load = try AgentConfiguration.parse(text, file: "f.toml").services[0].load
        #expect(load?.floor == 7 && load?.ceiling == 7)
    }

    @Test("agent checks may share a port on different addresses, or have the report's on the machine itself")
    func agentChecks() throws {
        let text = """
            service = [
              { name = "a", vip = "192.0.2.10", port = 80, agent_check = "10.0.0.11:9381" },
              { name = "b", vip = "192.0.2.11", port = 80, agent_check = "10.0.0.12:9381" },
              { name = "c", vip = "192.0.2.12", port = 80, agent_check = "[2001:db8::1]:9381" },
              { name = "d", vip = "192.0.2.13", port = 80, agent_check = "127.0.0.1:9380" },
              { name = "e", vip = "192.0.2.14", port = 80, agent_check = "0.0.0.0:9382" },
              { name = "f", vip = "192.0.2.15", port = 80, agent_check = "[2001:db8::1]:9382" },
            ]
            """
        let ports = try AgentConfiguration.parse(text, file: "f.toml").services.map(\.agentCheck?.port)
        #expect(ports == [9381, 9381, 9381, 9380, 9382, 9382])
    }
}
