import ConfigurationFile
import Testing

@Suite("rsagent.toml: to whom the report is served, and HAProxy answered")
struct AgentReportRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "networks that callers cannot have",
            top: #"""
                [report]
                allow = ["10.0.0.1/8", "0.0.0.0/0", "::/0", "224.0.0.0/4", "0.0.0.0"]
                """#,
            #"""
            f.toml:2: report.allow[0]: "10.0.0.1/8" has bits set behind its first 8; write "10.0.0.0/8"
            f.toml:2: report.allow[1]: "0.0.0.0/0" is everyone; write allow = "any", and nothing else, to answer \#
            anyone, or the networks that may ask
            f.toml:2: report.allow[2]: "::/0" is everyone; write allow = "any", and nothing else, to answer anyone, \#
            or the networks that may ask
            f.toml:2: report.allow[3]: "224.0.0.0/4" is a multicast address, which nobody asks from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:2: report.allow[4]: "0.0.0.0" is the unspecified address, which nobody asks from; write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "callers by name, and anyone by other words",
            top: #"""
                [report]
                allow = ["lb.example.com", "*", "all", "10.0.0.0/33"]
                """#,
            #"""
            f.toml:2: report.allow[0]: "lb.example.com" is not an IP address (names are not looked up); write a \#
            network, such as "172.16.0.0/16", or one address, such as "10.0.0.1"
            f.toml:2: report.allow[1]: "*" is everyone; write allow = "any", and nothing else, to answer anyone, or \#
            the networks that may ask
            f.toml:2: report.allow[2]: "all" is everyone; write allow = "any", and nothing else, to answer anyone, \#
            or the networks that may ask
            f.toml:2: report.allow[3]: "10.0.0.0/33" is not ADDRESS/LENGTH; write a network, such as \#
            "172.16.0.0/16", or one address, such as "10.0.0.1"
            """#),
        AgentRefusal(
            "anyone among others",
            top: #"""
                [report]
                allow = ["10.0.0.0/8", "any"]
                """#,
            #"""
            f.toml:2: report.allow[1]: "any" is everyone; write allow = "any", and nothing else, to answer anyone, \#
            or the networks that may ask
            """#),
        AgentRefusal(
            "a caller twice",
            top: #"""
                [report]
                allow = ["10.0.0.1", "10.0.0.1/32"]
                """#,
            #"f.toml:2: report.allow[1]: 10.0.0.1/32 is listed twice; remove one of the two"#),
        AgentRefusal(
            "callers that are no text",
            top: #"""
                [report]
                allow = true
                """#,
            #"""
            f.toml:2: report.allow: is true or false, not text; write allow = "172.16.0.0/16", or a list of such \#
            texts
            """#),
        AgentRefusal(
            "callers that are numbers",
            top: #"""
                [report]
                allow = [10]
                """#,
            #"""
            f.toml:2: report.allow[0]: is a number, not text; write allow = "172.16.0.0/16", or a list of such texts
            """#),
        AgentRefusal(
            "a token too short, which is not shown",
            top: #"""
                [report]
                token = "0123456789abcde"
                """#,
            #"""
            f.toml:2: report.token: is 15 bytes long; write 16 to 1024 letters, digits and marks, such as `openssl \#
            rand -hex 32` prints
            """#),
        AgentRefusal(
            "a token with blanks, which is not shown",
            top: #"""
                [report]
                token = "correct horse battery staple"
                """#,
            #"""
            f.toml:2: report.token: holds a blank, or something else that is no printable ASCII; write 16 to 1024 \#
            letters, digits and marks, such as `openssl rand -hex 32` prints
            """#),
        AgentRefusal(
            "a token beyond ASCII, which is not shown",
            top: #"""
                [report]
                token = "0123456789abcdéf"
                """#,
            #"""
            f.toml:2: report.token: holds a blank, or something else that is no printable ASCII; write 16 to 1024 \#
            letters, digits and marks, such as `openssl rand -hex 32` prints
            """#),
        AgentRefusal(
            "a token too long",
            top: #"""
                [report]
                token = "\#(String(repeating: "x", count: 1025))"
                """#,
            #"""
            f.toml:2: report.token: is 1025 bytes long; write 16 to 1024 letters, digits and marks, such as `openssl \#
            rand -hex 32` prints
            """#),
        AgentRefusal(
            "a token that is a number",
            top: #"""
                [report]
                token = 1234567890123456
                """#,
            #"""
            f.toml:2: report.token: is a number, not text; write 16 to 1024 letters, digits and marks, such as \#
            `openssl rand -hex 32` prints
            """#),
        AgentRefusal(
            "two tokens",
            top: #"""
                [report]
                token = "0123456789abcdef"
                token_file = "/t"
                """#,
            #"f.toml:3: report.token_file: is a second token, besides token; keep one of the two"#),
        AgentRefusal(
            "two tokens, both wrong",
            top: #"""
                [report]
                token = ""
                token_file = "t"
                """#,
            #"""
            f.toml:2: report.token: is 0 bytes long; write 16 to 1024 letters, digits and marks, such as `openssl \#
            rand -hex 32` prints
            f.toml:3: report.token_file: "t" is not an absolute path; write a path that begins with '/', such as \#
            "/etc/rsagent/token"
            f.toml:3: report.token_file: is a second token, besides token; keep one of the two
            """#),
        AgentRefusal(
            "addresses to listen on that are in each other's way",
            top: #"""
                [report]
                listen = ["0.0.0.0:9380", "10.0.0.11:9380", "[::]:9381", "10.0.0.11:9381"]
                """#,
            #"""
            f.toml:2: report.listen[1]: 10.0.0.11:9380 is taken by 0.0.0.0:9380, where the report is served (line \#
            2); give one of the two another address or another port
            f.toml:2: report.listen[3]: 10.0.0.11:9381 is taken by [::]:9381, where the report is served (line 2); \#
            give one of the two another address or another port
            """#),
        AgentRefusal(
            "an agent check without a port, of nothing, of a group",
            service: #"""
                agent_check = "10.0.0.11"
                [[service]]
                name = "b"
                vip = "192.0.2.11"
                port = 80
                agent_check = 9381
                [[service]]
                name = "c"
                vip = "192.0.2.12"
                port = 80
                agent_check = "224.0.0.1:9381"
                [[service]]
                name = "d"
                vip = "192.0.2.13"
                port = 80
                agent_check = "10.0.0.11:65536"
                """#,
            #"""
            f.toml:5: service[0].agent_check: "10.0.0.11" is not an address and a port; write "10.0.0.11:9381"
            f.toml:10: service[1].agent_check: is a number, not text; write agent_check = "10.0.0.11:9381"
            f.toml:15: service[2].agent_check: 224.0.0.1 is a multicast address, nobody can listen there; write an \#
            address of this host, such as "10.0.0.11:9381"
            f.toml:20: service[3].agent_check: "10.0.0.11:65536" is not an address and a port; write "ADDRESS:PORT" \#
            with a port of 1 to 65535, such as "10.0.0.11:9381"
            """#),
        AgentRefusal(
            "an agent check of two services",
            service: #"""
                agent_check = "10.0.0.11:9381"
                [[service]]
                name = "b"
                vip = "192.0.2.11"
                port = 80
                agent_check = "10.0.0.11:9381"
                [[service]]
                name = "c"
                vip = "192.0.2.12"
                port = 80
                agent_check = "0.0.0.0:9381"
                """#,
            #"""
            f.toml:10: service[1].agent_check: 10.0.0.11:9381 is where the agent_check of "web" is answered (line \#
            5); give one of the two another address or another port
            f.toml:15: service[2].agent_check: 0.0.0.0:9381 is taken by 10.0.0.11:9381, where the agent_check of \#
            "web" is answered (line 5); give one of the two another address or another port
            """#),
        AgentRefusal(
            "an agent check where the report is",
            file: #"""
                [report]
                listen = ["10.0.0.11:9380", "[::]:9400"]
                [[service]]
                name = "a"
                vip = "192.0.2.11"
                port = 80
                agent_check = "10.0.0.11:9380"
                [[service]]
                name = "b"
                vip = "192.0.2.12"
                port = 80
                agent_check = "10.0.0.11:9400"
                """#,
            #"""
            f.toml:7: service[0].agent_check: 10.0.0.11:9380 is where the report is served (line 2); give one of the \#
            two another address or another port
            f.toml:12: service[1].agent_check: 10.0.0.11:9400 is taken by [::]:9400, where the report is served \#
            (line 2); give one of the two another address or another port
            """#),
        AgentRefusal(
            "an agent check where the report is unless said otherwise", service: #"agent_check = "10.0.0.11:9380""#,
            #"""
            f.toml:5: service[0].agent_check: 9380 is the port of the report, as long as [report] does not say where \#
            to listen; write another port, such as "10.0.0.11:9381"
            """#),
        AgentRefusal(
            "an agent check on a VIP, also that of a later service",
            service: #"""
                agent_check = "192.0.2.11:9381"
                [[service]]
                name = "b"
                vip = "192.0.2.11"
                port = 80
                """#,
            #"""
            f.toml:5: service[0].agent_check: 192.0.2.11 is a VIP (line 8); write an address of this server's own \#
            (RIP): HAProxy asks each server by itself
            """#),
        AgentRefusal(
            "how long to wait on stopping", top: #"stop_timeout = "61m""#,
            #"f.toml:1: stop_timeout: "61m" is out of range; write a time of 0s to 1h"#),
        AgentRefusal(
            "how long to wait on stopping, in no unit", top: #"stop_timeout = 30"#,
            #"f.toml:1: stop_timeout: 30 has no unit; write the unit: stop_timeout = "30s", or ms, m, h (0s to 1h)"#),
    ]
}
