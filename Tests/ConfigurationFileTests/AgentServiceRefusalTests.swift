import ConfigurationFile
import Testing

@Suite("rsagent.toml: in [[service]]")
struct AgentServiceRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a service that lacks everything", file: #"[[service]]"#,
            #"""
            f.toml:1: service[0].name: is missing; write name = "web", a name of your own
            f.toml:1: service[0].vip: is missing; write vip = "192.0.2.10", the address clients connect to
            f.toml:1: service[0].port: is missing; write port = 80, a list of ports, or 0 for all
            """#),
        AgentRefusal(
            "a service in single brackets",
            file: #"""
                [service]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                """#,
            #"f.toml:1: service: is a table, not a list of tables; open each with [[service]]"#),
        AgentRefusal(
            "services that are numbers", file: #"service = [1]"#,
            #"f.toml:1: service[0]: is a number, not a table; open each with [[service]]"#),
        AgentRefusal(
            "a misspelt key of a service",
            service: #"""
                wieght = 10
                protocoll = "tcp"
                """#,
            #"""
            f.toml:5: service[0].wieght: is not a key; did you mean weight?
            f.toml:6: service[0].protocoll: is not a key; did you mean protocol?
            """#),
        AgentRefusal(
            "what a service does not do yet",
            service: #"""
                persistence = "5m"
                """#,
            #"f.toml:5: service[0].persistence: is not in this version; remove it: it is the director's business"#),
        AgentRefusal(
            "a name with a slash",
            service: #"""
                [[service]]
                name = "a/b"
                vip = "192.0.2.11"
                port = 80
                """#,
            #"""
            f.toml:6: service[1].name: "a/b" cannot be a name; write 1 to 63 letters, digits, '-', '_' and '.', \#
            such as "web"
            """#),
        AgentRefusal(
            "an empty name and a name of dots",
            service: #"""
                [[service]]
                name = ""
                vip = "192.0.2.11"
                port = 80
                [[service]]
                name = ".."
                vip = "192.0.2.12"
                port = 80
                """#,
            #"""
            f.toml:6: service[1].name: "" cannot be a name; write 1 to 63 letters, digits, '-', '_' and '.', such \#
            as "web"
            f.toml:10: service[2].name: ".." cannot be a name; write 1 to 63 letters, digits, '-', '_' and '.', \#
            such as "web"
            """#),
        AgentRefusal(
            "a name twice",
            service: #"""
                [[service]]
                name = "web"
                vip = "192.0.2.11"
                port = 80
                """#,
            #"""
            f.toml:6: service[1].name: "web" is the name of another service already (line 2); give one of the two \#
            another name
            """#),
        AgentRefusal(
            "a weight beyond the range", service: #"weight = 65536"#,
            #"f.toml:5: service[0].weight: 65536 is out of range; write a whole number of 0 to 65535"#),
        AgentRefusal(
            "a negative weight", service: #"weight = -1"#,
            #"f.toml:5: service[0].weight: -1 is out of range; write a whole number of 0 to 65535"#),
        AgentRefusal(
            "a weight with decimals", service: #"weight = 1.5"#,
            #"""
            f.toml:5: service[0].weight: is a decimal number, not a whole number; write a whole number of 0 to 65535
            """#),
        AgentRefusal(
            "a weight as text", service: #"weight = "100""#,
            #"f.toml:5: service[0].weight: is text, not a whole number; write a whole number of 0 to 65535"#),
        AgentRefusal(
            "a protocol in capitals", service: #"protocol = "TCP""#,
            #"f.toml:5: service[0].protocol: "TCP" is not known; write protocol = "tcp""#),
        AgentRefusal(
            "a protocol that does not exist", service: #"protocol = "quic""#,
            #"f.toml:5: service[0].protocol: "quic" is not known; write one of "tcp", "udp""#),
    ]
}
