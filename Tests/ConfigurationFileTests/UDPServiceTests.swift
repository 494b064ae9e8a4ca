import ConfigurationFile
import NetworkAddress
import Testing

@Suite("Services of UDP")
struct UDPServiceTests {
    private static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))

    @Test("the same port of TCP and of UDP are two services, in whatever order, and ports = 0 is of one protocol")
    func twoServices() throws {
        for (first, second) in [("tcp", "udp"), ("udp", "tcp")] {
            let text = """
                [[service]]
                name = "one"
                vip = "192.0.2.10"
                port = 53
                protocol = "\(first)"
                [[service]]
                name = "two"
                vip = "192.0.2.10"
                port = 0
                protocol = "\(second)"
                """
            let services = try AgentConfiguration.parse(text, file: "f.toml").services
            #expect(services.map(\.transport.rawValue) == [first, second])
            #expect(services.map(\.vips) == [[Self.vip], [Self.vip]])
        }
    }

    @Test("what a drain leaves what is under way, and what a director's own connection is, are as the file says")
    func settings() throws {
        let text = """
            [[service]]
            name = "dns"
            vip = "192.0.2.10"
            port = 53
            protocol = "udp"
            drain_settle = "0s"
            check = [{ udp = true, send = "?" }, { tcp = true }]
            [[service]]
            name = "ntp"
            vip = "192.0.2.10"
            port = 123
            protocol = "udp"
            [[service]]
            name = "web"
            vip = "192.0.2.10"
            port = 80
            director_connections = "checks"
            """
        let services = try AgentConfiguration.parse(text, file: "f.toml").services
        #expect(services.map(\.drainSettle) == [.zero, .seconds(5), .seconds(5)])
        #expect(services.map(\.directorConnections) == [nil, nil, .checks])
        #expect(services[0].checks.map(\.kind) == [.udp(send: "?", expect: nil), .tcp])
    }

    static let refused = [
        AgentRefusal(
            "two services of UDP on one port",
            service: #"""
                protocol = "udp"
                [[service]]
                name = "dns"
                vip = "192.0.2.10"
                port = [53, 80]
                protocol = "udp"
                """#,
            #"""
            f.toml:8: service[1].vip: 192.0.2.10:80 (udp) is claimed by "web" already (line 3); give one of the two \#
            another address or another port
            """#),
        AgentRefusal(
            "a settings of UDP for TCP, and one of TCP for UDP",
            service: #"""
                drain_settle = "1s"
                [[service]]
                name = "dns"
                vip = "192.0.2.10"
                port = 53
                protocol = "udp"
                director_connections = "checks"
                """#,
            #"""
            f.toml:5: service[0].drain_settle: is for protocol = "udp"; remove it: a drain waits until the last \#
            connection is closed
            f.toml:11: service[1].director_connections: is for protocol = "tcp"; remove it: UDP has no connections
            """#),
        AgentRefusal(
            "a weight that follows the connections of UDP",
            service: #"""
                protocol = "udp"
                [service.load]
                connections = 100
                """#,
            #"""
            f.toml:7: service[0].load.connections: is for protocol = "tcp"; remove it: UDP has no connections to count
            """#),
        AgentRefusal(
            "values beyond the range",
            service: #"""
                protocol = "udp"
                drain_settle = "2h"
                """#,
            #"f.toml:6: service[0].drain_settle: "2h" is out of range; write a time of 0s to 1h"#),
        AgentRefusal(
            "a word that is not known", service: #"director_connections = "probes""#,
            #"""
            f.toml:5: service[0].director_connections: "probes" is not known; write one of "clients", "checks"
            """#),
    ]

    @Test("what does not go with the protocol is refused, with the line and the cure", arguments: refused)
    func refusals(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }
}
