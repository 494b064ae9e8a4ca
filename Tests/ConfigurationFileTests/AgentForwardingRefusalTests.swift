import ConfigurationFile
import Testing

@Suite("rsagent.toml: forwarding and replies of a [[service]]")
struct AgentForwardingRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    /// A director of each family, on line 1, and a service on lines 2 to 5.
    private static let directed = "directors = [\"10.0.0.1\", \"2001:db8::1\"]\n" + AgentRefusal.service

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "forwarding as a number", service: #"forward = 1"#,
            #"f.toml:5: service[0].forward: is a number, not text; write forward = "dr""#),
        AgentRefusal(
            "forwarding that does not exist", service: #"forward = "gre""#,
            #"f.toml:5: service[0].forward: "gre" is not known; write one of "dr", "tun", "nat""#),
        AgentRefusal(
            "forwarding in capitals", service: #"forward = "NAT""#,
            #"f.toml:5: service[0].forward: "NAT" is not known; write forward = "nat""#),
        AgentRefusal(
            "forwarding that is wrong leaves open what goes with it",
            service: #"""
                forward = "gre"
                reply = "back"
                tunnel = "ip"
                tunnel_port = 0
                real_port = 0
                scope = "link"
                """#,
            #"""
            f.toml:5: service[0].forward: "gre" is not known; write one of "dr", "tun", "nat"
            f.toml:6: service[0].reply: "back" is not known; write one of "direct", "director"
            f.toml:7: service[0].tunnel: "ip" is not known; write one of "ipip", "gre", "gue"
            f.toml:8: service[0].tunnel_port: 0 is out of range; write a port of 1 to 65535
            f.toml:9: service[0].real_port: 0 is out of range; write a port of 1 to 65535
            f.toml:10: service[0].scope: "link" is not known; write one of "global", "host"
            """#),
        AgentRefusal(
            "a real port, a tunnel and its port with DR",
            service: #"""
                tunnel = "gue"
                tunnel_port = 6080
                real_port = 8080
                """#,
            #"""
            f.toml:5: service[0].tunnel: is for forward = "tun"; remove it, or write forward = "tun"
            f.toml:6: service[0].tunnel_port: is for forward = "tun"; remove it, or write forward = "tun"
            f.toml:7: service[0].real_port: is for forward = "nat"; remove it: with forward = "dr" the service \#
            listens on the VIP's own port
            """#),
        AgentRefusal(
            "a real port with TUN", file: directed + "forward = \"tun\"\nreal_port = 8080",
            #"""
            f.toml:7: service[0].real_port: is for forward = "nat"; remove it: with forward = "tun" the service \#
            listens on the VIP's own port
            """#),
        AgentRefusal(
            "a port for a tunnel that has none, by name",
            file: directed + "forward = \"tun\"\ntunnel = \"gre\"\ntunnel_port = 6080",
            #"f.toml:8: service[0].tunnel_port: is for tunnel = "gue"; remove it, or write tunnel = "gue""#),
        AgentRefusal(
            "a port for a tunnel that has none, by default", file: directed + "forward = \"tun\"\ntunnel_port = 6080",
            #"f.toml:7: service[0].tunnel_port: is for tunnel = "gue"; remove it, or write tunnel = "gue""#),
        AgentRefusal(
            "a tunnel port out of range, or a list",
            file: directed + "forward = \"tun\"\ntunnel = \"gue\"\ntunnel_port = [6080]",
            #"f.toml:8: service[0].tunnel_port: is a list, not a whole number; write a port of 1 to 65535"#),
        AgentRefusal(
            "a tunnel by a family of its own",
            file: directed + "forward = \"tun\"\ntunnel = \"ipip6\"\ntunnel_port = 65536",
            #"""
            f.toml:7: service[0].tunnel: "ipip6" is not known; write tunnel = "ipip"
            f.toml:8: service[0].tunnel_port: 65536 is out of range; write a port of 1 to 65535
            """#),
        AgentRefusal(
            "NAT with what it cannot have",
            file: directed + "forward = \"nat\"\nreply = \"direct\"\ntunnel = \"ipip\"\nscope = \"host\"",
            #"""
            f.toml:7: service[0].reply: "direct" cannot work with forward = "nat": only the director can turn answers \#
            back; remove it, or write reply = "director"
            f.toml:8: service[0].tunnel: is for forward = "tun"; remove it, or write forward = "tun"
            f.toml:9: service[0].scope: is for forward = "dr" and "tun"; remove it: with forward = "nat" the VIP is \#
            the director's, and is not put on this host
            """#),
        AgentRefusal(
            "one real port for several ports",
            file: #"""
                directors = "10.0.0.1"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = [80, 443]
                forward = "nat"
                real_port = 8080
                """#,
            #"""
            f.toml:7: service[0].real_port: is one port, and the service has 2; write a [[service]] of its own for \#
            each port, or remove it
            """#),
        AgentRefusal(
            "one real port for all ports",
            file: #"""
                directors = "10.0.0.1"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 0
                forward = "nat"
                real_port = 8080
                """#,
            #"""
            f.toml:5: service[0].port: stands for all ports, and with forward = "nat" every answer of this host would go \#
            by way of the director; write the ports of the service, such as port = 80
            f.toml:7: service[0].real_port: is one port, and the service takes all; remove it, or write the one port \#
            of the VIP that it stands for, such as port = 80
            """#),
        AgentRefusal(
            "several real ports", file: directed + "forward = \"nat\"\nreal_port = [8080]",
            #"f.toml:7: service[0].real_port: is a list, not a whole number; write a port of 1 to 65535"#),
        AgentRefusal(
            "answers by way of a director without directors", service: #"reply = "director""#,
            #"""
            f.toml:5: service[0].reply: answers of 192.0.2.10 go by way of a director, and directors names none of \#
            IPv4; add the director's own IPv4 address (DIP) there, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "NAT without directors", service: #"forward = "nat""#,
            #"""
            f.toml:5: service[0].forward: answers of 192.0.2.10 go by way of a director, and directors names none of \#
            IPv4; add the director's own IPv4 address (DIP) there, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "answers by way of a director of the other family",
            file: #"""
                directors = ["10.0.0.1", "::1"]
                [[service]]
                name = "web"
                vip = ["192.0.2.10", "2001:db8::10", "2001:db8::11"]
                port = 80
                reply = "director"
                """#,
            #"""
            f.toml:6: service[0].reply: answers of 2001:db8::10 go by way of a director, and directors names none of \#
            IPv6; add the director's own IPv6 address (DIP) there, such as "2001:db8::1"
            """#),
        AgentRefusal(
            "answers by way of this host itself",
            file: "directors = [\"127.0.0.1\"]\n" + AgentRefusal.service + "reply = \"director\"",
            #"""
            f.toml:6: service[0].reply: answers of 192.0.2.10 go by way of a director, and directors names none of \#
            IPv4; add the director's own IPv4 address (DIP) there, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "directors that are wrong are not missed as well",
            file: "directors = [\"10.0.0.1/24\"]\n" + AgentRefusal.service + "forward = \"tun\"\nreply = \"director\"",
            #"f.toml:1: directors[0]: "10.0.0.1/24" has a prefix length; write "10.0.0.1""#),
        AgentRefusal(
            "two services with one VIP and two scopes",
            service: #"""
                [[service]]
                name = "other"
                vip = ["192.0.2.11", "192.0.2.10"]
                port = 81
                scope = "host"
                """#,
            #"""
            f.toml:9: service[1].scope: 192.0.2.10 has the scope "global" for "web" (line 3) already; write the same \#
            scope in both: scope = "global", which it is if you leave it out, or "host"
            """#),
        AgentRefusal(
            "two services with one VIP, the second of which says no scope",
            service: #"""
                scope = "host"
                [[service]]
                name = "other"
                vip = ["192.0.2.11", "192.0.2.10"]
                port = 81
                """#,
            #"""
            f.toml:8: service[1].vip[1]: 192.0.2.10 has the scope "host" for "web" (line 3) already; write the same \#
            scope in both: scope = "global", which it is if you leave it out, or "host"
            """#),
        AgentRefusal(
            "a VIP of DR and NAT",
            file: directed + "[[service]]\nname = \"other\"\nvip = \"192.0.2.10\"\nport = 81\nforward = \"nat\"",
            #"""
            f.toml:8: service[1].vip: 192.0.2.10 is the director's alone with forward = "nat", but "web" (line 4) has \#
            forward = "dr", which puts it on this host; give one of the two another VIP, or the other's forward
            """#),
        AgentRefusal(
            "a VIP of NAT and TUN",
            file: directed
                + "forward = \"nat\"\n[[service]]\nname = \"other\"\nvip = \"192.0.2.10\"\nport = 81\nforward = \"tun\"",
            #"""
            f.toml:9: service[1].vip: 192.0.2.10 is put on this host with forward = "tun", but "web" (line 4) has \#
            forward = "nat", where it is the director's alone; give one of the two another VIP, or the other's forward
            """#),
    ]
}
