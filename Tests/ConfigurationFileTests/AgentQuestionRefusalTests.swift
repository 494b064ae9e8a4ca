import ConfigurationFile
import Testing

@Suite("rsagent.toml: what a check asks, and what goes with it")
struct AgentQuestionRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a check that asks nothing",
            service: #"""
                [[service.check]]
                interval = "1s"
                """#,
            #"""
            f.toml:5: service[0].check[0]: asks nothing; write one of http = "/healthz", tcp = true, tls = true, udp \#
            = true, grpc = "package.Service", exec = ["/usr/local/lib/rsagent/check"], systemd = "nginx.service", \#
            file = "/run/maint"
            """#),
        AgentRefusal(
            "a check that asks twice, and thrice",
            service: #"""
                [[service.check]]
                http = "/"
                tcp = true
                [[service.check]]
                systemd = "a.service"
                exec = ["/bin/true"]
                file = "/a"
                """#,
            #"""
            f.toml:7: service[0].check[0].tcp: is a second question, besides http; keep one, and write a \#
            [[service.check]] of its own for the other
            f.toml:10: service[0].check[1].exec: is a second question, besides systemd; keep one, and write a \#
            [[service.check]] of its own for the other
            f.toml:11: service[0].check[1].file: is a second question, besides systemd; keep one, and write a \#
            [[service.check]] of its own for the other
            """#),
        AgentRefusal(
            "TCP beside TLS, which connects by itself",
            service: #"""
                [[service.check]]
                tcp = true
                tls = true
                [[service.check]]
                tls = true
                tcp = true
                verify = true
                """#,
            #"""
            f.toml:6: service[0].check[0].tcp: is part of what tls = true asks; remove it
            f.toml:10: service[0].check[1].tcp: is part of what tls = true asks; remove it
            """#),
        AgentRefusal(
            "TLS beside what does not speak it",
            service: #"""
                [[service.check]]
                udp = true
                tls = true
                [[service.check]]
                tls = true
                systemd = "a.service"
                """#,
            #"""
            f.toml:7: service[0].check[0].tls: is a second question, besides udp; keep one, and write a \#
            [[service.check]] of its own for the other
            f.toml:10: service[0].check[1].systemd: is a second question, besides tls; keep one, and write a \#
            [[service.check]] of its own for the other
            """#),
        AgentRefusal(
            "a check that is not to be made",
            service: #"""
                [[service.check]]
                tcp = false
                [[service.check]]
                tls = false
                [[service.check]]
                udp = false
                """#,
            #"""
            f.toml:6: service[0].check[0].tcp: asks nothing; write tcp = true, or remove the check
            f.toml:8: service[0].check[1].tls: asks nothing; write tls = true, or remove the check
            f.toml:10: service[0].check[2].udp: asks nothing; write udp = true, or remove the check
            """#),
        AgentRefusal(
            "what is neither true nor false",
            service: #"""
                [[service.check]]
                tcp = "yes"
                [[service.check]]
                tls = 1
                server_name = "a.example"
                [[service.check]]
                udp = []
                [[service.check]]
                http = "/"
                tls = "yes"
                verify = true
                [[service.check]]
                grpc = ""
                tls = "yes"
                verify = 0
                """#,
            #"""
            f.toml:6: service[0].check[0].tcp: is text, not true or false; write tcp = true or tcp = false
            f.toml:8: service[0].check[1].tls: is a number, not true or false; write tls = true or tls = false
            f.toml:11: service[0].check[2].udp: is a list, not true or false; write udp = true or udp = false
            f.toml:14: service[0].check[3].tls: is text, not true or false; write tls = true or tls = false
            f.toml:18: service[0].check[4].tls: is text, not true or false; write tls = true or tls = false
            """#),
        AgentRefusal(
            "HTTP keys in other checks",
            service: #"""
                [[service.check]]
                tcp = true
                method = "HEAD"
                host = "a"
                headers = {}
                status = [200]
                body = "ok"
                [[service.check]]
                tls = true
                body = 1
                [[service.check]]
                grpc = "a.B"
                status = 0
                """#,
            #"""
            f.toml:7: service[0].check[0].method: is for http checks; remove it, or ask with http = "/healthz"
            f.toml:8: service[0].check[0].host: is for http checks; remove it, or ask with http = "/healthz"
            f.toml:9: service[0].check[0].headers: is for http checks; remove it, or ask with http = "/healthz"
            f.toml:10: service[0].check[0].status: is for http checks; remove it, or ask with http = "/healthz"
            f.toml:11: service[0].check[0].body: is for http checks; remove it, or ask with http = "/healthz"
            f.toml:14: service[0].check[1].body: is for http checks; remove it, or ask with http = "/healthz"
            f.toml:17: service[0].check[2].status: is for http checks; remove it, or ask with http = "/healthz"
            """#),
        AgentRefusal(
            "TLS keys in checks that never speak it",
            service: #"""
                [[service.check]]
                tcp = true
                server_name = "a.example"
                verify = true
                ca = "/a"
                expiry_warning = "14d"
                [[service.check]]
                file = "/a"
                exists = true
                verify = false
                """#,
            #"""
            f.toml:7: service[0].check[0].server_name: is for checks over TLS; remove it, or ask with tls = true
            f.toml:8: service[0].check[0].verify: is for checks over TLS; remove it, or ask with tls = true
            f.toml:9: service[0].check[0].ca: is for checks over TLS; remove it, or ask with tls = true
            f.toml:10: service[0].check[0].expiry_warning: is for checks over TLS; remove it, or ask with tls = true
            f.toml:14: service[0].check[1].verify: is for checks over TLS; remove it, or ask with tls = true
            """#),
        AgentRefusal(
            "TLS keys where TLS is not asked for",
            service: #"""
                [[service.check]]
                http = "/"
                verify = true
                [[service.check]]
                grpc = ""
                tls = false
                server_name = "a.example"
                expiry_warning = "0s"
                """#,
            #"""
            f.toml:7: service[0].check[0].verify: is for checks over TLS; remove it, or write tls = true beside http
            f.toml:11: service[0].check[1].server_name: is for checks over TLS; remove it, or write tls = true \#
            beside grpc
            f.toml:12: service[0].check[1].expiry_warning: is for checks over TLS; remove it, or write tls = true \#
            beside grpc
            """#),
        AgentRefusal(
            "UDP keys in other checks",
            service: #"""
                [[service.check]]
                http = "/"
                send = "a"
                [[service.check]]
                exec = ["/bin/true"]
                expect = "a"
                """#,
            #"""
            f.toml:7: service[0].check[0].send: is for udp checks; remove it, or ask with udp = true
            f.toml:10: service[0].check[1].expect: is for udp checks; remove it, or ask with udp = true
            """#),
        AgentRefusal(
            "the key of a file in another check",
            service: #"""
                [[service.check]]
                systemd = "a.service"
                exists = true
                """#,
            #"f.toml:7: service[0].check[0].exists: is for file checks; remove it, or ask with file = "/run/maint""#),
        AgentRefusal(
            "an address of what asks this host",
            service: #"""
                [[service.check]]
                systemd = "a.service"
                address = "10.0.0.1"
                port = 80
                [[service.check]]
                file = "/a"
                exists = true
                address = "nowhere"
                port = "x"
                """#,
            #"""
            f.toml:7: service[0].check[0].address: is for checks of the service itself; remove it: systemd asks this \#
            host
            f.toml:8: service[0].check[0].port: is for checks of the service itself; remove it: systemd asks this \#
            host
            f.toml:12: service[0].check[1].address: is for checks of the service itself; remove it: file asks this \#
            host
            f.toml:13: service[0].check[1].port: is for checks of the service itself; remove it: file asks this host
            """#),
        AgentRefusal(
            "a misspelt question",
            service: #"""
                [[service.check]]
                htpp = "/"
                [[service.check]]
                tcp = true
                exepct = "a"
                """#,
            #"""
            f.toml:5: service[0].check[0]: asks nothing; write one of http = "/healthz", tcp = true, tls = true, udp \#
            = true, grpc = "package.Service", exec = ["/usr/local/lib/rsagent/check"], systemd = "nginx.service", \#
            file = "/run/maint"
            f.toml:6: service[0].check[0].htpp: is not a key; did you mean http?
            f.toml:9: service[0].check[1].exepct: is not a key; did you mean expect?
            """#),
        AgentRefusal(
            "keys of other tables in a check",
            service: #"""
                [[service.check]]
                tcp = true
                cpu = 0.8
                slow_start = "1s"
                client_ca = "/a"
                stop_timeout = "1s"
                """#,
            #"""
            f.toml:7: service[0].check[0].cpu: does not belong here; move it into [service.load]
            f.toml:8: service[0].check[0].slow_start: does not belong here; move it into [[service]]
            f.toml:9: service[0].check[0].client_ca: does not belong here; move it into [report.tls]
            f.toml:10: service[0].check[0].stop_timeout: does not belong here; move it to the top of the file, \#
            before the first [table]
            """#),
        AgentRefusal(
            "questions that need a port, where the service takes all",
            file: #"""
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 0
                [[service.check]]
                http = "/"
                [[service.check]]
                tls = true
                [[service.check]]
                udp = true
                [[service.check]]
                grpc = ""
                [[service.check]]
                exec = ["/bin/true"]
                [[service.check]]
                systemd = "a.service"
                [[service.check]]
                file = "/a"
                exists = true
                """#,
            #"""
            f.toml:5: service[0].check[0].port: is missing; the service takes all ports: write which one to check, \#
            such as port = 80
            f.toml:7: service[0].check[1].port: is missing; the service takes all ports: write which one to check, \#
            such as port = 80
            f.toml:9: service[0].check[2].port: is missing; the service takes all ports: write which one to check, \#
            such as port = 80
            f.toml:11: service[0].check[3].port: is missing; the service takes all ports: write which one to check, \#
            such as port = 80
            """#),
    ]
}
