import ConfigurationFile
import Testing

@Suite("rsdirector.toml: at the top")
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
            f.toml:1: interface[1]: "abcdefghijklmnop" cannot be an interface; write 1 to 15 bytes without '/', ':' \#
            and blanks, such as "eth0" (ip link lists them)
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
            f.toml:1: engine: "ipvs" is not in this version; write engine = "packet", which needs nothing but this \#
            program; the kernel's IPVS is driven by keepalived or ldirectord, which rsagent serves too
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
            own_vip, flows, workers, sloppy, timeouts, agent, join, service, outbound
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
            #"""
            f.toml:6: service[0].scheduler: "fastest" is not known; write one of "rr", "wrr", "lc", "wlc", "sed", \#
            "nq", "sh", "dh", "mh", "fo", "ovf", "lblc", "lblcr", "twos"
            """#),
        DirectorRefusal(
            "a list of ports", port: #"[80, 443]"#,
            #"f.toml:5: service[0].port: is a list; write one number, and a [[service]] of its own for each port"#),
        DirectorRefusal(
            "a port as a range", port: #""80-90""#,
            #"""
            f.toml:5: service[0].port: "80-90" is a range, which is not in this version; write a port of 1 to 65535, \#
            or 0 for all
            """#),
        DirectorRefusal(
            "a port out of range", port: #"65536"#,
            #"f.toml:5: service[0].port: 65536 is out of range; write a port of 1 to 65535, or 0 for all"#),
        DirectorRefusal(
            "a table of flows that is too small", top: #"flows = 1000"#,
            #"f.toml:1: flows: 1000 is out of range; write a whole number of 1024 to 67108864"#),
        DirectorRefusal(
            "a table of flows that is too large", top: #"flows = 67108865"#,
            #"f.toml:1: flows: 67108865 is out of range; write a whole number of 1024 to 67108864"#),
        DirectorRefusal(
            "sloppy as a number", top: #"sloppy = 1"#,
            #"f.toml:1: sloppy: is a number, not true or false; write sloppy = true or sloppy = false"#),
        DirectorRefusal(
            "timeouts that are none", top: #"timeouts = "5m""#,
            #"f.toml:1: timeouts: is text, not a table; write [timeouts] on a line of its own"#),
        DirectorRefusal(
            "a timeout without a unit",
            end: #"""
                [timeouts]
                tcp = 900
                """#,
            #"f.toml:9: timeouts.tcp: 900 has no unit; write the unit: tcp = "900s", or ms, m, h, d (1s to 31d)"#),
        DirectorRefusal(
            "timeouts out of range",
            end: #"""
                [timeouts]
                tcp = "32d"
                tcp_fin = "500ms"
                udp = "0s"
                """#,
            #"""
            f.toml:9: timeouts.tcp: "32d" is out of range; write a time of 1s to 31d
            f.toml:10: timeouts.tcp_fin: "500ms" is out of range; write a time of 1s to 31d
            f.toml:11: timeouts.udp: "0s" is out of range; write a time of 1s to 31d
            """#),
        DirectorRefusal(
            "a timeout that there is not",
            end: #"""
                [timeouts]
                tcpfin = "2m"
                icmp = "1m"
                """#,
            #"""
            f.toml:9: timeouts.tcpfin: is not a key; did you mean tcp_fin?
            f.toml:10: timeouts.icmp: is not a key; remove it, or write one of tcp, tcp_fin, udp
            """#),
        DirectorRefusal(
            "a status address that is a VIP", top: #"status = "192.0.2.10:9390""#,
            #"""
            f.toml:1: status: 192.0.2.10 is a VIP (line 5); write an address of this host's own (DIP): packets to a \#
            VIP go to the servers
            """#),
        DirectorRefusal(
            "an agent where its table belongs", top: #"agent = "http://10.0.0.11:9380""#,
            #"f.toml:1: agent: is text, not a table; write [agent] on a line of its own"#),
    ]
}
