import ConfigurationFile
import Testing

@Suite("rsagent.toml: datagrams, services of gRPC, programs, units and files")
struct AgentProbeRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a datagram too long, an answer of nothing",
            service: #"""
                [[service.check]]
                udp = true
                send = "\#(String(repeating: "x", count: 1025))"
                expect = ""
                [[service.check]]
                udp = true
                send = 1
                expect = ["a"]
                """#,
            #"""
            f.toml:7: service[0].check[0].send: is 1025 bytes long; write 0 to 1024 bytes
            f.toml:8: service[0].check[0].expect: is empty; write 1 to 1024 bytes
            f.toml:11: service[0].check[1].send: is a number, not text; write send = "ping"
            f.toml:12: service[0].check[1].expect: is a list, not text; write expect = "pong"
            """#),
        AgentRefusal(
            "services of gRPC that are none",
            service: #"""
                [[service.check]]
                grpc = "/pkg.Service"
                [[service.check]]
                grpc = "pkg..Service"
                [[service.check]]
                grpc = "pkg.Sérvice"
                [[service.check]]
                grpc = true
                [[service.check]]
                grpc = "\#(String(repeating: "x", count: 256))"
                """#,
            #"""
            f.toml:6: service[0].check[0].grpc: "/pkg.Service" cannot be a service of gRPC; write "package.Service", \#
            letters, digits, '_' and '-' with dots between, or "" for the server
            f.toml:8: service[0].check[1].grpc: "pkg..Service" cannot be a service of gRPC; write "package.Service", \#
            letters, digits, '_' and '-' with dots between, or "" for the server
            f.toml:10: service[0].check[2].grpc: "pkg.Sérvice" cannot be a service of gRPC; write "package.Service", \#
            letters, digits, '_' and '-' with dots between, or "" for the server
            f.toml:12: service[0].check[3].grpc: is true or false, not text; write grpc = "package.Service"
            f.toml:14: service[0].check[4].grpc: "\#(String(repeating: "x", count: 256))" cannot be a service of \#
            gRPC; write "package.Service", letters, digits, '_' and '-' with dots between, or "" for the server
            """#),
        AgentRefusal(
            "a program as text, or not at all",
            service: #"""
                [[service.check]]
                exec = "/bin/check -a"
                [[service.check]]
                exec = []
                [[service.check]]
                exec = true
                """#,
            #"""
            f.toml:6: service[0].check[0].exec: is text, not a list; write exec = ["/bin/check", "-a"], the program \#
            and its arguments: there is no shell
            f.toml:8: service[0].check[1].exec: is an empty list; write exec = ["/usr/local/lib/rsagent/check"], the \#
            program and its arguments: there is no shell
            f.toml:10: service[0].check[2].exec: is true or false, not a list; write exec = \#
            ["/usr/local/lib/rsagent/check"], the program and its arguments: there is no shell
            """#),
        AgentRefusal(
            "a program that is looked for in PATH, in a directory, or is one",
            service: #"""
                [[service.check]]
                exec = ["check", "-a"]
                [[service.check]]
                exec = ["./check"]
                [[service.check]]
                exec = ["/usr/lib/"]
                [[service.check]]
                exec = [""]
                """#,
            #"""
            f.toml:6: service[0].check[0].exec[0]: "check" is not an absolute path; write a path that begins with \#
            '/', such as "/usr/local/lib/rsagent/check"
            f.toml:8: service[0].check[1].exec[0]: "./check" is not an absolute path; write a path that begins with \#
            '/', such as "/usr/local/lib/rsagent/check"
            f.toml:10: service[0].check[2].exec[0]: "/usr/lib/" is the path of a directory; write the path of a \#
            file, such as "/usr/local/lib/rsagent/check"
            f.toml:12: service[0].check[3].exec[0]: "" is not an absolute path; write a path that begins with '/', \#
            such as "/usr/local/lib/rsagent/check"
            """#),
        AgentRefusal(
            "arguments that cannot be passed",
            service: #"""
                [[service.check]]
                exec = ["/bin/true", 1, true]
                [[service.check]]
                exec = ["/bin/true", "\#(String(repeating: "x", count: 131072))"]
                [[service.check]]
                exec = ["/\#(String(repeating: "x", count: 4095))"]
                """#,
            #"""
            f.toml:6: service[0].check[0].exec[1]: is a number, not text; write it in double quotes
            f.toml:6: service[0].check[0].exec[2]: is true or false, not text; write it in double quotes
            f.toml:8: service[0].check[1].exec[1]: is 131072 bytes long; write arguments of at most 131071 bytes
            f.toml:10: service[0].check[2].exec[0]: is 4096 bytes long; write a path of 1 to 4095 bytes
            """#),
        AgentRefusal(
            "units that are none",
            service: #"""
                [[service.check]]
                systemd = "nginx"
                [[service.check]]
                systemd = "nginx.conf"
                [[service.check]]
                systemd = "getty@.service"
                [[service.check]]
                systemd = ".service"
                [[service.check]]
                systemd = "a b.service"
                [[service.check]]
                systemd = ""
                [[service.check]]
                systemd = ["a.service"]
                [[service.check]]
                systemd = "\#(String(repeating: "x", count: 256)).service"
                """#,
            #"""
            f.toml:6: service[0].check[0].systemd: "nginx" does not say which type of unit it is; write \#
            "nginx.service"
            f.toml:8: service[0].check[1].systemd: "nginx.conf" does not say which type of unit it is; write \#
            "nginx.conf.service"
            f.toml:10: service[0].check[2].systemd: "getty@.service" is a template, which is never active itself; \#
            write which of its instances, such as "getty@1.service"
            f.toml:12: service[0].check[3].systemd: ".service" has a type and no name; write a unit such as \#
            "nginx.service"
            f.toml:14: service[0].check[4].systemd: "a b.service" cannot be a unit; write 1 to 255 letters, digits, \#
            ':', '-', '_', '.', '\' and '@', such as "nginx.service"
            f.toml:16: service[0].check[5].systemd: "" cannot be a unit; write 1 to 255 letters, digits, ':', '-', \#
            '_', '.', '\' and '@', such as "nginx.service"
            f.toml:18: service[0].check[6].systemd: is a list, not text; write systemd = "nginx.service"
            f.toml:20: service[0].check[7].systemd: "\#(String(repeating: "x", count: 256)).service" cannot be a \#
            unit; write 1 to 255 letters, digits, ':', '-', '_', '.', '\' and '@', such as "nginx.service"
            """#),
        AgentRefusal(
            "a file without what is wanted of it",
            service: #"""
                [[service.check]]
                file = "/run/maint"
                [[service.check]]
                file = "/run/maint"
                exists = "no"
                """#,
            #"""
            f.toml:5: service[0].check[0].exists: is missing; write exists = true if the file must be there, exists \#
            = false if it must not be there
            f.toml:9: service[0].check[1].exists: is text, not true or false; write exists = true or exists = false
            """#),
        AgentRefusal(
            "a file without its way, and a directory",
            service: #"""
                [[service.check]]
                file = "maint"
                exists = true
                [[service.check]]
                file = "/run/"
                exists = false
                [[service.check]]
                file = "/a\nb"
                exists = false
                [[service.check]]
                file = false
                exists = false
                """#,
            #"""
            f.toml:6: service[0].check[0].file: "maint" is not an absolute path; write a path that begins with '/', \#
            such as "/run/maint"
            f.toml:9: service[0].check[1].file: "/run/" is the path of a directory; write the path of a file, such \#
            as "/run/maint"
            f.toml:12: service[0].check[2].file: "/a\nb" is not an absolute path; write a path that begins with '/', \#
            such as "/run/maint"
            f.toml:15: service[0].check[3].file: is true or false, not text; write file = "/run/maint"
            """#),
    ]
}
