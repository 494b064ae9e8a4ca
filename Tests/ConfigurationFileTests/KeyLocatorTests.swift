import Testing

@testable import ConfigurationFile

@Suite("KeyLocator")
struct KeyLocatorTests {
    /// `path = line` for every path asked for, so that a failure shows the whole picture.
    private func lines(_ text: String, _ paths: [NodePath]) throws -> [String] {
        _ = try Node(parsing: text)
        let locator = KeyLocator(text)
        return paths.map { "\($0) = \(locator.line(of: $0).map(String.init) ?? "-")" }
    }

    private let root = NodePath.root

    @Test("plain keys are on the lines they are written on, comments and blank lines counted")
    func plain() throws {
        let text = """
            # a = 1

            a = 1  # b = 2
              b = "x # not a comment"

            c = '\\'  # a literal string ends at the next quote, whatever stands before it
            d = 1
            """
        let found = try lines(text, ["a", "b", "c", "d", "e"].map { root.key($0) })
        #expect(found == ["a = 3", "b = 4", "c = 6", "d = 7", "e = -"])
    }

    @Test("CRLF and a byte order mark change no line number")
    func carriageReturns() throws {
        let text = "\u{FEFF}a = 1\r\n# c\r\n[t]\r\nb = \"\"\"\r\nx\r\n\"\"\"\r\nc = [\r\n1,\r\n2]\r\nd = 1\r\n"
        let table = root.key("t")
        let found = try lines(
            text, [root.key("a"), table, table.key("b"), table.key("c").index(1), table.key("d")])
        #expect(found == ["a = 1", "t = 3", "t.b = 4", "t.c[1] = 9", "t.d = 10"])
    }

    @Test("quoted keys are found by what they stand for")
    func quotedKeys() throws {
        let text = #"""
            "a.b" = 1
            'c d' = 2
            "\u00e9\"\\\t" = 3
            "" = 4
            x."y z".'w' = 5
            "#=[" = 6
            """#
        let found = try lines(
            text,
            [
                root.key("a.b"), root.key("c d"), root.key("é\"\\\t"), root.key(""),
                root.key("x").key("y z").key("w"), root.key("#=["),
            ])
        #expect(
            found == [
                #""a.b" = 1"#, #""c d" = 2"#, #""é\"\\\t" = 3"#, #""" = 4"#, #"x."y z".w = 5"#, ##""#=[" = 6"##,
            ])
    }

    @Test("dotted keys and headers give a line to every table on the way")
    func dottedKeys() throws {
        let text = """
            a.b . c = 1
            a.d = 2
            [e . f]
            g.h = 3
            [e]
            i = 4
            """
        let a = root.key("a")
        let e = root.key("e")
        let found = try lines(
            text,
            [
                a, a.key("b"), a.key("b").key("c"), a.key("d"), e, e.key("f"), e.key("f").key("g").key("h"),
                e.key("i"),
            ])
        // A table's own header is where it is, even if a table inside it came first.
        #expect(found == ["a = 1", "a.b = 1", "a.b.c = 1", "a.d = 2", "e = 5", "e.f = 3", "e.f.g.h = 4", "e.i = 6"])
    }

    @Test("inline tables and lists give a line to every key and element")
    func inlineValues() throws {
        let text = """
            a = { b = 1, "c" = [ { d = 1 }, { d = 2 } ] }
            e = [
              1, 2, # 3,
              # 4
              [ 5,
                6 ],
              "]",
              { f = '''
            ,
            ''', g = 1 },
            ]
            h = 1
            """
        let c = root.key("a").key("c")
        let e = root.key("e")
        let found = try lines(
            text,
            [
                root.key("a").key("b"), c.index(1).key("d"), e.index(0), e.index(1), e.index(2), e.index(2).index(1),
                e.index(3), e.index(4).key("f"), e.index(4).key("g"), e.index(5), root.key("h"),
            ])
        #expect(
            found == [
                "a.b = 1", "a.c[1].d = 1", "e[0] = 3", "e[1] = 3", "e[2] = 5", "e[2][1] = 6", "e[3] = 7",
                "e[4].f = 8", "e[4].g = 10", "e[5] = -", "h = 12",
            ])
    }

    @Test("multi-line strings hide what looks like keys, headers and quotes")
    func multiLineStrings() throws {
        let text = #"""
            a = """
            b = 1
            [t]
            \""" "" \\"""
            c = '''
            d = 1 \'''
            e = """"quoted""""
            f = """""" # empty
            g = 1
            """#
        let found = try lines(text, ["a", "b", "t", "c", "d", "e", "f", "g"].map { root.key($0) })
        #expect(found == ["a = 1", "b = -", "t = -", "c = 5", "d = -", "e = 7", "f = 8", "g = 9"])
    }

    @Test("arrays of tables count their elements, nested ones within the last of the outer")
    func arraysOfTables() throws {
        let text = """
            [[service]]
            name = "a"
            [[service.check]]
            tcp = true
            [[service.check]]
            http = "/"
            [service.load]
            cpu = 1
            [[ service ]]  # the second
            [[ service . "check" ]]
            tcp = true
            """
        let service = root.key("service")
        let paths = [
            service, service.index(0), service.index(0).key("name"), service.index(0).key("check").index(1),
            service.index(0).key("check").index(1).key("http"), service.index(0).key("load").key("cpu"),
            service.index(1), service.index(1).key("check").index(0),
            service.index(1).key("check").index(0).key("tcp"),
        ]
        #expect(
            try lines(text, paths) == [
                "service = 1", "service[0] = 1", "service[0].name = 2", "service[0].check[1] = 5",
                "service[0].check[1].http = 6", "service[0].load.cpu = 8", "service[1] = 9",
                "service[1].check[0] = 10", "service[1].check[0].tcp = 11",
            ])
    }

    @Test("dates, numbers and booleans end where the line or the list does")
    func scalars() throws {
        let text = """
            a = 1979-05-27 07:32:00 # c
            b = [1979-05-27 07:32:00, +1.5e3,
              0xFF, inf]
            c = {d = true,e = -1}
            f = 07:32:00
            """
        let found = try lines(
            text,
            [
                root.key("a"), root.key("b").index(1), root.key("b").index(2), root.key("b").index(3),
                root.key("c").key("e"), root.key("f"),
            ])
        #expect(found == ["a = 1", "b[1] = 2", "b[2] = 3", "b[3] = 3", "c.e = 4", "f = 5"])
    }

    @Test(
        "what the TOML library would not survive is found on its line",
        arguments: [
            ("a = 1\n[=]", 2), ("[[ .a]]", 1), ("[é]", 1), ("[\n]", 1), ("[[\n]]", 1), ("a = [\n1,\n}]", 3),
            ("a = [[1], [}]]", 1), ("a = [\u{2028}]", 1), ("a = [\u{85}]", 1), ("a = [{ b = [ } ] }]", 1),
            ("a = \"\"\"\n[=]\n\"\"\"\n[=]", 4),
            ("a = 2026-01-01T:1", 1), ("a = [\n2026-01-01tx:]", 2), ("a = {b = 2026-01-01T}", 1),
            ("a = 2026-01-01T\n", 1), ("a = 2026-13-99T 1:", 1), ("a = 2026-01-01 0", 1), ("a = [2026-01-01 1,", 1),
            ("a = 1_9xx-01-01 1#", 1), ("a = {b = 2026-01-01 0}", 1), ("a = 2026-01-01 1 2", 1),
        ])
    func fatalSlips(_ text: String, _ line: Int) {
        #expect(KeyLocator(text).fatalSlip?.line == line)
        let error = #expect(throws: TOMLSyntaxError.self) { try Node(parsing: text) }
        #expect(error?.line == line)
    }

    @Test(
        "what the TOML library survives is left to it",
        arguments: [
            "[a]\n[ b ]\n[[ \"c\" ]]\n['d']\n[-]", "a = [ ]", "a = [{}, { b = [] }]", "a = '''\n[=]\n'''",
            "# [=]\na = '[}'", "[]", "[[]]", "[", "[[", "a = [", "a = [,]",
            "a = 2026-01-01T07:32:00Z", "a = 2026-01-01 :", "a = 2026-01-01", "a = 2026-01-0", "a = 2026-01-01 # T:",
            "a = 2026-01-01 07:32:00", "a = 2026-01-01 07", "a = [-1 2]", "a = 1e-1 # 2",
        ])
    func noFatalSlips(_ text: String) {
        #expect(KeyLocator(text).fatalSlip == nil)
        // Whatever comes of it, it comes back.
        _ = try? Node(parsing: text)
    }

    @Test("an earlier slip is reported before one that the TOML library would not survive")
    func earlierSlips() {
        for text in ["a = \n[=]", "a = 1\nb = \"x\nc = [ } ]", "a = [1 2]\n\n[.]"] {
            let lastLine = text.split(separator: "\n", omittingEmptySubsequences: false).count
            let error = #expect(throws: TOMLSyntaxError.self) { try Node(parsing: text) }
            #expect(error.map { $0.line < lastLine } == true)
            #expect(KeyLocator(text).fatalSlip?.line == lastLine)
        }
    }

    @Test(
        "a text that is not TOML ends the walk without harm",
        arguments: [
            "", "=", "[", "[[", "]", "a", "a =", "a = [", "a = {", "a = \"", "a = \"\"\"", "a = '''", "\"", "'", "\\",
            "a = \"\\", "a = \"\\u12", "a = \"\\UFFFFFFFF\"", ".", "..", "a..b = 1", "{}", "a = [}", "a = {]",
            "a = [1 2]",
            "[a", "[a]]]", "\u{0}", "a = [[[[[[", "[[a]] [[a]] b", String(repeating: "[", count: 10_000),
            "a = " + String(repeating: "[", count: 10_000), "a = " + String(repeating: "{a=", count: 10_000),
        ])
    func notTOML(_ text: String) {
        #expect(KeyLocator(text).line(of: .root) == 1)
    }
}
