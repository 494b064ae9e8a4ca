import ConfigurationFile
import Testing

@Suite("rsagent.toml: who may send tunnel packets, and what else is kept at the top")
struct AgentAdmissionRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    /// An otherwise valid service with TUN, which has no director.
    private static let tunnelled = AgentRefusal.service + "forward = \"tun\""
    /// What is said of it, but for the line.
    private static let unadmitted = #"""
        service[0].forward: tunnel packets are taken from directors and tunnel_sources only, and there are none; \#
        write directors = ["10.0.0.1"], or lockdown = false to take them from anyone
        """#

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a network with host bits", top: #"tunnel_sources = ["172.16.5.0/16"]"#,
            #"f.toml:1: tunnel_sources[0]: "172.16.5.0/16" has bits set behind its first 16; write "172.16.0.0/16""#),
        AgentRefusal(
            "a network of IPv6 with host bits", top: #"tunnel_sources = ["2001:db8::1/64", "2001:db8:0:0:8000::/64"]"#,
            #"""
            f.toml:1: tunnel_sources[0]: "2001:db8::1/64" has bits set behind its first 64; write "2001:db8::/64"
            f.toml:1: tunnel_sources[1]: "2001:db8:0:0:8000::/64" has bits set behind its first 64; write \#
            "2001:db8::/64"
            """#),
        AgentRefusal(
            "a network in everyone's, by its length", top: #"tunnel_sources = "10.0.0.1/0""#,
            #"f.toml:1: tunnel_sources: "10.0.0.1/0" has bits set behind its first 0; write "0.0.0.0/0""#),
        AgentRefusal(
            "everyone", top: #"tunnel_sources = ["0.0.0.0/0", "::/0"]"#,
            #"""
            f.toml:1: tunnel_sources[0]: "0.0.0.0/0" is everyone; write the networks that directors send from, or \#
            lockdown = false to take packets from anyone
            f.toml:1: tunnel_sources[1]: "::/0" is everyone; write the networks that directors send from, or \#
            lockdown = false to take packets from anyone
            """#),
        AgentRefusal(
            "a length beyond the family's, or none", top: #"tunnel_sources = ["10.0.0.0/33", "10.0.0.0/", "10.0.0/8"]"#,
            #"""
            f.toml:1: tunnel_sources[0]: "10.0.0.0/33" is not ADDRESS/LENGTH; write a network, such as \#
            "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:1: tunnel_sources[1]: "10.0.0.0/" is not ADDRESS/LENGTH; write a network, such as \#
            "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:1: tunnel_sources[2]: "10.0.0/8" is not ADDRESS/LENGTH; write a network, such as \#
            "172.16.0.0/16", or one address, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "a source by name", top: #"tunnel_sources = "katran.example.com""#,
            #"""
            f.toml:1: tunnel_sources: "katran.example.com" is not an IP address (names are not looked up); write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "sources that no packet has",
            top: #"""
                tunnel_sources = [
                  "127.0.0.0/8",
                  "224.0.0.0/4",
                  "0.0.0.0",
                  "0.0.0.0/8",
                  "255.255.255.255",
                  "::1",
                  "ff00::/8",
                  "::ffff:10.0.0.0/104",
                ]
                """#,
            #"""
            f.toml:2: tunnel_sources[0]: "127.0.0.0/8" is a loopback address, where no packet comes from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:3: tunnel_sources[1]: "224.0.0.0/4" is a multicast address, where no packet comes from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:4: tunnel_sources[2]: "0.0.0.0" is the unspecified address, where no packet comes from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:5: tunnel_sources[3]: "0.0.0.0/8" is the unspecified address, where no packet comes from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:6: tunnel_sources[4]: "255.255.255.255" is the broadcast address, where no packet comes from; \#
            write a network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:7: tunnel_sources[5]: "::1" is a loopback address, where no packet comes from; write a network, \#
            such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:8: tunnel_sources[6]: "ff00::/8" is a multicast address, where no packet comes from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:9: tunnel_sources[7]: "::ffff:10.0.0.0/104" is an IPv4 address in IPv6 notation, where no packet \#
            comes from; write a network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "a source twice, once as a network of one", top: #"tunnel_sources = ["10.9.0.1", "10.9.0.1/32"]"#,
            #"f.toml:1: tunnel_sources[1]: 10.9.0.1/32 is listed twice; remove one of the two"#),
        AgentRefusal(
            "a source that is a number", top: #"tunnel_sources = [10]"#,
            #"""
            f.toml:1: tunnel_sources[0]: is a number, not text; write tunnel_sources = "172.16.0.0/16", or a list of \#
            such texts
            """#),
        AgentRefusal("TUN from nobody", file: tunnelled, "f.toml:5: \(unadmitted)"),
        AgentRefusal(
            "TUN from empty lists", file: "directors = []\ntunnel_sources = []\n" + tunnelled, "f.toml:7: \(unadmitted)"
        ),
        AgentRefusal(
            "TUN from this host itself", file: "directors = [\"127.0.0.1\", \"::1\"]\n" + tunnelled,
            "f.toml:6: \(unadmitted)"),
        AgentRefusal(
            "TUN from sources that are wrong is not refused as well",
            file: "tunnel_sources = [\"10.0.0.1/8\"]\n" + tunnelled,
            #"f.toml:1: tunnel_sources[0]: "10.0.0.1/8" has bits set behind its first 8; write "10.0.0.0/8""#),
        AgentRefusal(
            "TUN with a lock-down that is wrong is not refused as well", file: "lockdown = \"no\"\n" + tunnelled,
            #"f.toml:1: lockdown: is text, not true or false; write lockdown = true or lockdown = false"#),
        AgentRefusal(
            "what is neither true nor false",
            top: #"""
                arp_block = 1
                default_route = "10.0.0.1"
                sentinel = []
                """#,
            #"""
            f.toml:1: arp_block: is a number, not true or false; write arp_block = true or arp_block = false
            f.toml:2: default_route: is text, not true or false; write default_route = true or default_route = false
            f.toml:3: sentinel: is a list, not true or false; write sentinel = true or sentinel = false
            """#),
        AgentRefusal(
            "a default route that no service needs", top: "directors = \"10.0.0.1\"\ndefault_route = true",
            #"""
            f.toml:2: default_route: would send all that leaves this host to a director, and no service answers by \#
            way of one; remove it, or write reply = "director" in the [[service]] that needs it
            """#),
        AgentRefusal(
            "a default route for a service that is wrong itself",
            file: "default_route = true\n" + AgentRefusal.service + "reply = \"directr\"",
            #"f.toml:6: service[0].reply: "directr" is not known; write reply = "direct""#),
        AgentRefusal(
            "a default route without services", file: "default_route = true",
            #"f.toml:1: service: is missing; write a [[service]] with its name, vip and port"#),
        AgentRefusal(
            "keys of the other table",
            file: "tunnel = \"gue\"\nscope = \"host\"\n" + AgentRefusal.service
                + "lockdown = false\ntunnel_sources = []",
            #"""
            f.toml:1: tunnel: does not belong here; move it into [[service]]
            f.toml:2: scope: does not belong here; move it into [[service]]
            f.toml:7: service[0].lockdown: does not belong here; move it to the top of the file, before the first \#
            [table]
            f.toml:8: service[0].tunnel_sources: does not belong here; move it to the top of the file, before the \#
            first [table]
            """#),
    ]
}
