import ConfigurationFile
import Testing

@Suite("rsdirector.toml: agents, and how they join")
struct DirectorAgentRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: DirectorRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [DirectorRefusal] = [
        DirectorRefusal(
            "an agent, without a port",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = "http://10.0.0.11"
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: "http://10.0.0.11" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "an agent, with a path",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = "http://10.0.0.11:9380/v1"
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: "http://10.0.0.11:9380/v1" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "an agent, without a scheme",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = "10.0.0.11:9380"
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: "10.0.0.11:9380" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "an agent, with a bad port",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = "http://10.0.0.11:0"
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: "http://10.0.0.11:0" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "an agent, with a bad address",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = "http://10.0.0.300:9380"
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: "http://10.0.0.300:9380" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "an agent, with a bad name",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = "http://-a:9380"
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: "http://-a:9380" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "an agent, true",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = true
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: true names no agent; write "http://10.0.0.11:9380", which is what \#
            it is if you leave it out, or false for no agent
            """#),
        DirectorRefusal(
            "an agent, number",
            service: #"""
                [[service.server]]
                address = "10.0.0.11"
                agent = 9380
                """#,
            #"""
            f.toml:8: service[0].server[0].agent: is a number, not text or false; write "http://10.0.0.11:9380", \#
            which is what it is if you leave it out, or false for no agent
            """#),
        DirectorRefusal(
            "a token that is too short",
            end: #"""
                [agent]
                token = "secret"
                """#,
            #"""
            f.toml:9: agent.token: is 6 bytes long; write 16 to 1024 letters, digits and marks, such as `openssl rand \#
            -hex 32` prints
            """#),
        DirectorRefusal(
            "two tokens",
            end: #"""
                [agent]
                token = "0123456789abcdef"
                token_file = "/etc/rsdirector/token"
                """#,
            #"f.toml:10: agent.token_file: is a second token, besides token; keep one of the two"#),
        DirectorRefusal(
            "a relative path of a token",
            end: #"""
                [agent]
                token_file = "token"
                """#,
            #"""
            f.toml:9: agent.token_file: "token" is not an absolute path; write a path that begins with '/', such as \#
            "/etc/rsdirector/token"
            """#),
        DirectorRefusal(
            "files of TLS, and no agent over TLS",
            end: #"""
                [agent]
                ca = "/a.pem"
                certificate = "/c.pem"
                key = "/c.key"
                """#,
            #"""
            f.toml:9: agent.ca: is for agents over TLS, and none is asked over it; write tls = true beside it
            f.toml:10: agent.certificate: is for agents over TLS, and none is asked over it; write tls = true beside it
            f.toml:11: agent.key: is for agents over TLS, and none is asked over it; write tls = true beside it
            """#),
        DirectorRefusal(
            "a certificate without its key",
            end: #"""
                [agent]
                tls = true
                certificate = "/c.pem"
                """#,
            #"""
            f.toml:8: agent.key: is missing; write key = "/etc/rsdirector/client.key": a certificate and its key need \#
            each other
            """#),
        DirectorRefusal(
            "a key without its certificate",
            end: #"""
                agent = "https://10.0.0.11:9380"
                key = "/c.key"
                """#,
            #"""
            f.toml:6: service[0].server[0].certificate: is missing; write certificate = "/etc/rsdirector/client.pem": \#
            a certificate and its key need each other
            """#),
        DirectorRefusal(
            "tls as text",
            end: #"""
                [agent]
                tls = "yes"
                """#,
            #"f.toml:9: agent.tls: is text, not true or false; write tls = true or tls = false"#),
        DirectorRefusal(
            "files of TLS for an agent without it", end: #"ca = "/a.pem""#,
            #"""
            f.toml:8: service[0].server[0].ca: is for agents over TLS; remove it, or write agent = \#
            "https://10.0.0.11:9380"
            """#),
        DirectorRefusal(
            "files of TLS for an agent that is written without it",
            end: #"""
                agent = "http://rs1.example.com:80"
                ca = "/a.pem"
                """#,
            #"""
            f.toml:9: service[0].server[0].ca: is for agents over TLS; remove it, or write agent = \#
            "https://rs1.example.com:80"
            """#),
        DirectorRefusal(
            "access to an agent that is not there",
            end: #"""
                agent = false
                token = "0123456789abcdef"
                ca = "/a.pem"
                certificate = "/c.pem"
                key = "/c.key"
                """#,
            #"""
            f.toml:9: service[0].server[0].token: is for a server's agent, and agent = false says that there is none; \#
            remove it
            f.toml:10: service[0].server[0].ca: is for a server's agent, and agent = false says that there is none; \#
            remove it
            f.toml:11: service[0].server[0].certificate: is for a server's agent, and agent = false says that there \#
            is none; remove it
            f.toml:12: service[0].server[0].key: is for a server's agent, and agent = false says that there is none; \#
            remove it
            """#),
        DirectorRefusal(
            "one agent with two tokens",
            end: #"""
                token = "0123456789abcdef"
                [[service]]
                name = "b"
                vip = "192.0.2.10"
                port = 81
                [[service.server]]
                address = "10.0.0.11"
                token = "fedcba9876543210"
                """#,
            #"""
            f.toml:13: service[1].server[0]: http://10.0.0.11:9380 is asked once for all its services, with another \#
            token or other files on line 6; write the same in both
            """#),
        DirectorRefusal(
            "an agent, with TLS and a path", end: #"agent = "https://10.0.0.11:9380/""#,
            #"""
            f.toml:8: service[0].server[0].agent: "https://10.0.0.11:9380/" is not of the form http://HOST:PORT or \#
            https://HOST:PORT; write "http://10.0.0.11:9380", which is what it is if you leave it out, or false for \#
            no agent
            """#),
        DirectorRefusal(
            "joining without a token and without a place", end: #"[join]"#,
            #"""
            f.toml:8: join.token: is missing; write token_file = "/etc/rsdirector/join-token": without one anybody \#
            could become a server
            f.toml:8: join.listen: is missing; write listen = "10.0.0.1:9391", where agents reach this director
            """#),
        DirectorRefusal(
            "joining where no agent comes",
            end: #"""
                [join]
                listen = "127.0.0.1:9391"
                token_file = "/t"
                """#,
            #"""
            f.toml:9: join.listen: 127.0.0.1 is this host only, where no agent comes from; write an address of this \#
            host that agents reach, such as "10.0.0.1:9391"
            """#),
        DirectorRefusal(
            "joining on a VIP",
            end: #"""
                [join]
                listen = "192.0.2.10:9391"
                token_file = "/t"
                """#,
            #"""
            f.toml:9: join.listen: 192.0.2.10 is a VIP (line 4); write an address of this host's own (DIP): packets \#
            to a VIP go to the servers
            """#),
        DirectorRefusal(
            "joining where the status is",
            file: #"""
                status = "0.0.0.0:9390"
                interface = "eth0"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                [[service.server]]
                address = "10.0.0.11"
                [join]
                listen = "10.0.0.1:9390"
                token_file = "/t"
                """#,
            #"""
            f.toml:10: join.listen: 10.0.0.1:9390 is taken by 0.0.0.0:9390, where the status is served (line 1); give \#
            one of the two another address or another port
            """#),
        DirectorRefusal(
            "joining a service that there is not",
            end: #"""
                [join]
                listen = "10.0.0.1:9391"
                token_file = "/t"
                services = ["wbe", "mail"]
                """#,
            #"""
            f.toml:11: join.services[0]: there is no service "wbe"; did you mean "web"?
            f.toml:11: join.services[1]: there is no service "mail"; write the name of a [[service]]
            """#),
        DirectorRefusal(
            "joining no service",
            end: #"""
                [join]
                listen = "10.0.0.1:9391"
                token_file = "/t"
                services = []
                """#,
            #"f.toml:11: join.services: is an empty list; write services = "web", or a list of such texts"#),
        DirectorRefusal(
            "whom to let join, for how long, and how many",
            end: #"""
                [join]
                listen = "10.0.0.1:9391"
                token_file = "/t"
                networks = ["0.0.0.0/0", "10.0.0.1/24"]
                lease = "1s"
                limit = 0
                """#,
            #"""
            f.toml:11: join.networks[0]: "0.0.0.0/0" is everyone; write the networks that your servers are in
            f.toml:11: join.networks[1]: "10.0.0.1/24" has bits set behind its first 24; write "10.0.0.0/24"
            f.toml:12: join.lease: "1s" is out of range; write a time of 5s to 1h
            f.toml:13: join.limit: 0 is out of range; write a whole number of 1 to 100000
            """#),
        DirectorRefusal(
            "joining over TLS without a key",
            end: #"""
                [join]
                listen = "10.0.0.1:9391"
                token_file = "/t"
                [join.tls]
                certificate = "/etc/rsdirector/server.pem"
                """#,
            #"f.toml:11: join.tls.key: is missing; write key = "/etc/rsdirector/server.key", a file in PEM"#),
        DirectorRefusal(
            "a service without servers that agents may not join",
            file: #"""
                interface = "eth0"
                [join]
                listen = "10.0.0.1:9391"
                token_file = "/t"
                services = "web"
                [[service]]
                name = "web"
                vip = "192.0.2.10"
                port = 80
                [[service]]
                name = "b"
                vip = "192.0.2.10"
                port = 81
                """#,
            #"f.toml:10: service[1].server: is missing; write a [[service.server]] with address = "10.0.0.11""#),
    ]
}
