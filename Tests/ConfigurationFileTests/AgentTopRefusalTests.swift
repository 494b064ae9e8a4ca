import ConfigurationFile
import Testing

@Suite("rsagent.toml: at the top and in [report]")
struct AgentTopRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "an empty file has no service", file: #""#,
            #"f.toml:1: service: is missing; write a [[service]] with its name, vip and port"#),
        AgentRefusal(
            "no service in the list", file: #"service = []"#,
            #"f.toml:1: service: is an empty list; write a [[service]] with its name, vip and port"#),
        AgentRefusal(
            "a misspelt key at the top",
            top: #"""
                interfaces = "eth0"
                rundir = "/run/a"
                """#,
            #"""
            f.toml:1: interfaces: is not a key; did you mean interface?
            f.toml:2: rundir: is not a key; did you mean run_dir?
            """#),
        AgentRefusal(
            "a key that nothing resembles", top: #"colour = "red""#,
            #"""
            f.toml:1: colour: is not a key; remove it, or write one of interface, directors, tunnel_sources, \#
            lockdown, arp_block, default_route, sentinel, run_dir, state_dir, stop_timeout, report, join, service
            """#),
        AgentRefusal(
            "a key of another table names its home", top: #"listen = "10.0.0.11:9380""#,
            #"f.toml:1: listen: does not belong here; move it into [report]"#),
        AgentRefusal(
            "a top key behind a table header", service: #"run_dir = "/run/a""#,
            #"""
            f.toml:5: service[0].run_dir: does not belong here; move it to the top of the file, before the first \#
            [table]
            """#),
        AgentRefusal(
            "a quoted key keeps its quotes", top: #""a b" = 1"#,
            #"""
            f.toml:1: "a b": is not a key; remove it, or write one of interface, directors, tunnel_sources, \#
            lockdown, arp_block, default_route, sentinel, run_dir, state_dir, stop_timeout, report, join, service
            """#),
        AgentRefusal(
            "an interface name of 16 bytes", top: #"interface = "abcdefghijklmnop""#,
            #"""
            f.toml:1: interface: "abcdefghijklmnop" cannot be an interface; write 1 to 15 bytes without '/', ':' \#
            and blanks, such as "eth0" (ip link lists them)
            """#),
        AgentRefusal(
            "an interface name with a slash", top: #"interface = "eth0/1""#,
            #"""
            f.toml:1: interface: "eth0/1" cannot be an interface; write 1 to 15 bytes without '/', ':' and \#
            blanks, such as "eth0" (ip link lists them)
            """#),
        AgentRefusal(
            "an interface name with a blank", top: #"interface = "eth 0""#,
            #"""
            f.toml:1: interface: "eth 0" cannot be an interface; write 1 to 15 bytes without '/', ':' and blanks, \#
            such as "eth0" (ip link lists them)
            """#),
        AgentRefusal(
            "an empty interface name", top: #"interface = """#,
            #"""
            f.toml:1: interface: "" cannot be an interface; write 1 to 15 bytes without '/', ':' and blanks, such \#
            as "eth0" (ip link lists them)
            """#),
        AgentRefusal(
            "an interface that is a number", top: #"interface = 0"#,
            #"f.toml:1: interface: is a number, not text; write interface = "eth0""#),
        AgentRefusal(
            "an agent faces one interface only", top: #"interface = ["eth0", "eth1"]"#,
            #"f.toml:1: interface: is a list, not text; write interface = "eth0""#),
        AgentRefusal(
            "a director by name", top: #"directors = ["lb1.example.com"]"#,
            #"""
            f.toml:1: directors[0]: "lb1.example.com" is not an IP address (names are not looked up); write one \#
            address, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "a director with a prefix length",
            top: #"""
                directors = [
                  "10.0.0.1",
                  "10.0.0.2/24",
                ]
                """#,
            #"f.toml:3: directors[1]: "10.0.0.2/24" has a prefix length; write "10.0.0.2""#),
        AgentRefusal(
            "a director twice", top: #"directors = ["10.0.0.1", "10.0.0.1"]"#,
            #"f.toml:1: directors[1]: 10.0.0.1 is listed twice; remove one of the two"#),
        AgentRefusal(
            "a director that is a number", top: #"directors = ["10.0.0.1", 2]"#,
            #"f.toml:1: directors[1]: is a number, not text; write directors = "10.0.0.1", or a list of such texts"#),
        AgentRefusal(
            "a relative run_dir", top: #"run_dir = "run/rsagent""#,
            #"""
            f.toml:1: run_dir: "run/rsagent" is not an absolute path; write a path that begins with '/', such as \#
            "/run/rsagent"
            """#),
        AgentRefusal(
            "a run_dir too long for a socket path",
            top: #"""
                run_dir = \#
                "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                """#,
            #"f.toml:1: run_dir: is 95 bytes long; write a path of 1 to 94 bytes"#),
        AgentRefusal(
            "a relative state_dir", top: #"state_dir = "./state""#,
            #"""
            f.toml:1: state_dir: "./state" is not an absolute path; write a path that begins with '/', such as \#
            "/var/lib/rsagent"
            """#),
        AgentRefusal(
            "a state_dir that is a table", top: #"state_dir = { path = "/x" }"#,
            #"f.toml:1: state_dir: is a table, not text; write state_dir = "/var/lib/rsagent""#),
        AgentRefusal(
            "report as a value", top: #"report = "10.0.0.11:9380""#,
            #"f.toml:1: report: is text, not a table; write [report] on a line of its own"#),
        AgentRefusal(
            "an unknown key of the report",
            top: #"""
                [report]
                listn = "10.0.0.11:9380"
                """#,
            #"f.toml:2: report.listn: is not a key; did you mean listen?"#),
        AgentRefusal(
            "a listen address without a port",
            top: #"""
                [report]
                listen = "10.0.0.11"
                """#,
            #"f.toml:2: report.listen: "10.0.0.11" is not an address and a port; write "10.0.0.11:9380""#),
        AgentRefusal(
            "an IPv6 listen address without brackets",
            top: #"""
                [report]
                listen = "2001:db8::1"
                """#,
            #"f.toml:2: report.listen: "2001:db8::1" is not an address and a port; write "[2001:db8::1]:9380""#),
        AgentRefusal(
            "a listen port out of range",
            top: #"""
                [report]
                listen = ["10.0.0.11:0", "10.0.0.11:65536", "10.0.0.11:+80"]
                """#,
            #"""
            f.toml:2: report.listen[0]: "10.0.0.11:0" is not an address and a port; write "ADDRESS:PORT" with a \#
            port of 1 to 65535, such as "10.0.0.11:9380"
            f.toml:2: report.listen[1]: "10.0.0.11:65536" is not an address and a port; write "ADDRESS:PORT" with \#
            a port of 1 to 65535, such as "10.0.0.11:9380"
            f.toml:2: report.listen[2]: "10.0.0.11:+80" is not an address and a port; write "ADDRESS:PORT" with a \#
            port of 1 to 65535, such as "10.0.0.11:9380"
            """#),
        AgentRefusal(
            "a listen address that is a port",
            top: #"""
                [report]
                listen = 9380
                """#,
            #"""
            f.toml:2: report.listen: is a number, not text; write listen = "10.0.0.11:9380", or a list of such texts
            """#),
        AgentRefusal(
            "a listen address that is a group",
            top: #"""
                [report]
                listen = "224.0.0.1:9380"
                """#,
            #"""
            f.toml:2: report.listen: 224.0.0.1 is a multicast address, nobody can listen there; write an address \#
            of this host, such as "10.0.0.11:9380"
            """#),
        AgentRefusal(
            "a listen address twice",
            top: #"""
                [report]
                listen = ["10.0.0.11:9380", "10.0.0.11:9380"]
                """#,
            #"f.toml:2: report.listen[1]: 10.0.0.11:9380 is listed twice; remove one of the two"#),
    ]
}
