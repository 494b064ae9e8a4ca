import Testing

@testable import ConfigurationFile

@Suite("Words in messages")
struct WordTests {
    private let keys = ["interval", "timeout", "rise", "fall", "http", "run_dir"]

    @Test(
        "a slip finds its key",
        arguments: [
            ("intervall", "interval"), ("intreval", "interval"), ("Interval", "interval"), ("time_out", "timeout"),
            ("fal", "fall"), ("rsie", "rise"), ("htpp", "http"), ("run-dir", "run_dir"), ("rundir", "run_dir"),
        ])
    func slips(_ word: String, _ key: String) {
        #expect(Schema.nearest(to: word, in: keys) == key)
    }

    @Test(
        "another word finds none",
        arguments: ["", "x", "colour", "interface", "int", String(repeating: "a", count: 10_000)])
    func others(_ word: String) {
        #expect(Schema.nearest(to: word, in: keys) == nil)
    }

    @Test("no key is both read and refused")
    func disjoint() {
        for schema in Schema.ofAgent + Schema.ofDirector {
            #expect(schema.keys.allSatisfy { schema.later[$0] == nil && schema.refused[$0] == nil })
        }
    }

    @Test(
        "a message stays on its line, whatever is quoted in it",
        arguments: [
            ("a\"b\\c", #""a\"b\\c""#), ("a\nb\r\nc\td", #""a\nb\r\nc\td""#), ("\u{1B}[31m", #""\u001B[31m""#),
            ("\u{202E}x\u{E0001}", #""\u202Ex\U000E0001""#), ("é 水", #""é 水""#), ("", #""""#),
        ])
    func quoting(_ text: String, _ expected: String) {
        #expect(quoted(text) == expected)
    }

    @Test(
        "an address and port take digits only",
        arguments: [
            "10.0.0.1:+80", "10.0.0.1:-1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1", ":80", "::1:80",
            "[::1]", "[::1:80", "[10.0.0.1]:80", "10.0.0.1:８０", "10.0.0.1: 80", "",
        ])
    func badSocketAddresses(_ text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test(
        "an address and port read back as they are written",
        arguments: ["10.0.0.1:80", "[2001:db8::1]:65535", "[::]:1"])
    func socketAddresses(_ text: String) {
        #expect(SocketAddress(text)?.description == text)
    }
}
