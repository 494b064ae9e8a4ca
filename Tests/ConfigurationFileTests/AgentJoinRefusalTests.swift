import ConfigurationFile
import Testing

@Suite("rsagent.toml: in [[join]]")
struct AgentJoinRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    @Test("no refusal shows a token")
    func secret() {
        let refusal = AgentRefusal(
            "a token with a blank", top: join(director: #""http://10.0.0.1:9391""#, #"token = "0123456789 abcdef""#), ""
        )
        #expect(refusal.problems.contains("join[0].token: holds a blank"))
        #expect(!refusal.problems.contains("0123456789") && !refusal.problems.contains("abcdef"))
    }

    /// A file that begins with a director and a `[[join]]`, whose `director` is on line 3 and whose `lines` begin on line 4.
    private static func join(director: String, _ lines: String) -> String {
        "directors = [\"10.0.0.1\"]\n[[join]]\ndirector = \(director)\n\(lines)"
    }

    private func join(director: String, _ lines: String) -> String { Self.join(director: director, lines) }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "nothing said", top: "directors = [\"10.0.0.1\"]\n[[join]]",
            #"""
            f.toml:2: join[0].director: is missing; write director = "http://10.0.0.1:9391": where its file says under \#
            [join] that it listens
            f.toml:2: join[0].token: is missing; write token_file = "/etc/rsagent/join-token": the token of [join] in \#
            the director's file
            """#),
        AgentRefusal(
            "no URL, one with a path, and a name",
            top: join(
                director: #"["10.0.0.1:9391", "http://10.0.0.1:9391/", "http://lb1:9391"]"#, #"token_file = "/t""#),
            #"""
            f.toml:3: join[0].director[0]: "10.0.0.1:9391" is not of the form http://ADDRESS:PORT or \#
            https://ADDRESS:PORT; write director = "http://10.0.0.1:9391": where its file says under [join] that it listens
            f.toml:3: join[0].director[1]: "http://10.0.0.1:9391/" is not of the form http://ADDRESS:PORT or \#
            https://ADDRESS:PORT; write director = "http://10.0.0.1:9391": where its file says under [join] that it listens
            f.toml:3: join[0].director[2]: "http://lb1:9391" is not of the form http://ADDRESS:PORT or \#
            https://ADDRESS:PORT; write director = "http://10.0.0.1:9391": where its file says under [join] that it listens
            """#),
        AgentRefusal(
            "a director that may not poll",
            top: join(director: #"["http://10.0.0.1:9391", "http://10.0.0.2:9391"]"#, #"token_file = "/t""#),
            #"""
            f.toml:3: join[0].director[1]: 10.0.0.2 is not one of `directors`, so that it could not poll this server; add \#
            "10.0.0.2" to `directors` at the top of the file
            """#),
        AgentRefusal(
            "the same director twice",
            top: join(director: #""http://10.0.0.1:9391""#, "token_file = \"/t\"\n[[join]]\ntoken_file = \"/t\"")
                + "\ndirector = \"https://10.0.0.1:9391\"",
            #"f.toml:7: join[1].director: 10.0.0.1:9391 is joined already (line 3); remove one of the two"#),
        AgentRefusal(
            "an authority without TLS",
            top: join(director: #""http://10.0.0.1:9391""#, "token_file = \"/t\"\nca = \"/ca.pem\""),
            #"""
            f.toml:5: join[0].ca: is for directors over TLS; remove it, or write director = "https://10.0.0.1:9391"
            """#),
        AgentRefusal(
            "services that there are not, or twice",
            top: join(
                director: #""http://10.0.0.1:9391""#,
                "token_file = \"/t\"\nservices = [\"wbe\", \"mail\", \"web\", \"web\"]"),
            #"""
            f.toml:5: join[0].services[0]: there is no service "wbe"; did you mean "web"?
            f.toml:5: join[0].services[1]: there is no service "mail"; write the name of a [[service]]
            f.toml:5: join[0].services[3]: "web" is listed twice; remove one of the two
            """#),
        AgentRefusal(
            "no service", top: join(director: #""http://10.0.0.1:9391""#, "token_file = \"/t\"\nservices = []"),
            #"f.toml:5: join[0].services: is an empty list; write services = "web", or a list of such texts"#),
        AgentRefusal(
            "a weight beyond IPVS's, and an address that is a VIP",
            top: join(
                director: #""http://10.0.0.1:9391""#, "token_file = \"/t\"\nweight = 65536\naddress = \"192.0.2.10\""),
            #"""
            f.toml:5: join[0].weight: 65536 is out of range; write a whole number of 0 to 65535
            f.toml:6: join[0].address: 192.0.2.10 is a VIP (line 9); write this server's own address (RIP), or remove it: \#
            the director sees where it comes from
            """#),
        AgentRefusal(
            "two tokens",
            top: join(director: #""http://10.0.0.1:9391""#, "token_file = \"/t\"\ntoken = \"0123456789abcdef\""),
            #"f.toml:4: join[0].token_file: is a second token, besides token; keep one of the two"#),
        AgentRefusal(
            "a report where the director cannot poll",
            top: join(
                director: #""http://10.0.0.1:9391""#, "token_file = \"/t\"\n[report]\nlisten = [\"127.0.0.1:9380\"]"),
            #"""
            f.toml:3: join[0].director: 10.0.0.1 could not poll this server: the report is served elsewhere; write \#
            listen = ["0.0.0.0:9380"] under [report]
            """#),
        AgentRefusal(
            "a report that is not at the address that is joined",
            top: join(
                director: #""http://10.0.0.1:9391""#,
                "token_file = \"/t\"\naddress = \"10.0.0.11\"\n[report]\nlisten = [\"10.0.1.11:9380\"]"),
            #"""
            f.toml:3: join[0].director: 10.0.0.1 could not poll this server: the report is served elsewhere; write \#
            listen = ["10.0.0.11:9380"] under [report]
            """#),
        AgentRefusal(
            "one table instead of a list",
            top: "directors = [\"10.0.0.1\"]\n[join]\ndirector = \"http://10.0.0.1:9391\"",
            #"f.toml:2: join: is a table, not a list of tables; open each with [[join]]"#),
        AgentRefusal(
            "a slip of the pen that another table has as a key", top: #"director = "10.0.0.1""#,
            #"f.toml:1: director: is not a key; did you mean directors?"#),
    ]
}
