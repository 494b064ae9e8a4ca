internal import NetworkAddress
internal import Testing

@testable internal import PacketFilter

@Suite("as few prefixes as hold the same addresses")
struct AddressBlockTests {
    @Test(
        "overlaps and neighbours are joined, families are not",
        arguments: [
            ([], []), (["10.0.0.0/25", "10.0.0.128/25"], ["10.0.0.0/24"]), (["10.0.0.7/24"], ["10.0.0.0/24"]),
            (["10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"], ["10.0.0.1/32", "10.0.0.2/31"]),
            (["10.0.0.5/32", "10.0.0.0/8", "10.255.255.255/32"], ["10.0.0.0/8"]),
            (["0.0.0.0/1", "128.0.0.0/1"], ["0.0.0.0/0"]),
            (["255.255.255.255/32", "::/0"], ["255.255.255.255/32", "::/0"]),
            (["::/1", "8000::/1"], ["::/0"]), (["2001:db8::1/128", "2001:db8::/128"], ["2001:db8::/127"]),
            (["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"], ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"]),
            (["10.0.0.0/24", "10.0.2.0/24"], ["10.0.0.0/24", "10.0.2.0/24"]),
        ])
    func reduced(given: [String], expected: [String]) throws {
        let blocks = try given.map { AddressBlock(try #require(Prefix($0))) }
        #expect(AddressBlock.prefixes(blocks).map(\.description) == expected)
        #expect(AddressBlock.prefixes(blocks.reversed()).map(\.description) == expected)
    }

    @Test("a range is the prefixes between its ends")
    func range() throws {
        let block = try #require(AddressBlock(from: try address("10.0.0.2"), to: try address("10.0.0.9")))
        #expect(AddressBlock.prefixes([block]).map(\.description) == ["10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/31"])
        #expect(AddressBlock(from: try address("10.0.0.2"), to: try address("10.0.0.1")) == nil)
        #expect(AddressBlock(from: try address("10.0.0.2"), to: try address("::")) == nil)
    }
}
