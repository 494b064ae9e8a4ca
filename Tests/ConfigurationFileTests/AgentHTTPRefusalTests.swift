import ConfigurationFile
import Testing

@Suite("rsagent.toml: what is asked over HTTP, and which answer is good")
struct AgentHTTPRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "methods that are none",
            service: #"""
                [[service.check]]
                http = "/"
                method = "get"
                [[service.check]]
                http = "/"
                method = "GET /"
                [[service.check]]
                http = "/"
                method = ""
                [[service.check]]
                http = "/"
                method = "CONNECT"
                [[service.check]]
                http = "/"
                method = ["GET"]
                """#,
            #"""
            f.toml:7: service[0].check[0].method: "get" cannot be a method; write "GET": 1 to 32 upper-case letters
            f.toml:10: service[0].check[1].method: "GET /" cannot be a method; write "HEAD": 1 to 32 upper-case \#
            letters
            f.toml:13: service[0].check[2].method: "" cannot be a method; write "HEAD": 1 to 32 upper-case letters
            f.toml:16: service[0].check[3].method: "CONNECT" asks for no path; write another method, such as "HEAD"
            f.toml:19: service[0].check[4].method: is a list, not text; write method = "HEAD"
            """#),
        AgentRefusal(
            "a body of an answer that has none",
            service: #"""
                [[service.check]]
                http = "/"
                method = "HEAD"
                body = "ok"
                """#,
            #"f.toml:8: service[0].check[0].body: is never there with method = "HEAD"; remove one of the two"#),
        AgentRefusal(
            "a body of nothing, too much, or many",
            service: #"""
                [[service.check]]
                http = "/"
                body = ""
                [[service.check]]
                http = "/"
                body = "\#(String(repeating: "x", count: 1025))"
                [[service.check]]
                http = "/"
                body = ["a"]
                """#,
            #"""
            f.toml:7: service[0].check[0].body: is empty; write 1 to 1024 bytes
            f.toml:10: service[0].check[1].body: is 1025 bytes long; write 1 to 1024 bytes
            f.toml:13: service[0].check[2].body: is a list, not text; write body = "ok"
            """#),
        AgentRefusal(
            "headers that are no table",
            service: #"""
                [[service.check]]
                http = "/"
                headers = ["X-A: b"]
                [[service.check]]
                http = "/"
                headers = "X-A: b"
                """#,
            #"""
            f.toml:7: service[0].check[0].headers: is a list, not a table; write headers = { X-Name = "value" }
            f.toml:10: service[0].check[1].headers: is text, not a table; write headers = { X-Name = "value" }
            """#),
        AgentRefusal(
            "headers that are not set here",
            service: #"""
                [[service.check]]
                http = "/"
                [service.check.headers]
                HOST = "a"
                connection = "close"
                Content-Length = "0"
                Transfer-Encoding = "chunked"
                """#,
            #"""
            f.toml:8: service[0].check[0].headers.HOST: is not set here; write host = "www.example.com" beside http
            f.toml:9: service[0].check[0].headers.connection: is set by the check itself, which sends no body and \#
            asks once; remove it
            f.toml:10: service[0].check[0].headers.Content-Length: is set by the check itself, which sends no body \#
            and asks once; remove it
            f.toml:11: service[0].check[0].headers.Transfer-Encoding: is set by the check itself, which sends no \#
            body and asks once; remove it
            """#),
        AgentRefusal(
            "names of headers that are none",
            service: #"""
                [[service.check]]
                http = "/"
                [service.check.headers]
                "X A" = "a"
                "X:A" = "a"
                "" = "a"
                "Ä" = "a"
                """#,
            #"""
            f.toml:8: service[0].check[0].headers."X A": "X A" cannot be the name of a header; write letters, digits \#
            and '-', such as X-Name
            f.toml:9: service[0].check[0].headers."X:A": "X:A" cannot be the name of a header; write letters, digits \#
            and '-', such as X-Name
            f.toml:10: service[0].check[0].headers."": "" cannot be the name of a header; write letters, digits and \#
            '-', such as X-Name
            f.toml:11: service[0].check[0].headers."Ä": "Ä" cannot be the name of a header; write letters, digits \#
            and '-', such as X-Name
            """#),
        AgentRefusal(
            "a header twice, in whatever case",
            service: #"""
                [[service.check]]
                http = "/"
                [service.check.headers]
                x-a = "a"
                X-A = "b"
                x-A = "c"
                """#,
            #"""
            f.toml:9: service[0].check[0].headers.X-A: is the same header as "x-a" (line 8): names have no case; \#
            remove one of the two
            f.toml:10: service[0].check[0].headers.x-A: is the same header as "x-a" (line 8): names have no case; \#
            remove one of the two
            """#),
        AgentRefusal(
            "values of headers that are none",
            service: #"""
                [[service.check]]
                http = "/"
                [service.check.headers]
                A = "a\r\nB: c"
                C = " a"
                D = "a "
                E = "\t"
                F = 1
                G = ["a"]
                """#,
            #"""
            f.toml:8: service[0].check[0].headers.A: "a\r\nB: c" cannot be the value of a header; write it on one \#
            line, without tabs, and without blanks before and behind it
            f.toml:9: service[0].check[0].headers.C: " a" cannot be the value of a header; write it on one line, \#
            without tabs, and without blanks before and behind it
            f.toml:10: service[0].check[0].headers.D: "a " cannot be the value of a header; write it on one line, \#
            without tabs, and without blanks before and behind it
            f.toml:11: service[0].check[0].headers.E: "\t" cannot be the value of a header; write it on one line, \#
            without tabs, and without blanks before and behind it
            f.toml:12: service[0].check[0].headers.F: is a number, not text; write headers = { X-Name = "value" }
            f.toml:13: service[0].check[0].headers.G: is a list, not text; write headers = { X-Name = "value" }
            """#),
        AgentRefusal(
            "status codes out of range",
            service: #"""
                [[service.check]]
                http = "/"
                status = [99, 200, 600]
                [[service.check]]
                http = "/"
                status = 1000
                """#,
            #"""
            f.toml:7: service[0].check[0].status[0]: 99 is out of range; write status = [200, "300-399"], codes of \#
            100 to 599
            f.toml:7: service[0].check[0].status[2]: 600 is out of range; write status = [200, "300-399"], codes of \#
            100 to 599
            f.toml:10: service[0].check[1].status: 1000 is out of range; write status = [200, "300-399"], codes of \#
            100 to 599
            """#),
        AgentRefusal(
            "ranges of status codes that are none",
            service: #"""
                [[service.check]]
                http = "/"
                status = ["299-200", "099-200", "200-600", "2xx", "200-", "-200", "200-299-300", "+20-299", ""]
                [[service.check]]
                http = "/"
                status = "200"
                [[service.check]]
                http = "/"
                status = "200 - 299"
                """#,
            #"""
            f.toml:7: service[0].check[0].status[0]: "299-200" ends before it begins; write "200-299"
            f.toml:7: service[0].check[0].status[1]: "099-200" is out of range; write status = [200, "300-399"], \#
            codes of 100 to 599
            f.toml:7: service[0].check[0].status[2]: "200-600" is out of range; write status = [200, "300-399"], \#
            codes of 100 to 599
            f.toml:7: service[0].check[0].status[3]: "2xx" is not a range of status codes; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:7: service[0].check[0].status[4]: "200-" is not a range of status codes; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:7: service[0].check[0].status[5]: "-200" is not a range of status codes; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:7: service[0].check[0].status[6]: "200-299-300" is not a range of status codes; write status = \#
            [200, "300-399"], codes of 100 to 599
            f.toml:7: service[0].check[0].status[7]: "+20-299" is not a range of status codes; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:7: service[0].check[0].status[8]: "" is not a range of status codes; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:10: service[0].check[1].status: "200" is text; write the number 200, or "200-200"
            f.toml:13: service[0].check[2].status: "200 - 299" is not a range of status codes; write status = [200, \#
            "300-399"], codes of 100 to 599
            """#),
        AgentRefusal(
            "no status code, and what is neither number nor range",
            service: #"""
                [[service.check]]
                http = "/"
                status = []
                [[service.check]]
                http = "/"
                status = [200.0, true]
                [[service.check]]
                http = "/"
                status = { from = 200 }
                """#,
            #"""
            f.toml:7: service[0].check[0].status: is an empty list; write status = [200, "300-399"], codes of 100 to \#
            599
            f.toml:10: service[0].check[1].status[0]: is a decimal number, not a whole number; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:10: service[0].check[1].status[1]: is true or false, not a whole number; write status = [200, \#
            "300-399"], codes of 100 to 599
            f.toml:13: service[0].check[2].status: is a table, not a whole number; write status = [200, "300-399"], \#
            codes of 100 to 599
            """#),
    ]
}
