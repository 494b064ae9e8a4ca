import ConfigurationFile
import NetworkAddress
import Testing

@Suite("Reading valid files of a director")
struct DirectorReadingTests {
    private typealias Server = DirectorConfiguration.Server
    private typealias Access = DirectorConfiguration.AgentAccess

    private func parse(_ text: String) throws -> DirectorConfiguration {
        try DirectorConfiguration.parse("interface = \"eth0\"\n" + text, file: "f")
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test("all keys at the top arrive")
    func top() throws {
        let text = """
            interface = ["eth0", "eth1"]
            engine = "packet"
            run_dir = "/run/d"
            status = "[::1]:9390"
            own_vip = false
            flows = 4096
            timeouts = { tcp = "10m", tcp_fin = "1m", udp = "90s" }
            [agent]
            token_file = "/t"
            [join]
            listen = "10.0.0.1:9391"
            token = "0123456789abcdef"
            services = "web"
            [[service]]
            name = "web"
            vip = "192.0.2.10"
            port = 0
            [[service]]
            name = "b"
            vip = "192.0.2.11"
            port = 80
            scheduler = "rr"
            [[service.server]]
            address = "10.0.0.11"
            [[outbound]]
            source = ["10.0.0.0/25", "10.1.0.0/16"]
            address = "203.0.113.5"
            [[outbound]]
            source = "10.0.0.128/25"
            address = "192.0.2.11"
            ports = "81-90"
            [[outbound]]
            source = "2001:db8:10::/64"
            address = "2001:db8::5"
            """
        let access = Access(token: .file("/t"))
        let server = Server(address: try address("10.0.0.11"), agent: "http://10.0.0.11:9380", access: access)
        let sources = ["10.0.0.0/25", "10.1.0.0/16"].compactMap { Prefix($0) }
        #expect(
            try DirectorConfiguration.parse(text, file: "f")
                == DirectorConfiguration(
                    interfaces: ["eth0", "eth1"], runDirectory: "/run/d", status: SocketAddress("[::1]:9390"),
                    ownsVIPs: false, flows: 4096,
                    timeouts: .init(tcp: .seconds(600), tcpFin: .seconds(60), udp: .seconds(90)),
                    agent: .init(access: access),
                    join: .init(
                        listen: SocketAddress(address: try address("10.0.0.1"), port: 9391),
                        token: .text("0123456789abcdef"), services: ["web"]),
                    services: [
                        .init(name: "web", vips: [try address("192.0.2.10")], port: 0, servers: []),
                        .init(
                            name: "b", vips: [try address("192.0.2.11")], port: 80, scheduler: .rr, servers: [server]),
                    ],
                    outbound: [
                        .init(sources: sources, address: try address("203.0.113.5"), ports: 1024...65535),
                        .init(
                            sources: ["10.0.0.128/25"].compactMap { Prefix($0) }, address: try address("192.0.2.11"),
                            ports: 81...90),
                        .init(
                            sources: ["2001:db8:10::/64"].compactMap { Prefix($0) },
                            address: try address("2001:db8::5"),
                            ports: 1024...65535),
                    ]))
    }

    @Test("all keys of [join] arrive, and what is left out is as it is documented")
    func join() throws {
        let start = """
            interface = "eth0"
            [[service]]
            name = "web"
            vip = "192.0.2.10"
            port = 80
            [join]
            listen = "10.0.0.1:9391"
            token_file = "/t"

            """
        let plain = try #require(try DirectorConfiguration.parse(start, file: "f").join)
        #expect(plain.tls == nil && plain.networks == [] && plain.lease == .seconds(30) && plain.limit == 1_000)
        let text =
            start + """
                services = ["web"]
                networks = ["10.0.0.0/24", "2001:db8::/64"]
                lease = "1m"
                limit = 7
                tls = { certificate = "/c", key = "/k" }
                """
        #expect(
            try DirectorConfiguration.parse(text, file: "f").join
                == .init(
                    listen: SocketAddress(address: try address("10.0.0.1"), port: 9391),
                    tls: .init(certificate: "/c", key: "/k"), token: .file("/t"),
                    services: ["web"], networks: ["10.0.0.0/24", "2001:db8::/64"].compactMap { Prefix($0) },
                    lease: .seconds(60), limit: 7))
    }

    @Test("all keys of a service arrive")
    func service() throws {
        let text = """
            [[service]]
            name = "web"
            vip = ["192.0.2.10", "2001:db8::10"]
            port = 80
            protocol = "tcp"
            forward = "tun"
            reply = "director"
            tunnel = "gue"
            tunnel_port = 6081
            scheduler = "sh"
            scheduler_flags = ["fallback", "port"]
            persistence = "90s"
            persistence_netmask = 24
            persistence_netmask6 = 64
            drained_clients = "move"
            removed_connections = "forget"
            sloppy = true
            quorum = 2
            hysteresis = 1
            slow_start = "30s"
            last_word = "1m"
            rise = 2
            fall = 4
            [[service.sorry_server]]
            address = "10.0.0.99"
            [[service.server]]
            address = "10.0.0.11"
            agent = false
            weight = 0
            fall = 1
            rise = 3
            upper = 10
            lower = 8
            [[service.server]]
            address = "2001:db8::12"
            agent = "http://rs2.example.com:80"
            upper = 5
            """
        let service = try #require(try parse(text).services.first)
        #expect(
            service
                == DirectorConfiguration.Service(
                    name: "web", vips: [try address("192.0.2.10"), try address("2001:db8::10")], port: 80,
                    forward: .tun, reply: .director, tunnel: .init(.gue, port: 6081), scheduler: .sh,
                    schedulerFlags: [.port, .fallback],
                    persistence: .init(
                        timeout: .seconds(90), prefixLength: 24, prefixLengthV6: 64, drainedClients: .move),
                    removedConnections: .forget, isSloppy: true,
                    sorryServers: [
                        .init(
                            address: try address("10.0.0.99"), forward: .tun, reply: .director,
                            tunnel: .init(.gue, port: 6081))
                    ],
                    quorum: .init(servers: 2, hysteresis: 1), slowStart: .seconds(30), lastWord: .seconds(60), rise: 2,
                    fall: 4,
                    servers: [
                        .init(
                            address: try address("10.0.0.11"), agent: nil, weight: 0, fall: 1, rise: 3,
                            thresholds: .init(upper: 10, lower: 8)),
                        .init(
                            address: try address("2001:db8::12"), agent: "http://rs2.example.com:80", fall: 4, rise: 2,
                            thresholds: .init(upper: 5)),
                    ]))
    }

    @Test("a server's agent is asked as [agent] says, but for what the server says itself")
    func access() throws {
        let text = """
            [agent]
            tls = true
            token = "0123456789abcdef"
            ca = "/a"
            certificate = "/c"
            key = "/k"
            [[service]]
            name = "web"
            vip = "2001:db8::10"
            port = 80
            [[service.server]]
            address = "2001:db8::11"
            [[service.server]]
            address = "2001:db8::12"
            token_file = "/t"
            certificate = "/c2"
            key = "/k2"
            [[service.server]]
            address = "2001:db8::13"
            agent = "http://10.0.0.13:9380"
            """
        let servers = try parse(text).services.flatMap(\.servers)
        let token = AgentConfiguration.ReportAdmission.Token.text("0123456789abcdef")
        #expect(
            servers == [
                Server(
                    address: try address("2001:db8::11"), agent: "https://[2001:db8::11]:9380",
                    access: Access(token: token, authority: "/a", certificate: .init(file: "/c", key: "/k"))),
                Server(
                    address: try address("2001:db8::12"), agent: "https://[2001:db8::12]:9380",
                    access: Access(token: .file("/t"), authority: "/a", certificate: .init(file: "/c2", key: "/k2"))),
                Server(
                    address: try address("2001:db8::13"), agent: "http://10.0.0.13:9380", access: Access(token: token)),
            ])
    }

    @Test("NAT maps ports, answers come back, and a sorry server may be reached another way")
    func translation() throws {
        let text = """
            [[service]]
            name = "dns"
            vip = "192.0.2.10"
            port = 53
            protocol = "udp"
            forward = "nat"
            sorry_server = { address = "2001:db8::99", forward = "tun" }
            [[service.server]]
            address = "10.0.0.11"
            port = 5353
            """
        let service = try #require(try parse(text).services.first)
        #expect(service.transport == .udp && service.forward == .nat && service.reply == .director)
        #expect(service.servers.map(\.port) == [5353] && service.tunnel == nil)
        let sorry = DirectorConfiguration.SorryServer(
            address: try address("2001:db8::99"), forward: .tun, reply: .direct, tunnel: .init(.ipip))
        #expect(service.sorryServers == [sorry])
    }

    @Test("a director's check is asked of the servers that have no agent, and a server's own takes its place")
    func checks() throws {
        let text = """
            [[service]]
            name = "web"
            vip = "192.0.2.10"
            port = 80
            check = [{ http = "/healthz", interval = "2s" }, { tcp = true, port = 443 }]
            [[service.server]]
            address = "10.0.0.11"
            [[service.server]]
            address = "10.0.0.12"
            agent = false
            [[service.server]]
            address = "10.0.0.13"
            agent = false
            check = [{ udp = true, port = 53, address = "10.0.1.13" }]
            """
        let service = try #require(try parse(text).services.first)
        let all = [
            AgentConfiguration.Check(.http(.init("/healthz")), interval: .seconds(2)),
            AgentConfiguration.Check(.tcp, port: 443),
        ]
        let own = AgentConfiguration.Check(.udp(send: "", expect: nil), address: try address("10.0.1.13"), port: 53)
        #expect(service.checks == all && service.servers.map(\.checks) == [[], all, [own]])
    }

    @Test("a file may be as short as one server, and the rest is as documented")
    func defaults() throws {
        let text = "service = [{ name = 'web', vip = '192.0.2.10', port = 80, server = [{ address = '10.0.0.11' }] }]"
        let configuration = try parse(text)
        #expect(configuration.flows == 1_048_576 && configuration.ownsVIPs && configuration.status == nil)
        #expect(configuration.timeouts.tcp == .seconds(900) && configuration.timeouts.tcpFin == .seconds(120))
        #expect(configuration.timeouts.udp == .seconds(300) && configuration.join == nil)
        #expect(configuration.outbound.isEmpty && configuration.agent == .init())
        let service = try #require(configuration.services.first)
        #expect(service.forward == .dr && service.reply == .direct && service.scheduler == .wrr)
        #expect(service.persistence == nil && service.removedConnections == .hold && !service.isSloppy)
        #expect(service.sorryServers.isEmpty && service.quorum.servers == 1 && service.quorum.hysteresis == 0)
        #expect(service.slowStart == .zero && service.lastWord == .zero && service.rise == 1 && service.fall == 3)
        let server = try #require(service.servers.first)
        #expect(server.agent == "http://10.0.0.11:9380" && server.weight == 1 && server.thresholds == nil)
        #expect(server.port == nil && server.rise == 1 && server.fall == 3 && server.access == Access())
        let persistent = try parse(text.replacing("port = 80", with: "port = 80, persistence = '5m'")).services.first
        #expect(persistent?.persistence == .init(timeout: .seconds(300)))
        #expect(persistent?.persistence?.drainedClients == .stay)
    }

    @Test("each scheduler goes by IPVS's name")
    func schedulers() throws {
        let names = "rr wrr lc wlc sed nq sh dh mh fo ovf lblc lblcr twos".split(separator: " ").map(String.init)
        let read = try names.map { name in
            try parse(
                "service = [{ name = 'w', vip = '192.0.2.10', port = 80, scheduler = '\(name)', "
                    + "server = [{ address = '10.0.0.11' }] }]"
            ).services[0].scheduler.rawValue
        }
        #expect(read == names && SchedulerName.allCases.count == names.count)
    }

    @Test("agents join all services where none is named, one file for both families")
    func joinAll() throws {
        let text = """
            [join]
            listen = "[2001:db8::1]:9391"
            token_file = "/t"
            [[service]]
            name = "a"
            vip = ["192.0.2.10", "2001:db8::10"]
            port = 80
            [[service]]
            name = "b"
            vip = ["192.0.2.10", "2001:db8::10"]
            port = 443
            [[service.server]]
            address = "10.0.0.11"
            """
        #expect(try parse(text).join?.services == ["a", "b"])
    }
}
