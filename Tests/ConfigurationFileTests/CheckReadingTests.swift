import ConfigurationFile
import NetworkAddress
import Testing

@Suite("Reading checks")
struct CheckReadingTests {
    typealias Check = AgentConfiguration.Check

    /// The checks of a file whose one service ends with `text`.
    private func checks(_ text: String) throws(ConfigurationError) -> [Check] {
        try AgentConfiguration.parse(AgentRefusal.service + text, file: "f.toml").services[0].checks
    }

    @Test("all keys of all questions arrive")
    func everything() throws {
        let text = """
            [[service.check]]
            http = "/a?b=%20"
            method = "POST"
            host = "a.example:8080"
            headers = { X-B = "2", Accept = "*/*", "x.!#$%&'*+-^_`|~" = "" }
            status = [200, "300-399", "404-404"]
            body = "grüß\\nGott"
            tls = true
            server_name = "a.example"
            verify = true
            ca = "/etc/ssl/ca.pem"
            expiry_warning = "30d"
            interval = "2s"
            fast_interval = "2s"
            timeout = "2s"
            rise = 1
            fall = 1000
            address = "127.0.0.1"
            port = 8443
            [[service.check]]
            tcp = true
            address = "2001:db8::11"
            port = 25
            [[service.check]]
            tls = true
            server_name = "xn--mnchen-3ya.example"
            verify = false
            expiry_warning = "0s"
            [[service.check]]
            udp = true
            send = "ping\\r\\n"
            expect = "pong"
            [[service.check]]
            grpc = "pkg.v1.Service_1"
            tls = true
            verify = true
            [[service.check]]
            exec = ["/usr/local/bin/check me", "", "-a b", "*"]
            address = "10.0.0.11"
            port = 80
            [[service.check]]
            systemd = "getty@tty1.service"
            [[service.check]]
            file = "/run/maint"
            exists = false
            [[service.check]]
            file = "/run/ready"
            exists = true
            fast_interval = "100ms"
            """
        let http = Check.HTTP(
            "/a?b=%20", method: "POST", host: "a.example:8080",
            headers: [
                .init(name: "Accept", value: "*/*"), .init(name: "X-B", value: "2"),
                .init(name: "x.!#$%&'*+-^_`|~", value: ""),
            ], status: [200...200, 300...399, 404...404], body: "grüß\nGott",
            tls: .init(
                serverName: "a.example", isVerified: true, authority: "/etc/ssl/ca.pem",
                expiryWarning: .seconds(30 * 86_400)))
        try #expect(
            checks(text) == [
                Check(
                    .http(http), address: IPAddress("127.0.0.1"), port: 8443, interval: .seconds(2),
                    fastInterval: .seconds(2), timeout: .seconds(2), rise: 1, fall: 1000),
                Check(.tcp, address: IPAddress("2001:db8::11"), port: 25),
                Check(.tls(.init(serverName: "xn--mnchen-3ya.example", expiryWarning: .zero))),
                Check(.udp(send: "ping\r\n", expect: "pong")),
                Check(.grpc(service: "pkg.v1.Service_1", tls: .init(isVerified: true))),
                Check(
                    .exec(["/usr/local/bin/check me", "", "-a b", "*"]), address: IPAddress("10.0.0.11"), port: 80),
                Check(.systemd(unit: "getty@tty1.service")),
                Check(.file(path: "/run/maint", exists: false)),
                Check(.file(path: "/run/ready", exists: true), fastInterval: .milliseconds(100)),
            ])
    }

    @Test("a question alone is enough, and the rest is as documented")
    func defaults() throws {
        let text = """
            check = [
              { http = "/" }, { tcp = true }, { tls = true }, { udp = true }, { grpc = "" }, { exec = ["/bin/true"] },
              { systemd = "a.service" }, { http = "/", tls = true }, { grpc = "", tls = false },
            ]
            """
        let checks = try checks(text)
        let tls = Check.TLS(
            serverName: nil, isVerified: false, authority: nil, expiryWarning: .seconds(14 * 86_400))
        let http = Check.HTTP(
            "/", method: "GET", host: nil, headers: [], status: [200...200], body: nil, tls: nil)
        var https = http
        https.tls = tls
        let kinds: [Check.Kind] = [
            .http(http), .tcp, .tls(tls), .udp(send: "", expect: nil), .grpc(service: "", tls: nil),
            .exec(["/bin/true"]), .systemd(unit: "a.service"), .http(https), .grpc(service: "", tls: nil),
        ]
        #expect(checks.map(\.kind) == kinds)
        for check in checks {
            #expect(check.address == nil && check.port == nil && check.rise == 2 && check.fall == 3)
            #expect(check.interval == .seconds(1) && check.fastInterval == .milliseconds(250))
            #expect(check.timeout == .milliseconds(500))
        }
    }

    @Test(
        "the faster interval is a quarter of the interval unless given, and never below 100 ms",
        arguments: [
            ("1h", Duration.seconds(900)), ("2s", .milliseconds(500)), ("500ms", .milliseconds(125)),
            ("399ms", .milliseconds(100)), ("100ms", .milliseconds(100)),
        ])
    func fastInterval(_ interval: String, _ expected: Duration) throws {
        let check = try checks("check = [{ tcp = true, interval = '\(interval)', timeout = '10ms' }]")[0]
        #expect(check.fastInterval == expected)
    }

    @Test("what asks this host needs no port, also where the service takes all")
    func allPorts() throws {
        let text = """
            [[service]]
            name = "all"
            vip = "192.0.2.10"
            port = 0
            check = [
              { exec = ["/bin/true"] }, { systemd = "a.service" }, { file = "/a", exists = true },
              { http = "/", port = 80 }, { grpc = "", port = 81 }, { udp = true, port = 82 }, { tls = true, port = 83 },
            ]
            """
        let checks = try AgentConfiguration.parse(text, file: "f.toml").services[0].checks
        #expect(checks.map(\.port) == [nil, nil, nil, 80, 81, 82, 83])
    }

    @Test(
        "statuses are numbers and ranges, alone or in a list",
        arguments: [
            ("204", [204...204]), ("\"200-299\"", [200...299]), ("[\"100-599\", 200]", [100...599, 200...200]),
            ("[\"404-404\"]", [404...404]),
        ])
    func statuses(_ text: String, _ expected: [ClosedRange<Int>]) throws {
        #expect(
            try checks("check = [{ http = '/', status = \(text) }]") == [Check(.http(.init("/", status: expected)))])
    }

    @Test("headers are in the order of their lines")
    func headers() throws {
        let text = """
            [[service.check]]
            http = "/"
            [service.check.headers]
            X-Z = "1"
            Accept = "2"
            """
        let headers = [Check.HTTP.Header(name: "X-Z", value: "1"), .init(name: "Accept", value: "2")]
        #expect(try checks(text) == [Check(.http(.init("/", headers: headers)))])
    }

    @Test("what is at its limit is taken")
    func limits() throws {
        let kilobyte = String(repeating: "é", count: 512)
        let service = String(repeating: "a", count: 255)
        let unit = String(repeating: "a", count: 247) + ".service"
        let path = "/" + String(repeating: "a", count: 4094)
        let argument = String(repeating: "a", count: 131_071)
        let name = Array(repeating: String(repeating: "a", count: 63), count: 3).joined(separator: ".")
        let text = """
            check = [
              { http = '/', body = '\(kilobyte)', method = '\(String(repeating: "A", count: 32))' },
              { udp = true, send = '\(kilobyte)', expect = '\(kilobyte)' },
              { grpc = '\(service)' }, { systemd = '\(unit)' }, { exec = ['\(path)', '\(argument)'] },
              { file = '\(path)', exists = true }, { tls = true, server_name = '\(name)', expiry_warning = '365d' },
            ]
            """
        #expect(try checks(text).count == 7)
    }

    @Test(
        "units of every type that can be active are taken",
        arguments: [
            "a.service", "a.socket", "dev-sda.device", "srv.mount", "srv.automount", "a.swap", "network-online.target",
            "a.path", "a.timer", "system.slice", "a.scope", "a:b-c_d.e\\x2d@f.service",
        ])
    func units(_ unit: String) throws {
        #expect(try checks("check = [{ systemd = '\(unit)' }]") == [Check(.systemd(unit: unit))])
    }
}
