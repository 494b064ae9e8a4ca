import ConfigurationFile
import Testing

@Suite("rsagent.toml: in [[service.check]]")
struct AgentCheckRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a misspelt key of a check",
            service: #"""
                [[service.check]]
                tcp = true
                intervall = "1s"
                timout = "1s"
                """#,
            #"""
            f.toml:7: service[0].check[0].intervall: is not a key; did you mean interval?
            f.toml:8: service[0].check[0].timout: is not a key; did you mean timeout?
            """#),
        AgentRefusal(
            "an HTTP path without its slash",
            service: #"""
                [[service.check]]
                http = "healthz"
                """#,
            #"f.toml:6: service[0].check[0].http: "healthz" does not begin with '/'; write a path such as "/healthz""#),
        AgentRefusal(
            "an HTTP path with a blank",
            service: #"""
                [[service.check]]
                http = "/a b"
                """#,
            #"""
            f.toml:6: service[0].check[0].http: "/a b" cannot be sent as a path; write blanks, '#' and letters \#
            beyond ASCII as %20, %23 and so on
            """#),
        AgentRefusal(
            "an HTTP path with a fragment",
            service: #"""
                [[service.check]]
                http = "/a#b"
                """#,
            #"""
            f.toml:6: service[0].check[0].http: "/a#b" cannot be sent as a path; write blanks, '#' and letters \#
            beyond ASCII as %20, %23 and so on
            """#),
        AgentRefusal(
            "an HTTP path that is true",
            service: #"""
                [[service.check]]
                http = true
                """#,
            #"f.toml:6: service[0].check[0].http: is true or false, not text; write http = "/healthz""#),
        AgentRefusal(
            "a host with a slash",
            service: #"""
                [[service.check]]
                http = "/"
                host = "http://a/"
                """#,
            #"""
            f.toml:7: service[0].check[0].host: "http://a/" cannot be a host name; write a name such as \#
            "www.example.com"
            """#),
        AgentRefusal(
            "rise and fall of nothing",
            service: #"""
                [[service.check]]
                tcp = true
                rise = 0
                fall = 0
                """#,
            #"""
            f.toml:7: service[0].check[0].rise: 0 is out of range; write a whole number of 1 to 1000
            f.toml:8: service[0].check[0].fall: 0 is out of range; write a whole number of 1 to 1000
            """#),
        AgentRefusal(
            "rise and fall beyond the range",
            service: #"""
                [[service.check]]
                tcp = true
                rise = 1001
                fall = "3"
                """#,
            #"""
            f.toml:7: service[0].check[0].rise: 1001 is out of range; write a whole number of 1 to 1000
            f.toml:8: service[0].check[0].fall: is text, not a whole number; write a whole number of 1 to 1000
            """#),
        AgentRefusal(
            "a check's address by name",
            service: #"""
                [[service.check]]
                tcp = true
                address = "localhost"
                """#,
            #"""
            f.toml:7: service[0].check[0].address: "localhost" is not an IP address (names are not looked up); \#
            write one address, such as "10.0.0.11"
            """#),
        AgentRefusal(
            "a check's port out of range",
            service: #"""
                [[service.check]]
                tcp = true
                port = 0
                """#,
            #"f.toml:7: service[0].check[0].port: 0 is out of range; write a port of 1 to 65535"#),
        AgentRefusal(
            "a check of all ports",
            service: #"""
                [[service]]
                name = "all"
                vip = "192.0.2.11"
                port = 0
                [[service.check]]
                tcp = true
                """#,
            #"""
            f.toml:9: service[1].check[0].port: is missing; the service takes all ports: write which one to \#
            check, such as port = 80
            """#),
        AgentRefusal(
            "a check in single brackets",
            service: #"""
                [service.check]
                tcp = true
                """#,
            #"f.toml:5: service[0].check: is a table, not a list of tables; open each with [[service.check]]"#),
        AgentRefusal(
            "problems of several services come at once, in order",
            service: #"""
                weight = 70000
                [[service]]
                name = "web"
                vip = "::1"
                port = 0
                [[service.check]]
                http = "x"
                rise = 0
                """#,
            #"""
            f.toml:5: service[0].weight: 70000 is out of range; write a whole number of 0 to 65535
            f.toml:7: service[1].name: "web" is the name of another service already (line 2); give one of the two \#
            another name
            f.toml:8: service[1].vip: ::1 is a loopback address, not the address of a host; write an address that \#
            a VIP can have, such as "192.0.2.10"
            f.toml:10: service[1].check[0].port: is missing; the service takes all ports: write which one to \#
            check, such as port = 80
            f.toml:11: service[1].check[0].http: "x" does not begin with '/'; write a path such as "/healthz"
            f.toml:12: service[1].check[0].rise: 0 is out of range; write a whole number of 1 to 1000
            """#),
    ]
}
