import ConfigurationFile
import Testing

@Suite("rsagent.toml: VIPs and ports")
struct AgentAddressRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a VIP with a prefix length", vip: #""192.0.2.10/32""#,
            #"f.toml:3: service[0].vip: "192.0.2.10/32" has a prefix length; write "192.0.2.10""#),
        AgentRefusal(
            "a VIP that is a network", vip: #""192.0.2.0/24""#,
            #"""
            f.toml:3: service[0].vip: "192.0.2.0/24" is a network, not the address of a host; write one address, \#
            such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP that is multicast", vip: #""224.0.0.5""#,
            #"""
            f.toml:3: service[0].vip: 224.0.0.5 is a multicast address, not the address of a host; write an \#
            address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP that is loopback", vip: #""127.0.0.1""#,
            #"""
            f.toml:3: service[0].vip: 127.0.0.1 is a loopback address, not the address of a host; write an \#
            address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP that is unspecified", vip: #""0.0.0.0""#,
            #"""
            f.toml:3: service[0].vip: 0.0.0.0 is the unspecified address, not the address of a host; write an \#
            address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP in 0/8", vip: #""0.1.2.3""#,
            #"""
            f.toml:3: service[0].vip: 0.1.2.3 is an address of "this network", 0.0.0.0/8, not the address of a \#
            host; write an address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP that is broadcast", vip: #""255.255.255.255""#,
            #"""
            f.toml:3: service[0].vip: 255.255.255.255 is the broadcast address, not the address of a host; write \#
            an address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP that is reserved", vip: #""240.0.0.1""#,
            #"""
            f.toml:3: service[0].vip: 240.0.0.1 is a reserved address, not the address of a host; write an \#
            address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP of IPv6 with a prefix length", vip: #""2001:db8::10/128""#,
            #"f.toml:3: service[0].vip: "2001:db8::10/128" has a prefix length; write "2001:db8::10""#),
        AgentRefusal(
            "a VIP that is a network of IPv6", vip: #""2001:db8::/64""#,
            #"""
            f.toml:3: service[0].vip: "2001:db8::/64" is a network, not the address of a host; write one address, \#
            such as "192.0.2.10"
            """#),
        AgentRefusal(
            "VIPs of IPv6 that no VIP can be", vip: #"["fe80::10", "ff02::1", "::1", "::", "::ffff:192.0.2.10"]"#,
            #"""
            f.toml:3: service[0].vip[0]: fe80::10 is a link-local address, which means something on one link only; \#
            write an address that a VIP can have, such as "2001:db8::10"
            f.toml:3: service[0].vip[1]: ff02::1 is a multicast address, not the address of a host; write an \#
            address that a VIP can have, such as "192.0.2.10"
            f.toml:3: service[0].vip[2]: ::1 is a loopback address, not the address of a host; write an address \#
            that a VIP can have, such as "192.0.2.10"
            f.toml:3: service[0].vip[3]: :: is the unspecified address, not the address of a host; write an \#
            address that a VIP can have, such as "192.0.2.10"
            f.toml:3: service[0].vip[4]: ::ffff:192.0.2.10 is an IPv4 address in IPv6 notation, not the address \#
            of a host; write an address that a VIP can have, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP of IPv6 twice, written in two ways", vip: #"["2001:db8::10", "2001:DB8:0::10"]"#,
            #"f.toml:3: service[0].vip[1]: 2001:db8::10 is listed twice; remove one of the two"#),
        AgentRefusal(
            "a VIP by name", vip: #""www.example.com""#,
            #"""
            f.toml:3: service[0].vip: "www.example.com" is not an IP address (names are not looked up); write one \#
            address, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP with a leading zero", vip: #""192.0.2.010""#,
            #"""
            f.toml:3: service[0].vip: "192.0.2.010" is not an IP address (names are not looked up); write one \#
            address, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP of three numbers", vip: #""192.0.2""#,
            #"""
            f.toml:3: service[0].vip: "192.0.2" is not an IP address (names are not looked up); write one \#
            address, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP that is empty", vip: #""""#,
            #"""
            f.toml:3: service[0].vip: "" is not an IP address (names are not looked up); write one address, such \#
            as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP with a blank", vip: #""192.0.2.10 ""#,
            #"""
            f.toml:3: service[0].vip: "192.0.2.10 " is not an IP address (names are not looked up); write one \#
            address, such as "192.0.2.10"
            """#),
        AgentRefusal(
            "a VIP twice", vip: #"["192.0.2.10", "192.0.2.10"]"#,
            #"f.toml:3: service[0].vip[1]: 192.0.2.10 is listed twice; remove one of the two"#),
        AgentRefusal(
            "no VIP in the list", vip: #"[]"#,
            #"f.toml:3: service[0].vip: is an empty list; write vip = "192.0.2.10", or a list of such texts"#),
        AgentRefusal(
            "a VIP that is a date", vip: #"2026-01-01"#,
            #"""
            f.toml:3: service[0].vip: is a date or time, not text; write vip = "192.0.2.10", or a list of such texts
            """#),
        AgentRefusal(
            "a VIP that is a director's address", top: #"directors = ["10.0.0.1", "192.0.2.10"]"#,
            #"""
            f.toml:4: service[0].vip: 192.0.2.10 is the address of a director (line 1); write the VIP here and \#
            the director's own address (DIP) there
            """#),
        AgentRefusal(
            "two services on one VIP and port",
            service: #"""
                [[service]]
                name = "other"
                vip = ["192.0.2.11", "192.0.2.10"]
                port = [81, 80]
                """#,
            #"""
            f.toml:7: service[1].vip[1]: 192.0.2.10:80 (tcp) is claimed by "web" already (line 3); give one of \#
            the two another address or another port
            """#),
        AgentRefusal(
            "all ports over one port",
            service: #"""
                [[service]]
                name = "other"
                vip = "192.0.2.10"
                port = 0
                """#,
            #"""
            f.toml:7: service[1].vip: 192.0.2.10:80 (tcp) is claimed by "web" already (line 3); give one of the \#
            two another address or another port
            """#),
        AgentRefusal(
            "one port under all ports",
            file: #"""
                [[service]]
                name = "all"
                vip = "192.0.2.10"
                port = 0
                [[service]]
                name = "other"
                vip = "192.0.2.10"
                port = 443
                [[service]]
                name = "third"
                vip = "192.0.2.10"
                port = 0
                """#,
            #"""
            f.toml:7: service[1].vip: 192.0.2.10:443 (tcp) is claimed by "all" already (line 3, which takes all \#
            ports); give one of the two another address or another port
            f.toml:11: service[2].vip: every port of 192.0.2.10 (tcp) is claimed by "all" already (line 3, which \#
            takes all ports); give one of the two another address or another port
            f.toml:11: service[2].vip: 192.0.2.10:443 (tcp) is claimed by "other" already (line 7); give one of \#
            the two another address or another port
            """#),
        AgentRefusal(
            "a port beyond the range", port: #"65536"#,
            #"""
            f.toml:4: service[0].port: 65536 is out of range; write a port of 1 to 65535, a list of ports, or 0 \#
            for all
            """#),
        AgentRefusal(
            "a port that is negative", port: #"-1"#,
            #"""
            f.toml:4: service[0].port: -1 is out of range; write a port of 1 to 65535, a list of ports, or 0 for all
            """#),
        AgentRefusal(
            "a port as text", port: #""80""#,
            #"""
            f.toml:4: service[0].port: is text, not a whole number; write a port of 1 to 65535, a list of ports, \#
            or 0 for all
            """#),
        AgentRefusal(
            "a port as a range", port: #""8000-8010""#,
            #"""
            f.toml:4: service[0].port: "8000-8010" is a range, which is not in this version; write a port of 1 to \#
            65535, a list of ports, or 0 for all
            """#),
        AgentRefusal(
            "a port with decimals", port: #"80.0"#,
            #"""
            f.toml:4: service[0].port: is a decimal number, not a whole number; write a port of 1 to 65535, a \#
            list of ports, or 0 for all
            """#),
        AgentRefusal(
            "a port list that is empty", port: #"[]"#,
            #"f.toml:4: service[0].port: is an empty list; write a port of 1 to 65535, a list of ports, or 0 for all"#),
        AgentRefusal(
            "a port list with all", port: #"[80, 0]"#,
            #"""
            f.toml:4: service[0].port[1]: 0 is out of range; write ports of 1 to 65535; for all ports, write port \#
            = 0 without a list
            """#),
        AgentRefusal(
            "a port list with a repeat", port: #"[80, 443, 80]"#,
            #"f.toml:4: service[0].port[2]: 80 is listed twice; remove one of the two"#),
        AgentRefusal(
            "a port list with a range", port: #"[80, "8000-8010"]"#,
            #"""
            f.toml:4: service[0].port[1]: "8000-8010" is a range, which is not in this version; write ports of 1 \#
            to 65535; for all ports, write port = 0 without a list
            """#),
    ]
}
