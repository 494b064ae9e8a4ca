import ConfigurationFile
import Testing

@Suite("rsdirector.toml: which server a connection gets")
struct DirectorTrafficRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "flags of a scheduler that takes none", settings: #"scheduler_flags = "port""#,
            #"""
            f.toml:6: service[0].scheduler_flags: is for the schedulers "sh" and "mh"; remove it, or write one of \#
            those schedulers
            """#),
        DirectorRefusal(
            "flags that are not known, or twice",
            settings: #"""
                scheduler = "mh"
                scheduler_flags = ["mh-port", "fallback", "fallback"]
                """#,
            #"""
            f.toml:7: service[0].scheduler_flags[0]: "mh-port" is not known; write "port"
            f.toml:7: service[0].scheduler_flags[2]: "fallback" is listed twice; remove one of the two
            """#),
        DirectorRefusal(
            "flags that are a number",
            settings: #"""
                scheduler = "sh"
                scheduler_flags = 1
                """#,
            #"""
            f.toml:7: service[0].scheduler_flags: is a number, not text; write scheduler_flags = "port", or a list of \#
            such texts
            """#),
        DirectorRefusal(
            "persistence without a unit", settings: #"persistence = 300"#,
            #"""
            f.toml:6: service[0].persistence: 300 has no unit; write the unit: persistence = "300s", or ms, m, h, d \#
            (1s to 31d)
            """#),
        DirectorRefusal(
            "persistence that is too short", settings: #"persistence = "500ms""#,
            #"f.toml:6: service[0].persistence: "500ms" is out of range; write a time of 1s to 31d"#),
        DirectorRefusal(
            "persistence that is no time", settings: #"persistence = true"#,
            #"f.toml:6: service[0].persistence: is true or false, not a time; write persistence = "300s" (1s to 31d)"#),
        DirectorRefusal(
            "what goes with persistence, without it",
            settings: #"""
                persistence_netmask = 24
                persistence_netmask6 = 64
                drained_clients = "move"
                """#,
            #"""
            f.toml:6: service[0].persistence_netmask: is for services with persistence; remove it, or write \#
            persistence = "5m"
            f.toml:7: service[0].persistence_netmask6: is for services with persistence; remove it, or write \#
            persistence = "5m"
            f.toml:8: service[0].drained_clients: is for services with persistence; remove it, or write persistence = \#
            "5m"
            """#),
        DirectorRefusal(
            "netmasks out of range",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = ["192.0.2.10", "2001:db8::10"]
                port = 80
                forward = "tun"
                persistence = "5m"
                persistence_netmask = 33
                persistence_netmask6 = 129
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:8: service[0].persistence_netmask: 33 is out of range; write a whole number of 1 to 32
            f.toml:9: service[0].persistence_netmask6: 129 is out of range; write a whole number of 1 to 128
            """#),
        DirectorRefusal(
            "a netmask as ipvsadm writes it, and one of another family",
            settings: #"""
                persistence = "5m"
                persistence_netmask = "255.255.255.0"
                persistence_netmask6 = 64
                """#,
            #"""
            f.toml:7: service[0].persistence_netmask: is text, not a whole number; write a whole number of 1 to 32
            f.toml:8: service[0].persistence_netmask6: is for clients of IPv6, and no VIP is; remove it, or add a VIP \#
            of IPv6
            """#),
        DirectorRefusal(
            "what drained clients get, in another word",
            settings: #"""
                persistence = "5m"
                drained_clients = "keep"
                """#,
            #"f.toml:7: service[0].drained_clients: "keep" is not known; write one of "stay", "move""#),
        DirectorRefusal(
            "a quorum without a sorry server",
            settings: #"""
                quorum = 2
                hysteresis = 1
                """#,
            #"""
            f.toml:6: service[0].quorum: is for services with a sorry_server; remove it, or write sorry_server = { \#
            address = "10.0.0.99" }
            f.toml:7: service[0].hysteresis: is for services with a sorry_server; remove it, or write sorry_server = \#
            { address = "10.0.0.99" }
            """#),
        DirectorRefusal(
            "a quorum that cannot be won",
            settings: #"""
                sorry_server = { address = "10.0.0.99" }
                quorum = 2
                """#,
            #"""
            f.toml:7: service[0].quorum: 2 can never be up: of the servers, 1 can serve each VIP; write quorum = 1 or \#
            less, or add a [[service.server]]
            """#),
        DirectorRefusal(
            "a quorum of none",
            settings: #"""
                sorry_server = { address = "10.0.0.99" }
                quorum = 0
                """#,
            #"f.toml:7: service[0].quorum: 0 is out of range; write a whole number of 1 to 10000"#),
        DirectorRefusal(
            "a quorum that cannot be lost",
            settings: #"""
                sorry_server = { address = "10.0.0.99" }
                hysteresis = 1
                """#,
            #"""
            f.toml:7: service[0].hysteresis: 1 is not less than the quorum, 1, which would never be lost; remove it, \#
            or write a larger quorum
            """#),
        DirectorRefusal(
            "a quorum that one family cannot win",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = ["192.0.2.10", "2001:db8::10"]
                port = 80
                quorum = 2
                sorry_server = { address = "10.0.0.99" }
                [[service.server]]
                address = "10.0.0.11"
                [[service.server]]
                address = "10.0.0.12"
                [[service.server]]
                address = "2001:db8::11"
                """#,
            #"""
            f.toml:6: service[0].quorum: 2 can never be up: of the servers, 1 can serve each VIP; write quorum = 1 or \#
            less, or add a [[service.server]]
            """#),
        DirectorRefusal(
            "a sorry server that is a text", settings: #"sorry_server = "10.0.0.99""#,
            #"""
            f.toml:6: service[0].sorry_server: is text, not a table; write sorry_server = { address = "10.0.0.99" }, \#
            or a list of such tables, one for each family
            """#),
        DirectorRefusal(
            "no sorry server in the list", settings: #"sorry_server = []"#,
            #"""
            f.toml:6: service[0].sorry_server: is an empty list; write sorry_server = { address = "10.0.0.99" }, or a \#
            list of such tables, one for each family
            """#),
        DirectorRefusal(
            "a sorry server without an address, and with a weight", settings: #"sorry_server = { weight = 1 }"#,
            #"""
            f.toml:6: service[0].sorry_server.weight: does not belong here; move it into [[service.server]]
            f.toml:6: service[0].sorry_server.address: is missing; write address = "10.0.0.99", the sorry server's \#
            own address
            """#),
        DirectorRefusal(
            "a sorry server that is a server", settings: #"sorry_server = { address = "10.0.0.11" }"#,
            #"""
            f.toml:6: service[0].sorry_server.address: 10.0.0.11 is a server of this service (line 8); write the \#
            address of a host that answers when the servers do not
            """#),
        DirectorRefusal(
            "a sorry server that is the VIP", settings: #"sorry_server = { address = "192.0.2.10" }"#,
            #"""
            f.toml:6: service[0].sorry_server.address: 192.0.2.10 is a VIP (line 4); write the server's own address \#
            (RIP), which is on its interface and not on lo
            """#),
        DirectorRefusal(
            "a sorry server of another family", settings: #"sorry_server = { address = "2001:db8::99" }"#,
            #"""
            f.toml:6: service[0].sorry_server.address: 2001:db8::99 is IPv6, and no VIP of the service is; write an \#
            IPv4 address: with forward = "dr" packets keep their family
            """#),
        DirectorRefusal(
            "a sorry server with a port, without NAT",
            settings: #"sorry_server = { address = "10.0.0.99", port = 8080 }"#,
            #"""
            f.toml:6: service[0].sorry_server.port: is for forward = "nat"; remove it: with forward = "dr" the server \#
            listens on the VIP's own port
            """#),
        DirectorRefusal(
            "a sorry server reached in a way that there is not",
            settings: #"sorry_server = { address = "10.0.0.99", forward = "masq" }"#,
            #"f.toml:6: service[0].sorry_server.forward: "masq" is not known; write one of "dr", "tun", "nat""#),
        DirectorRefusal(
            "two sorry servers for one family",
            settings: #"sorry_server = [{ address = "10.0.0.98" }, { address = "10.0.0.99" }]"#,
            #"""
            f.toml:6: service[0].sorry_server[1]: is a second sorry server for the same VIPs, besides the one on line \#
            6; remove one of the two
            """#),
    ]
}
