internal import Testing

@testable internal import PacketFilter

@Suite("JSON as nftables uses it")
struct JSONTests {
    @Test(
        "a value is the same after it was written and read",
        arguments: [
            .null, .bool(true), .bool(false), .integer(0), .integer(-300), .integer(.max), "", "äöü€𝄞",
            "a\"b\\c/\n\t\u{1}",
            [], [1, "2", [.null]], [:], ["a": ["b": [1, 2]], "": 0],
        ] as [JSON])
    func roundTrip(value: JSON) {
        #expect(JSON(text: value.text) == value)
        #expect(JSON(text: " \n\(value.text)\t ") == value)
    }

    @Test("escapes are read, surrogate pairs too")
    func escapes() {
        #expect(JSON(text: #""\u0041\ud834\udd1e\/\"\\ä""#) == "A𝄞/\"\\ä")
    }

    @Test(
        "what is cut off, not JSON or not whole is nothing",
        arguments: [
            "", "{", "[1,", "[1 2]", #"{"a" 1}"#, #"{"a":1"#, #"{"a":1}}"#, "nul", "1.5", "1e3", "-", #""a"#, #""\u12"#,
            #""\x""#, "99999999999999999999", #"{"flags": "#, "\"a\nb\"", String(repeating: "[", count: 100_000),
        ])
    func malformed(text: String) {
        #expect(JSON(text: text) == nil)
    }

    @Test("every beginning of a listing is read as nothing, without a crash")
    func truncated() {
        let text = GuardTable(devices: ["a"]).content.installation()
        for end in text.indices {
            #expect(JSON(text: String(text[..<end])) == nil)
        }
        #expect(JSON(text: text) != nil)
    }
}
