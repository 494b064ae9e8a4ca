import ConfigurationFile
import Testing

@Suite("rsdirector.toml: in [[service]]")
struct DirectorServiceRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "forwarding that nobody does", settings: #"forward = "fullnat""#,
            #"f.toml:6: service[0].forward: "fullnat" is not known; write one of "dr", "tun", "nat""#),
        DirectorRefusal(
            "a protocol that is not served", settings: #"protocol = "sctp""#,
            #"f.toml:6: service[0].protocol: "sctp" is not known; write one of "tcp", "udp""#),
        DirectorRefusal(
            "answers past the director with NAT",
            settings: #"""
                forward = "nat"
                reply = "direct"
                """#,
            #"""
            f.toml:7: service[0].reply: "direct" cannot work with forward = "nat": only the director can turn answers \#
            back; remove it, or write reply = "director"
            """#),
        DirectorRefusal(
            "a way of answers that there is not", settings: #"reply = "back""#,
            #"f.toml:6: service[0].reply: "back" is not known; write one of "direct", "director""#),
        DirectorRefusal(
            "a tunnel without tunnelling",
            settings: #"""
                tunnel = "gre"
                tunnel_port = 6080
                """#,
            #"""
            f.toml:6: service[0].tunnel: is for forward = "tun"; remove it, or write forward = "tun"
            f.toml:7: service[0].tunnel_port: is for forward = "tun"; remove it, or write forward = "tun"
            """#),
        DirectorRefusal(
            "a port of a tunnel that has none",
            settings: #"""
                forward = "tun"
                tunnel_port = 6080
                """#,
            #"f.toml:7: service[0].tunnel_port: is for tunnel = "gue"; remove it, or write tunnel = "gue""#),
        DirectorRefusal(
            "a tunnel that there is not",
            settings: #"""
                forward = "tun"
                tunnel = "vxlan"
                """#,
            #"f.toml:7: service[0].tunnel: "vxlan" is not known; write one of "ipip", "gre", "gue""#),
        DirectorRefusal(
            "a real port, which is the server's",
            settings: #"""
                forward = "nat"
                real_port = 8080
                """#,
            #"f.toml:7: service[0].real_port: is a key of rsagent.toml; write port in [[service.server]]"#),
        DirectorRefusal(
            "a VIP of a family that no server has",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = ["192.0.2.10", "2001:db8::10"]
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:4: service[0].vip[1]: 2001:db8::10 is IPv6, and no server is; remove it, add a [[service.server]] \#
            with an IPv6 address, or write forward = "tun"
            """#),
        DirectorRefusal(
            "a VIP that is on one link only",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "fe80::10"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:4: service[0].vip: fe80::10 is a link-local address, which means something on one link only; write \#
            an address that a VIP can have, such as "2001:db8::10"
            """#),
        DirectorRefusal(
            "sloppy with UDP",
            settings: #"""
                protocol = "udp"
                sloppy = true
                """#,
            #"f.toml:7: service[0].sloppy: is for protocol = "tcp"; remove it: any packet of UDP opens a flow"#),
        DirectorRefusal(
            "what becomes of connections, in another word", settings: #"removed_connections = "drop""#,
            #"f.toml:6: service[0].removed_connections: "drop" is not known; write one of "hold", "forget""#),
        DirectorRefusal(
            "a slow start beyond an hour, and a last word beyond a day",
            settings: #"""
                slow_start = "2h"
                last_word = "2d"
                """#,
            #"""
            f.toml:6: service[0].slow_start: "2h" is out of range; write a time of 0s to 1h
            f.toml:7: service[0].last_word: "2d" is out of range; write a time of 0s to 1d
            """#),
        DirectorRefusal(
            "a last word without a unit", settings: #"last_word = 60"#,
            #"""
            f.toml:6: service[0].last_word: 60 has no unit; write the unit: last_word = "60s", or ms, m, h, d (0s to 1d)
            """#),
        DirectorRefusal(
            "rise and fall out of range",
            settings: #"""
                rise = 0
                fall = 1001
                """#,
            #"""
            f.toml:6: service[0].rise: 0 is out of range; write a whole number of 1 to 1000
            f.toml:7: service[0].fall: 1001 is out of range; write a whole number of 1 to 1000
            """#),
        DirectorRefusal(
            "TCP and UDP are two services, TCP and TCP are not",
            end: #"""
                [[service]]
                name = "b"
                vip = "192.0.2.10"
                port = 80
                protocol = "udp"
                [[service.server]]
                address = "10.0.0.11"
                [[service]]
                name = "c"
                vip = "192.0.2.10"
                port = 0
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:17: service[2].vip: 192.0.2.10:80 (tcp) is claimed by "web" already (line 4); give one of the two \#
            another address or another port
            """#),
    ]
}
