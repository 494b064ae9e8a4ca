import ConfigurationFile
import Testing

@Suite("rsdirector.toml: at the top and in [[service]]")
struct DirectorTopRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "an empty file", file: #""#,
            #"""
            f.toml:1: interface: is missing; write interface = "eth0", where packets come in and go out
            f.toml:1: service: is missing; write a [[service]] with its name, vip, port and servers
            """#),
        DirectorRefusal(
            "no server", service: #""#,
            #"f.toml:2: service[0].server: is missing; write a [[service.server]] with address = "10.0.0.11""#),
        DirectorRefusal(
            "an interface name of 16 bytes",
            file: #"""
                interface = ["eth0", "abcdefghijklmnop"]
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:1: interface[1]: "abcdefghijklmnop" cannot be an interface; write 1 to 15 bytes without '/', \#
            ':' and blanks, such as "eth0" (ip link lists them)
            """#),
        DirectorRefusal(
            "no server in the list",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                server = []
                """#,
            #"f.toml:6: service[0].server: is an empty list; write a [[service.server]] with address = "10.0.0.11""#),
        DirectorRefusal(
            "an interface twice",
            file: #"""
                interface = ["eth0", "eth0"]
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:1: interface[1]: "eth0" is listed twice; remove one of the two"#),
        DirectorRefusal(
            "no interface in the list",
            file: #"""
                interface = []
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:1: interface: is an empty list; write interface = "eth0", or a list of such texts"#),
        DirectorRefusal(
            "engine xdp", top: #"engine = "xdp""#,
            #"""
            f.toml:1: engine: "xdp" is not in this version; write engine = "packet", which needs nothing but this \#
            program; xdp comes with a later version
            """#),
        DirectorRefusal(
            "engine ipvs", top: #"engine = "ipvs""#,
            #"""
            f.toml:1: engine: "ipvs" is not in this version; write engine = "packet", which needs nothing but \#
            this program; the kernel's IPVS is driven by keepalived or ldirectord, which rsagent serves too
            """#),
        DirectorRefusal(
            "engine packets", top: #"engine = "packets""#,
            #"f.toml:1: engine: "packets" is not known; write engine = "packet""#),
        DirectorRefusal(
            "engine dpdk", top: #"engine = "dpdk""#,
            #"f.toml:1: engine: "dpdk" is not known; write engine = "packet""#),
        DirectorRefusal(
            "an engine that is a number", top: #"engine = 1"#,
            #"f.toml:1: engine: is a number, not text; write engine = "packet""#),
        DirectorRefusal(
            "own_vip as text", top: #"own_vip = "yes""#,
            #"f.toml:1: own_vip: is text, not true or false; write own_vip = true or own_vip = false"#),
        DirectorRefusal(
            "a status address without a port", top: #"status = "127.0.0.1""#,
            #"f.toml:1: status: "127.0.0.1" is not an address and a port; write "127.0.0.1:9390""#),
        DirectorRefusal(
            "a status address that is a port", top: #"status = 9390"#,
            #"f.toml:1: status: is a number, not text; write status = "127.0.0.1:9390""#),
        DirectorRefusal(
            "a relative run_dir", top: #"run_dir = "run""#,
            #"""
            f.toml:1: run_dir: "run" is not an absolute path; write a path that begins with '/', such as \#
            "/run/rsdirector"
            """#),
        DirectorRefusal(
            "a key of the agent", top: #"state_dir = "/x""#,
            #"""
            f.toml:1: state_dir: is not a key; remove it, or write one of interface, engine, run_dir, status, \#
            own_vip, service
            """#),
        DirectorRefusal(
            "source NAT",
            end: #"""
                [[outbound]]
                source = "10.0.0.0/24"
                address = "203.0.113.5"
                """#,
            #"f.toml:8: outbound: is not in this version; remove it: let the packet filter of a router do source NAT"#),
        DirectorRefusal(
            "what a service does not do yet",
            service: #"""
                persistence = "5m"
                persistence_netmask = 32
                tunnel = "ipip"
                tunnel_port = 1
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:6: service[0].persistence: is not in this version; remove it: each connection is scheduled by \#
            itself
            f.toml:7: service[0].persistence_netmask: is not in this version; remove it: each connection is \#
            scheduled by itself
            f.toml:8: service[0].tunnel: is not in this version; remove it: this version does "dr" only
            f.toml:9: service[0].tunnel_port: is not in this version; remove it: this version does "dr" only
            """#),
        DirectorRefusal(
            "weight at the service",
            service: #"""
                weight = 1
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:6: service[0].weight: does not belong here; move it into [[service.server]]"#),
        DirectorRefusal(
            "scheduler wlc",
            service: #"""
                scheduler = "wlc"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:6: service[0].scheduler: "wlc" is not in this version; write one of "rr", "wrr""#),
        DirectorRefusal(
            "scheduler mh",
            service: #"""
                scheduler = "mh"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:6: service[0].scheduler: "mh" is not in this version; write one of "rr", "wrr""#),
        DirectorRefusal(
            "scheduler WRR",
            service: #"""
                scheduler = "WRR"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:6: service[0].scheduler: "WRR" is not known; write scheduler = "wrr""#),
        DirectorRefusal(
            "scheduler fastest",
            service: #"""
                scheduler = "fastest"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"f.toml:6: service[0].scheduler: "fastest" is not known; write one of "rr", "wrr""#),
        DirectorRefusal(
            "forwarding of a later version",
            service: #"""
                forward = "nat"
                protocol = "udp"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:6: service[0].forward: "nat" is not in this version; write forward = "dr": this version does \#
            "dr" only
            f.toml:7: service[0].protocol: "udp" is not in this version; write protocol = "tcp", the only one of \#
            this version
            """#),
        DirectorRefusal(
            "forwarding that the agent knows and this director does not",
            service: #"""
                forward = "tun"
                [[service.server]]
                address = "10.0.0.11"
                """#,
            #"""
            f.toml:6: service[0].forward: "tun" is not in this version; write forward = "dr": this version does \#
            "dr" only
            """#),
        DirectorRefusal(
            "a list of ports", port: #"[80, 443]"#,
            #"f.toml:5: service[0].port: is a list; write one number, and a [[service]] of its own for each port"#),
        DirectorRefusal(
            "a port as a range", port: #""80-90""#,
            #"""
            f.toml:5: service[0].port: "80-90" is a range, which is not in this version; write a port of 1 to \#
            65535, or 0 for all
            """#),
        DirectorRefusal(
            "a port out of range", port: #"65536"#,
            #"f.toml:5: service[0].port: 65536 is out of range; write a port of 1 to 65535, or 0 for all"#),
    ]
}
