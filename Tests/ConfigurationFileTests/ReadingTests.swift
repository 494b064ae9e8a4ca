import ConfigurationFile
import NetworkAddress
import Testing

@Suite("Reading valid files")
struct ReadingTests {
    private let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))

    @Test("the agent's example is valid and says what its comments say")
    func agentExample() throws {
        let configuration = try AgentConfiguration.parse(AgentConfiguration.example, file: "example")
        let http = AgentConfiguration.Check(.http(.init("/healthz", host: "www.example.com")))
        #expect(
            configuration
                == AgentConfiguration(
                    interface: "eth0", directors: [.v4(IPv4Address(10, 0, 0, 1)), .v4(IPv4Address(10, 0, 0, 2))],
                    reportListen: [SocketAddress(address: .v4(IPv4Address(10, 0, 0, 11)), port: 9380)],
                    services: [.init(name: "web", vips: [vip], ports: [80], checks: [http])]))
    }

    @Test("the director's example is valid and says what its comments say")
    func directorExample() throws {
        let configuration = try DirectorConfiguration.parse(DirectorConfiguration.example, file: "example")
        let servers = [
            DirectorConfiguration.Server(address: .v4(IPv4Address(10, 0, 0, 11)), agent: "http://10.0.0.11:9380"),
            DirectorConfiguration.Server(address: .v4(IPv4Address(10, 0, 0, 12)), agent: "http://10.0.0.12:9380"),
        ]
        #expect(
            configuration
                == DirectorConfiguration(
                    interfaces: ["eth0"], status: SocketAddress(address: .v4(IPv4Address(127, 0, 0, 1)), port: 9390),
                    services: [.init(name: "web", vips: [vip], port: 80, servers: servers)]))
    }

    @Test("the design's file, cut to what this version does, is valid")
    func designExample() throws {
        let text = """
            # /etc/rsagent/rsagent.toml
            interface = "eth0"                      # faces the director
            directors = ["10.0.0.1", "10.0.0.2"]    # who may poll
            run_dir   = "/run/rsagent"              # gone after a reboot
            state_dir = "/var/lib/rsagent"          # survives it

            [report]
            listen      = ["10.0.0.11:9380"]        # HTTP

            [[service]]
            name     = "web"
            vip      = ["192.0.2.10"]
            port     = 80                           # a number, a list, or 0 for all
            protocol = "tcp"
            forward  = "dr"
            weight   = 100                          # what a fully healthy server reports

            slow_start = "30s"
            agent_check = "10.0.0.11:9381"          # HAProxy agent-check line for this service, off unless given

            [service.load]                          # optional: weight follows load
            cpu = 0.8                               # full weight below, falling to `min` at 1.0
            connections = 2000
            min = 10

            [[service.check]]
            http     = "/healthz"                   # or tcp = true
            status   = [200]
            interval = "1s"
            timeout  = "500ms"
            rise     = 2
            fall     = 3
            """
        var expected = try AgentConfiguration.parse(AgentConfiguration.example, file: "example")
        expected.services[0].checks[0].kind = .http(.init("/healthz"))
        expected.services[0].slowStart = .seconds(30)
        expected.services[0].agentCheck = SocketAddress("10.0.0.11:9381")
        expected.services[0].load = .init(cpu: 0.8, connections: 2000, floor: 10)
        #expect(try AgentConfiguration.parse(text, file: "f") == expected)
    }

    @Test("the examples are commented, and fit a terminal")
    func examplesAreCommented() {
        for example in [AgentConfiguration.example, DirectorConfiguration.example] {
            #expect(example.split(separator: "\n").count { $0.hasPrefix("#") } >= 12)
            #expect(example.hasSuffix("\n") && !example.contains("\t"))
            #expect(example.split(separator: "\n").allSatisfy { $0.count <= 120 })
        }
    }

    @Test("an agent's file may be as short as one service, and the rest is as documented")
    func agentDefaults() throws {
        let text = "service = [{ name = 'web', vip = '192.0.2.10', port = 80, check = [{ tcp = true }] }]"
        let configuration = try AgentConfiguration.parse(text, file: "f")
        #expect(configuration.interface == nil)
        #expect(configuration.directors.isEmpty && configuration.tunnelSources.isEmpty)
        #expect(configuration.isLockedDown && configuration.isSentinelOn)
        #expect(!configuration.isARPBlocked && !configuration.takesDefaultRoute)
        #expect(configuration.runDirectory == "/run/rsagent")
        #expect(configuration.stateDirectory == "/var/lib/rsagent")
        #expect(configuration.reportListen.isEmpty)
        let service = try #require(configuration.services.first)
        #expect(service.transport == .tcp && service.forward == .dr && service.weight == 100)
        #expect(service.reply == .direct && service.scope == .global)
        #expect(service.tunnel == nil && service.realPort == nil)
        let check = try #require(service.checks.first)
        #expect(check == AgentConfiguration.Check(.tcp))
        #expect(check.interval == .seconds(1) && check.timeout == .milliseconds(500))
        #expect(check.rise == 2 && check.fall == 3 && check.address == nil && check.port == nil)
    }

    @Test("all keys of an agent's file arrive")
    func agentEverything() throws {
        let text = """
            interface = "bond0.100"
            directors = []
            run_dir = "/run/rs1/"
            state_dir = "/"
            [report]
            listen = ["0.0.0.0:9380", "[2001:db8::11]:9381"]
            [[service]]
            name = "web-1_a.b"
            vip = ["192.0.2.10", "192.0.2.11"]
            port = [80, 443]
            protocol = "tcp"
            forward = "dr"
            weight = 0
            [[service.check]]
            http = "/a?b=%20"
            host = "a.example:8080"
            status = [200, 204]
            interval = "1.5s"
            timeout = "1s"
            rise = 1
            fall = 1000
            address = "127.0.0.1"
            port = 8080
            [[service.check]]
            http = "/"
            status = 404
            [[service]]
            name = "all"
            vip = "192.0.2.12"
            port = 0
            weight = 65535
            [[service.check]]
            tcp = true
            port = 25
            interval = "1h"
            timeout = "5m"
            """
        let configuration = try AgentConfiguration.parse(text, file: "f")
        let second = IPAddress.v4(IPv4Address(192, 0, 2, 11))
        let third = IPAddress.v4(IPv4Address(192, 0, 2, 12))
        let http = AgentConfiguration.Check(
            .http(.init("/a?b=%20", host: "a.example:8080", status: [200...200, 204...204])),
            address: .v4(IPv4Address(127, 0, 0, 1)), port: 8080, interval: .milliseconds(1500), timeout: .seconds(1),
            rise: 1, fall: 1000)
        let missing = AgentConfiguration.Check(.http(.init("/", status: [404...404])))
        let tcp = AgentConfiguration.Check(.tcp, port: 25, interval: .seconds(3600), timeout: .seconds(300))
        let listen = ["0.0.0.0:9380", "[2001:db8::11]:9381"].compactMap { SocketAddress($0) }
        #expect(
            configuration
                == AgentConfiguration(
                    interface: "bond0.100", runDirectory: "/run/rs1", stateDirectory: "/", reportListen: listen,
                    services: [
                        .init(
                            name: "web-1_a.b", vips: [vip, second], ports: [80, 443], weight: 0,
                            checks: [http, missing]),
                        .init(name: "all", vips: [third], ports: [], weight: 65535, checks: [tcp]),
                    ]))
    }

    @Test("different ports of one VIP, and one port of different VIPs, may go to different services")
    func sharedVIPs() throws {
        let text = """
            [[service]]
            name = "a"
            vip = ["192.0.2.10", "192.0.2.11"]
            port = [80, 81]
            [[service]]
            name = "b"
            vip = "192.0.2.10"
            port = [82, 83]
            [[service]]
            name = "c"
            vip = "192.0.2.12"
            port = 0
            """
        #expect(try AgentConfiguration.parse(text, file: "f").services.map(\.name) == ["a", "b", "c"])
    }

    @Test("CRLF line ends are taken")
    func carriageReturns() throws {
        let text = AgentConfiguration.example.split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: "\r\n")
        let configuration = try AgentConfiguration.parse(text, file: "f")
        #expect(try configuration == AgentConfiguration.parse(AgentConfiguration.example, file: "f"))
    }
}
