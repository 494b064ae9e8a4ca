import ConfigurationFile
import NetworkAddress
import Testing

@Suite("Reading forwarding, replies and the lock-down")
struct ForwardingReadingTests {
    private func parse(_ text: String) throws(ConfigurationError) -> AgentConfiguration {
        try AgentConfiguration.parse(text, file: "f.toml")
    }

    @Test("all keys of forwarding arrive, for IPv4 and IPv6")
    func everything() throws {
        let configuration = try parse(
            """
            directors = ["10.0.0.1", "2001:db8::1"]
            tunnel_sources = ["172.16.0.0/16", "10.9.0.1", "2001:db8:face::/48", "2001:db8::2/128"]
            lockdown = false
            arp_block = true
            default_route = true
            sentinel = false
            [[service]]
            name = "direct"
            vip = "2001:db8::10"
            port = 80
            forward = "dr"
            reply = "director"
            scope = "host"
            [[service]]
            name = "plain"
            vip = ["192.0.2.11", "2001:db8::11"]
            port = 0
            forward = "tun"
            [[service]]
            name = "wrapped"
            vip = "192.0.2.12"
            port = 443
            forward = "tun"
            reply = "director"
            tunnel = "gue"
            tunnel_port = 65535
            [[service]]
            name = "standard"
            vip = "192.0.2.13"
            port = 443
            forward = "tun"
            tunnel = "gue"
            [[service]]
            name = "keyless"
            vip = "192.0.2.14"
            port = 443
            forward = "tun"
            tunnel = "gre"
            [[service]]
            name = "translated"
            vip = ["192.0.2.15", "2001:db8::15"]
            port = 80
            forward = "nat"
            real_port = 8080
            [[service]]
            name = "same"
            vip = "192.0.2.16"
            port = [80, 443]
            forward = "nat"
            reply = "director"
            """)
        let prefixes = ["172.16.0.0/16", "10.9.0.1/32", "2001:db8:face::/48", "2001:db8::2/128"].compactMap {
            Prefix($0)
        }
        let address = { (text: String) in try #require(IPAddress(text)) }
        #expect(configuration.tunnelSources == prefixes && prefixes.count == 4)
        #expect(!configuration.isLockedDown && configuration.isARPBlocked)
        #expect(configuration.takesDefaultRoute && !configuration.isSentinelOn)
        try #expect(
            configuration.services == [
                .init(name: "direct", vips: [address("2001:db8::10")], ports: [80], reply: .director, scope: .host),
                .init(
                    name: "plain", vips: [address("192.0.2.11"), address("2001:db8::11")], ports: [], forward: .tun,
                    reply: .direct, tunnel: .init(.ipip)),
                .init(
                    name: "wrapped", vips: [address("192.0.2.12")], ports: [443], forward: .tun, reply: .director,
                    tunnel: .init(.gue, port: 65535)),
                .init(
                    name: "standard", vips: [address("192.0.2.13")], ports: [443], forward: .tun,
                    tunnel: .init(.gue, port: 6080)),
                .init(
                    name: "keyless", vips: [address("192.0.2.14")], ports: [443], forward: .tun, tunnel: .init(.gre)),
                .init(
                    name: "translated", vips: [address("192.0.2.15"), address("2001:db8::15")], ports: [80],
                    forward: .nat, reply: .director, realPort: 8080),
                .init(
                    name: "same", vips: [address("192.0.2.16")], ports: [80, 443], forward: .nat, reply: .director),
            ])
    }

    @Test("a service made in code is whole without saying what follows from its forwarding")
    func defaults() {
        let dr = AgentConfiguration.Service(name: "a", vips: [], ports: [80])
        let tun = AgentConfiguration.Service(name: "a", vips: [], ports: [80], forward: .tun)
        let nat = AgentConfiguration.Service(name: "a", vips: [], ports: [80], forward: .nat)
        #expect([dr.reply, tun.reply, nat.reply] == [.direct, .direct, .director])
        #expect([dr.tunnel, tun.tunnel, nat.tunnel] == [nil, .init(.ipip, port: 6080), nil])
    }

    @Test("a VIP may come by DR for one port, by TUN for another, and be NATed twice")
    func sharedVIPs() throws {
        let configuration = try parse(
            """
            directors = "10.0.0.1"
            service = [
              { name = "a", vip = "192.0.2.10", port = 80, scope = "host" },
              { name = "b", vip = "192.0.2.10", port = 81, forward = "tun", scope = "host" },
              { name = "c", vip = "192.0.2.10", port = 82, forward = "tun", tunnel = "gre", scope = "host" },
              { name = "d", vip = "192.0.2.11", port = 80, forward = "nat", real_port = 8080 },
              { name = "e", vip = "192.0.2.11", port = 81, forward = "nat", real_port = 8080 },
            ]
            """)
        #expect(configuration.services.map(\.forward) == [.dr, .tun, .tun, .nat, .nat])
    }

    @Test(
        "tunnel packets have somebody to come from",
        arguments: [
            "directors = '10.0.0.1'", "tunnel_sources = '172.16.0.0/16'", "lockdown = false", "directors = ['fe80::1']",
            "tunnel_sources = ['0.0.0.0/1', '128.0.0.0/1']",
        ])
    func admitted(_ top: String) throws {
        let service = "service = [{ name = 'web', vip = '192.0.2.10', port = 80, forward = 'tun' }]"
        #expect(try parse("\(top)\n\(service)").services.first?.tunnel == .init(.ipip))
    }

    @Test("a thousand VIPs are read in a moment, and none is lost")
    func thousands() throws {
        let vips = (0..<1_000).map { $0 % 2 == 0 ? "\"10.1.\($0 / 256).\($0 % 256)\"" : "\"2001:db8::\($0)\"" }
        let list = vips.joined(separator: ", ")
        var configuration = AgentConfiguration(services: [])
        let text = "directors = ['10.0.0.1', '2001:db8::f']\n[[service]]\nname = 'web'\nvip = [\(list)]\nport = 80\n"
        let time = try ContinuousClock().measure {
            configuration = try parse(text + "forward = 'tun'\nreply = 'director'\n")
        }
        #expect(configuration.services.first?.vips.count == 1_000)
        // It takes hundredths of a second; what grows with the square of the VIPs would take many.
        #expect(time < .seconds(5))
    }
}
