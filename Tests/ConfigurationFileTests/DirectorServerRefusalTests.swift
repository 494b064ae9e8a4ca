import ConfigurationFile
import Testing

@Suite("rsdirector.toml: services and servers")
struct DirectorServerRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "a service that lacks everything",
            file: #"""
                interface = "eth0"
                [[service]]
                """#,
            #"""
            f.toml:2: service[0].name: is missing; write name = "web", a name of your own
            f.toml:2: service[0].vip: is missing; write vip = "192.0.2.10", the address clients connect to
            f.toml:2: service[0].port: is missing; write port = 80, or 0 for all
            f.toml:2: service[0].server: is missing; write a [[service.server]] with address = "10.0.0.11"
            """#),
        DirectorRefusal(
            "a server without an address", service: #"[[service.server]]"#,
            #"""
            f.toml:6: service[0].server[0].address: is missing; write address = "10.0.0.11", the server's own address \#
            (RIP)
            """#),
        DirectorRefusal(
            "a server twice",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:9: service[0].server[1].address: 10.0.0.11 is a server of this service already (line 7); remove \#
            one of the two, or give it another address
            """#),
        DirectorRefusal(
            "a server that is the VIP",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                [[service.server]]
                address = "192.0.2.10"
                """#,
            #"""
            f.toml:9: service[0].server[1].address: 192.0.2.10 is a VIP (line 4); write the server's own address \#
            (RIP), which is on its interface and not on lo
            """#),
        DirectorRefusal(
            "a server that is the VIP of a later service",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                [[service.server]]
                address = "192.0.2.20"
                [[service]]
                name = "b"
                vip = "192.0.2.20"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:9: service[0].server[1].address: 192.0.2.20 is a VIP (line 12); write the server's own address \#
            (RIP), which is on its interface and not on lo
            """#),
        DirectorRefusal(
            "a server with a prefix length",
            service: #"""
                [[service.server]]
                address = "10.0.0.11/24"
                """#,
            #"f.toml:7: service[0].server[0].address: "10.0.0.11/24" has a prefix length; write "10.0.0.11""#),
        DirectorRefusal(
            "a server of IPv6",
            service: #"""
                [[service.server]]
                address = "2001:db8::11"
                """#,
            #"""
            f.toml:7: service[0].server[0].address: 2001:db8::11 is IPv6, and no VIP of the service is; write an IPv4 \#
            address: with forward = "dr" packets keep their family
            """#),
        DirectorRefusal(
            "a server that is loopback",
            service: #"""
                [[service.server]]
                address = "127.0.0.1"
                """#,
            #"""
            f.toml:7: service[0].server[0].address: 127.0.0.1 is a loopback address, not the address of a host; write \#
            an address that a server can have, such as "10.0.0.11"
            """#),
        DirectorRefusal(
            "a misspelt key of a server",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                wait = 1
                weigth = 1
                """#,
            #"""
            f.toml:8: service[0].server[0].wait: is not a key; remove it, or write one of address, port, agent, \#
            token, token_file, ca, certificate, key, weight, rise, fall, upper, lower, check
            f.toml:9: service[0].server[0].weigth: is not a key; did you mean weight?
            """#),
        DirectorRefusal(
            "server weight and fall out of range",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                weight = 65536
                fall = 0
                """#,
            #"""
            f.toml:8: service[0].server[0].weight: 65536 is out of range; write a whole number of 0 to 65535
            f.toml:9: service[0].server[0].fall: 0 is out of range; write a whole number of 1 to 1000
            """#),
        DirectorRefusal(
            "two services on one VIP and port",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                [[service]]
                name = "b"
                vip = "192.0.2.10"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:10: service[1].vip: 192.0.2.10:80 (tcp) is claimed by "web" already (line 4); give one of the two \#
            another address or another port
            """#),
        DirectorRefusal(
            "a name twice, and all ports over one",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 0
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:9: service[1].name: "web" is the name of another service already (line 3); give one of the two \#
            another name
            f.toml:10: service[1].vip: 192.0.2.10:80 (tcp) is claimed by "web" already (line 4); give one of the two \#
            another address or another port
            """#),
        DirectorRefusal(
            "a syntax error",
            service: #"""
                scheduler = wrr
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:6: syntax error in column 13: while parsing value: could not determine value type; write text in \#
            double quotes, such as "eth0"
            """#),
        DirectorRefusal(
            "a port that does not go with direct routing", end: #"port = 8080"#,
            #"""
            f.toml:8: service[0].server[0].port: is for forward = "nat"; remove it: with forward = "dr" the server \#
            listens on the VIP's own port
            """#),
        DirectorRefusal(
            "a port where the service takes all",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 0
                forward = "nat"
                [[service.server]]
                address = "10.0.0.11"
                port = 8080
                """#,
            #"""
            f.toml:9: service[0].server[0].port: is one port, and the service takes all; remove it, or write the one \#
            port of the VIP that it stands for, such as port = 80
            """#),
        DirectorRefusal(
            "a port out of range",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                forward = "nat"
                [[service.server]]
                address = "10.0.0.11"
                port = 0
                """#,
            #"f.toml:9: service[0].server[0].port: 0 is out of range; write a port of 1 to 65535"#),
        DirectorRefusal(
            "a lower threshold alone", end: #"lower = 10"#,
            #"""
            f.toml:8: service[0].server[0].lower: is for servers with an upper threshold; remove it, or write upper = \#
            1000
            """#),
        DirectorRefusal(
            "a lower threshold above the upper",
            end: #"""
                upper = 10
                lower = 11
                """#,
            #"""
            f.toml:9: service[0].server[0].lower: 11 is more than upper, 10; write lower = 10 or less, or a larger upper
            """#),
        DirectorRefusal(
            "thresholds out of range",
            end: #"""
                upper = 0
                lower = 100000001
                """#,
            #"""
            f.toml:8: service[0].server[0].upper: 0 is out of range; write a whole number of 1 to 100000000
            f.toml:9: service[0].server[0].lower: 100000001 is out of range; write a whole number of 1 to 100000000
            """#),
        DirectorRefusal(
            "rise out of range", end: #"rise = 0"#,
            #"f.toml:8: service[0].server[0].rise: 0 is out of range; write a whole number of 1 to 1000"#),
    ]
}
