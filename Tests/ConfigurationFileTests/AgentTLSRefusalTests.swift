import ConfigurationFile
import Testing

@Suite("rsagent.toml: TLS, of checks and of the report")
struct AgentTLSRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "names that TLS does not ask for",
            service: #"""
                [[service.check]]
                tls = true
                server_name = "10.0.0.1"
                [[service.check]]
                tls = true
                server_name = "::1"
                [[service.check]]
                tls = true
                server_name = "a_b.example"
                [[service.check]]
                tls = true
                server_name = "example.com."
                [[service.check]]
                tls = true
                server_name = ""
                [[service.check]]
                tls = true
                server_name = "-a.example"
                [[service.check]]
                tls = true
                server_name = "example.1"
                [[service.check]]
                tls = true
                server_name = ["a.example"]
                """#,
            #"""
            f.toml:7: service[0].check[0].server_name: "10.0.0.1" is not the name of a host; write the name in the \#
            certificate, such as "www.example.com"
            f.toml:10: service[0].check[1].server_name: "::1" is not the name of a host; write the name in the \#
            certificate, such as "www.example.com"
            f.toml:13: service[0].check[2].server_name: "a_b.example" is not the name of a host; write a name such \#
            as "www.example.com"
            f.toml:16: service[0].check[3].server_name: "example.com." is not the name of a host; write a name such \#
            as "www.example.com"
            f.toml:19: service[0].check[4].server_name: "" is not the name of a host; write a name such as \#
            "www.example.com"
            f.toml:22: service[0].check[5].server_name: "-a.example" is not the name of a host; write a name such as \#
            "www.example.com"
            f.toml:25: service[0].check[6].server_name: "example.1" is not the name of a host; write a name such as \#
            "www.example.com"
            f.toml:28: service[0].check[7].server_name: is a list, not text; write server_name = "www.example.com"
            """#),
        AgentRefusal(
            "an authority that nobody asks",
            service: #"""
                [[service.check]]
                tls = true
                ca = "/a.pem"
                [[service.check]]
                http = "/"
                tls = true
                verify = false
                ca = "/a.pem"
                """#,
            #"""
            f.toml:7: service[0].check[0].ca: is for checks that verify the certificate; remove it, or write verify \#
            = true
            f.toml:12: service[0].check[1].ca: is for checks that verify the certificate; remove it, or write verify \#
            = true
            """#),
        AgentRefusal(
            "an authority beside a flag that is wrong is not refused as well",
            service: #"""
                [[service.check]]
                tls = true
                verify = 1
                ca = "/a.pem"
                """#,
            #"""
            f.toml:7: service[0].check[0].verify: is a number, not true or false; write verify = true or verify = \#
            false
            """#),
        AgentRefusal(
            "an authority without its way",
            service: #"""
                [[service.check]]
                tls = true
                verify = true
                ca = "a.pem"
                """#,
            #"""
            f.toml:8: service[0].check[0].ca: "a.pem" is not an absolute path; write a path that begins with '/', \#
            such as "/etc/ssl/certs/our-ca.pem"
            """#),
        AgentRefusal(
            "warnings of no time, too early, or without a unit",
            service: #"""
                [[service.check]]
                tls = true
                expiry_warning = "2w"
                [[service.check]]
                tls = true
                expiry_warning = "366d"
                [[service.check]]
                tls = true
                expiry_warning = 14
                [[service.check]]
                tls = true
                expiry_warning = true
                """#,
            #"""
            f.toml:7: service[0].check[0].expiry_warning: "2w" is not a time; write a number and ms, s, m, h or d, \#
            such as "14d" (0s to 365d)
            f.toml:10: service[0].check[1].expiry_warning: "366d" is out of range; write a time of 0s to 365d
            f.toml:13: service[0].check[2].expiry_warning: 14 has no unit; write the unit: expiry_warning = "14d", \#
            or ms, s, m, h (0s to 365d)
            f.toml:16: service[0].check[3].expiry_warning: is true or false, not a time; write expiry_warning = \#
            "14d" (0s to 365d)
            """#),
        AgentRefusal(
            "TLS of the report without its files",
            top: #"""
                [report]
                tls = {}
                """#,
            #"""
            f.toml:2: report.tls.certificate: is missing; write certificate = "/etc/rsagent/server.pem", a file in \#
            PEM
            f.toml:2: report.tls.key: is missing; write key = "/etc/rsagent/server.key", a file in PEM
            """#),
        AgentRefusal(
            "TLS of the report with one file",
            top: #"""
                [report.tls]
                key = "/k"
                client_ca = "/c"
                """#,
            #"""
            f.toml:1: report.tls.certificate: is missing; write certificate = "/etc/rsagent/server.pem", a file in \#
            PEM
            """#),
        AgentRefusal(
            "TLS of the report with paths that are none",
            top: #"""
                [report]
                tls = { certificate = "c.pem", key = "/k/", client_ca = 1 }
                """#,
            #"""
            f.toml:2: report.tls.certificate: "c.pem" is not an absolute path; write a path that begins with '/', \#
            such as "/etc/rsagent/server.pem"
            f.toml:2: report.tls.key: "/k/" is the path of a directory; write the path of a file, such as \#
            "/etc/rsagent/server.key"
            f.toml:2: report.tls.client_ca: is a number, not text; write client_ca = "/etc/rsagent/directors.pem"
            """#),
        AgentRefusal(
            "TLS of the report as a flag",
            top: #"""
                [report]
                tls = true
                """#,
            #"f.toml:2: report.tls: is true or false, not a table; write [report.tls] on a line of its own"#),
        AgentRefusal(
            "misspelt and foreign keys of TLS",
            top: #"""
                [report.tls]
                certificate = "/c"
                key = "/k"
                clientca = "/a"
                token = "0123456789abcdef"
                """#,
            #"""
            f.toml:4: report.tls.clientca: is not a key; did you mean client_ca?
            f.toml:5: report.tls.token: does not belong here; move it into [report]
            """#),
    ]
}
