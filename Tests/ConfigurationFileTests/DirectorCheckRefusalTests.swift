import ConfigurationFile
import Testing

@Suite("rsdirector.toml: the director's own checks")
struct DirectorCheckRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "a check of a server that has an agent",
            end: #"""
                [[service.server.check]]
                tcp = true
                """#,
            #"""
            f.toml:8: service[0].server[0].check: is for servers without an agent; remove it: the agent on the server \#
            does the checks; or write agent = false
            """#),
        DirectorRefusal(
            "a check of servers that all have an agent",
            end: #"""
                [[service.check]]
                tcp = true
                """#,
            #"""
            f.toml:8: service[0].check: is for servers without an agent, and each has one; remove it: the agents \#
            check; or write agent = false in the [[service.server]] that has none
            """#),
        DirectorRefusal(
            "a check that asks nothing",
            end: #"""
                agent = false
                [[service.check]]
                interval = "1s"
                """#,
            #"""
            f.toml:9: service[0].check[0]: asks nothing; write one of http = "/healthz", tcp = true, tls = true, udp \#
            = true, grpc = "package.Service"
            """#),
        DirectorRefusal(
            "questions for the server's own host",
            end: #"""
                agent = false
                [[service.check]]
                exec = ["/x"]
                [[service.check]]
                systemd = "nginx.service"
                [[service.check]]
                file = "/run/maint"
                exists = false
                """#,
            #"""
            f.toml:10: service[0].check[0].exec: asks the server's own host; remove it: the agent on that host can \#
            ask it
            f.toml:12: service[0].check[1].systemd: asks the server's own host; remove it: the agent on that host can \#
            ask it
            f.toml:14: service[0].check[2].file: asks the server's own host; remove it: the agent on that host can \#
            ask it
            f.toml:15: service[0].check[2].exists: asks the server's own host; remove it: the agent on that host can \#
            ask it
            """#),
        DirectorRefusal(
            "one address for every server",
            end: #"""
                agent = false
                [[service.check]]
                tcp = true
                address = "10.0.0.5"
                """#,
            #"""
            f.toml:11: service[0].check[0].address: is one, and the check is asked of each server; move it into \#
            [[service.server.check]]
            """#),
        DirectorRefusal(
            "a check without a port, where the service takes all",
            file: #"""
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 0
                [[service.server]]
                address = "10.0.0.11"
                agent = false
                [[service.server.check]]
                tcp = true
                """#,
            #"""
            f.toml:9: service[0].server[0].check[0].port: is missing; the service takes all ports: write which one to \#
            check, such as port = 80
            """#),
        DirectorRefusal(
            "a detail of another question",
            end: #"""
                agent = false
                [[service.server.check]]
                tcp = true
                status = 200
                """#,
            #"""
            f.toml:11: service[0].server[0].check[0].status: is for http checks; remove it, or ask with http = \#
            "/healthz"
            """#),
        DirectorRefusal(
            "times that do not go together",
            end: #"""
                agent = false
                [[service.server.check]]
                http = "/"
                timeout = "2s"
                """#,
            #"""
            f.toml:11: service[0].server[0].check[0].timeout: the timeout, 2s, is longer than the interval, 1s; write \#
            timeout = "1s" or less, or a longer interval
            """#),
        DirectorRefusal(
            "a check that is a table",
            end: #"""
                agent = false
                [service.server.check]
                tcp = true
                """#,
            #"""
            f.toml:9: service[0].server[0].check: is a table, not a list of tables; open each with \#
            [[service.server.check]]
            """#),
    ]
}
