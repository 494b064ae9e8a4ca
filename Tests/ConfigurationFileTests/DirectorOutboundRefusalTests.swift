import ConfigurationFile
import Testing

@Suite("rsdirector.toml: in [[outbound]]")
struct DirectorOutboundRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "an empty table", end: #"[[outbound]]"#,
            #"""
            f.toml:8: outbound[0].source: is missing; write source = "10.0.0.0/24", the network of the servers
            f.toml:8: outbound[0].address: is missing; write address = "203.0.113.5", what the world sees
            """#),
        DirectorRefusal(
            "one bracket",
            end: #"""
                [outbound]
                source = "10.0.0.0/24"
                """#,
            #"f.toml:8: outbound: is a table, not a list of tables; open each with [[outbound]]"#),
        DirectorRefusal(
            "a network with host bits",
            end: #"""
                [[outbound]]
                source = "10.0.0.1/24"
                address = "203.0.113.5"
                """#,
            #"f.toml:9: outbound[0].source: "10.0.0.1/24" has bits set behind its first 24; write "10.0.0.0/24""#),
        DirectorRefusal(
            "a network of everyone",
            end: #"""
                [[outbound]]
                source = "0.0.0.0/0"
                address = "203.0.113.5"
                """#,
            #"""
            f.toml:9: outbound[0].source: "0.0.0.0/0" is everyone; write source = "10.0.0.0/24", the network of the \#
            servers
            """#),
        DirectorRefusal(
            "no network in the list",
            end: #"""
                [[outbound]]
                source = []
                address = "203.0.113.5"
                """#,
            #"""
            f.toml:9: outbound[0].source: is an empty list; write source = "10.0.0.0/24", the network of the servers
            """#),
        DirectorRefusal(
            "an address of the other family",
            end: #"""
                [[outbound]]
                source = ["10.0.0.0/24", "2001:db8:10::/64"]
                address = "203.0.113.5"
                [[outbound]]
                source = "10.0.1.0/24"
                address = "2001:db8::5"
                """#,
            #"""
            f.toml:10: outbound[0].address: 203.0.113.5 cannot stand for 2001:db8:10::/64, which is IPv6; write an \#
            address of IPv6, or an [[outbound]] of its own for IPv6
            f.toml:13: outbound[1].address: 2001:db8::5 cannot stand for 10.0.1.0/24, which is IPv4; write an address \#
            of IPv4, or an [[outbound]] of its own for IPv4
            """#),
        DirectorRefusal(
            "what means something on one link only",
            end: #"""
                [[outbound]]
                source = "fe80::/64"
                address = "fe80::5"
                """#,
            #"""
            f.toml:9: outbound[0].source: fe80::/64 is of one link only, and leaves it by no router; write \#
            source = "2001:db8:10::/64"
            f.toml:10: outbound[0].address: fe80::5 is a link-local address, which means something on one link only; \#
            write an address that a host can have, such as "2001:db8::10"
            """#),
        DirectorRefusal(
            "networks of IPv6 that overlap, and one where an address belongs",
            end: #"""
                [[outbound]]
                source = ["2001:db8:10::/64", "2001:db8:10::/60"]
                address = "2001:db8::/64"
                """#,
            #"""
            f.toml:9: outbound[0].source: 2001:db8:10::/60 and 2001:db8:10::/64 (line 9) overlap; write networks that \#
            have no address in common
            f.toml:10: outbound[0].address: "2001:db8::/64" is a network, not the address of a host; write one \#
            address, such as "203.0.113.5"
            """#),
        DirectorRefusal(
            "an address that is a network",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.0/24"
                """#,
            #"""
            f.toml:10: outbound[0].address: "203.0.113.0/24" is a network, not the address of a host; write one \#
            address, such as "203.0.113.5"
            """#),
        DirectorRefusal(
            "networks that overlap",
            end: #"""
                [[outbound]]
                source = ["10.0.0.0/24", "10.0.0.128/25"]
                address = "203.0.113.5"
                [[outbound]]
                source = "10.0.0.0/16"
                address = "203.0.113.6"
                """#,
            #"""
            f.toml:9: outbound[0].source: 10.0.0.128/25 and 10.0.0.0/24 (line 9) overlap; write networks that have no \#
            address in common
            f.toml:12: outbound[1].source: 10.0.0.0/16 and 10.0.0.0/24 (line 9) overlap; write networks that have no \#
            address in common
            """#),
        DirectorRefusal(
            "an address that is a server",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:10: outbound[0].address: 10.0.0.11 is a server (line 7); write an address of the director's own \#
            for it, which no other host has
            """#),
        DirectorRefusal(
            "a VIP with all its ports",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 0
                [[service.server]]
                address = "10.0.0.11"
                [[outbound]]
                source = "10.0.0.0/24"
                address = "192.0.2.10"
                """#,
            #"""
            f.toml:10: outbound[0].address: every port of 192.0.2.10 is a service's, "web" (line 4); write another \#
            address
            """#),
        DirectorRefusal(
            "a VIP with the port of a service",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "192.0.2.10"
                ports = "80-65535"
                """#,
            #"""
            f.toml:11: outbound[0].ports: port 80 of 192.0.2.10 is a service's, "web" (line 4); write another \#
            address, or ports without that one
            """#),
        DirectorRefusal(
            "ports that are one",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                ports = 1024
                """#,
            #"f.toml:11: outbound[0].ports: is a number, not text; write ports = "1024-65535""#),
        DirectorRefusal(
            "ports that are no range",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                ports = "1024"
                """#,
            #"""
            f.toml:11: outbound[0].ports: "1024" is not a range of ports; write "1024-65535", two ports of 1 to 65535
            """#),
        DirectorRefusal(
            "ports that begin at 0",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                ports = "0-65535"
                """#,
            #"""
            f.toml:11: outbound[0].ports: "0-65535" is not a range of ports; write "1024-65535", two ports of 1 to 65535
            """#),
        DirectorRefusal(
            "ports with a sign",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                ports = "+1024-65535"
                """#,
            #"""
            f.toml:11: outbound[0].ports: "+1024-65535" is not a range of ports; write "1024-65535", two ports of 1 \#
            to 65535
            """#),
        DirectorRefusal(
            "ports that end before they begin",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                ports = "65535-1024"
                """#,
            #"f.toml:11: outbound[0].ports: "65535-1024" ends before it begins; write "1024-65535""#),
        DirectorRefusal(
            "a key of a server",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                weight = 1
                """#,
            #"f.toml:11: outbound[0].weight: does not belong here; move it into [[service.server]]"#),
    ]
}
