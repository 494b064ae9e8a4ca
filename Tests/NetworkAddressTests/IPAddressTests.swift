import FoundationEssentials
import NetworkAddress
import Testing

@Suite("IPAddress")
struct IPAddressTests {
    @Test("either family is told by its text")
    func families() {
        #expect(IPAddress("192.0.2.1") == .v4(IPv4Address(192, 0, 2, 1)))
        #expect(IPAddress("2001:db8::1") == .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1)))
        #expect(IPAddress("::ffff:192.0.2.1")?.v6 != nil)
        #expect(IPAddress("192.0.2.1")?.v6 == nil)
        #expect(IPAddress("192.0.2.1")?.bitWidth == 32)
        #expect(IPAddress("::")?.bitWidth == 128)
    }

    @Test("what is neither is refused", arguments: ["", "example.com", "192.0.2", "192.0.2.1/32", "1:2", "0", "[::1]"])
    func refused(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("IPv4 sorts before IPv6, each by number")
    func order() {
        let sorted = ["::2", "10.0.0.1", "::1", "9.0.0.1", "255.255.255.255"].compactMap { IPAddress($0) }.sorted()
        #expect(sorted.map(\.description) == ["9.0.0.1", "10.0.0.1", "255.255.255.255", "::1", "::2"])
    }

    @Test("an IPv4 address and a plain IPv6 address are left as they are when unmapped")
    func unmapped() {
        for text in ["192.0.2.1", "2001:db8::1", "::c000:201"] {
            #expect(IPAddress(text)?.unmapped == IPAddress(text))
        }
    }

    @Test("JSON holds addresses as text")
    func json() throws {
        let addresses = ["192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) }
        let data = try JSONEncoder().encode(addresses)
        #expect(String(decoding: data, as: UTF8.self) == #"["192.0.2.1","2001:db8::1"]"#)
        #expect(try JSONDecoder().decode([IPAddress].self, from: data) == addresses)
        let v4 = try JSONDecoder().decode([IPv4Address].self, from: Data(#"["192.0.2.1"]"#.utf8))
        #expect(v4 == [IPv4Address(192, 0, 2, 1)])
    }

    @Test("JSON that holds no address is refused", arguments: [#"["192.0.2"]"#, "[1]", "[null]", #"[""]"#])
    func badJSON(_ text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([IPAddress].self, from: Data(text.utf8)) }
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([IPv4Address].self, from: Data(text.utf8)) }
    }
}
