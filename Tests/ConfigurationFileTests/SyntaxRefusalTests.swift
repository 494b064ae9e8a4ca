import ConfigurationFile
import Testing

@Suite("a file that is not TOML")
struct SyntaxRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "text without quotes", service: #"forward = dr"#,
            #"""
            f.toml:5: syntax error in column 11: while parsing value: could not determine value type; write text \#
            in double quotes, such as "eth0"
            """#),
        AgentRefusal(
            "a key twice",
            service: #"""
                weight = 1
                weight = 2
                """#,
            #"""
            f.toml:6: syntax error in column 10: while parsing key-value pair: cannot redefine existing integer \#
            'weight'; remove one of the two, or open each table of a list with [[double brackets]]
            """#),
        AgentRefusal(
            "a text that does not end", service: #"forward = "dr"#,
            #"""
            f.toml:5: syntax error in column 14: while parsing string: unescaped control characters other than \#
            TAB (U+0009) are explicitly prohibited; end the text with its double quote, on the same line
            """#),
        AgentRefusal(
            "a value that is missing", service: #"weight ="#,
            #"""
            f.toml:5: syntax error in column 9: while parsing key-value pair: expected value, saw '\n'; write a \#
            value behind the =
            """#),
        AgentRefusal(
            "a header that does not end", service: #"[[service]"#,
            #"""
            f.toml:5: syntax error in column 11: while parsing table header: expected ']', saw '\n'; write \#
            [name], or [[name]] for a table of a list
            """#),
        AgentRefusal(
            "a NUL escape", service: #"forward = "dr\u0000x""#,
            #"f.toml:5: syntax error: there is a NUL character; remove it"#),
        AgentRefusal(
            "a key without a value", service: #"weight"#,
            #"""
            f.toml:5: syntax error in column 7: while parsing key-value pair: expected '=', saw '\n'; write key = \#
            value
            """#),
        AgentRefusal(
            "a header without a name", service: #"[=]"#,
            #"f.toml:5: syntax error: a table header has no name; write [name], or [[name]] for a table of a list"#),
        AgentRefusal(
            "a header without a name, behind another slip",
            service: #"""
                weight =
                [[ .a]]
                """#,
            #"""
            f.toml:5: syntax error in column 9: while parsing key-value pair: expected value, saw '\n'; write a \#
            value behind the =
            """#),
        AgentRefusal(
            "a list that ends as a table does",
            file: #"""
                port = [
                  80,
                  }
                """#,
            #"""
            f.toml:3: syntax error: a list has no value where there should be one; write a value, or ] to end the \#
            list
            """#),
        AgentRefusal(
            "a list that begins with a line separator", file: #"port = [  80]"#,
            #"""
            f.toml:1: syntax error: a list has no value where there should be one; write a value, or ] to end the \#
            list
            """#),
        AgentRefusal(
            "a header of nothing", service: #"[]"#,
            #"""
            f.toml:5: syntax error in column 2: while parsing table header: tables with blank bare keys are \#
            explicitly prohibited; write key = value, text in double quotes and lists in [brackets] \#
            (https://toml.io)
            """#),
        AgentRefusal(
            "a list that does not end", file: #"port = [80"#,
            #"""
            f.toml:1: syntax error in column 12: while parsing array: encountered end-of-file; write key = value, \#
            text in double quotes and lists in [brackets] (https://toml.io)
            """#),
    ]
}
