import NetworkAddress
import Testing

@Suite("IPv6Address")
struct IPv6AddressTests {
    @Test(
        "every text form of RFC 4291 is read",
        arguments: [
            ("::", 0, 0), ("::1", 0, 1), ("1::", 0x0001_0000_0000_0000, 0),
            ("2001:db8::1", 0x2001_0DB8_0000_0000, 1),
            ("2001:0DB8:0000:0000:0000:0000:0000:0001", 0x2001_0DB8_0000_0000, 1),
            ("1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004, 0x0005_0006_0007_0008),
            ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000),
            ("::2:3:4:5:6:7:8", 0x0000_0002_0003_0004, 0x0005_0006_0007_0008),
            ("1:2:3::6:7:8", 0x0001_0002_0003_0000, 0x0000_0006_0007_0008),
            ("::ffff:192.0.2.1", 0, 0x0000_FFFF_C000_0201), ("64:ff9b::192.0.2.33", 0x0064_FF9B_0000_0000, 0xC000_0221),
            ("1:2:3:4:5:6:1.2.3.4", 0x0001_0002_0003_0004, 0x0005_0006_0102_0304), ("::1.2.3.4", 0, 0x0102_0304),
            ("FE80::ABCD", 0xFE80_0000_0000_0000, 0xABCD),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .max, .max),
        ] as [(String, UInt64, UInt64)])
    func read(_ text: String, _ high: UInt64, _ low: UInt64) {
        #expect(IPv6Address(text) == IPv6Address(high: high, low: low))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
            "1::2::3",
            "1:::2", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1::2:", ":1::2", "12345::", "g::", "::-1", "::+1", "::0x1",
            "1 ::2",
            "::1 ", " ::1", "::1%eth0", "[::1]", "::1/64", "1.2.3.4", "::1.2.3", "::1.2.3.256", "::01.2.3.4",
            "::1.2.3.4:5",
            "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "::１", "::1\0", "::\u{301}1",
        ])
    func refused(_ text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test(
        "an address is written as RFC 5952 has it",
        arguments: [
            // §4.1 leading zeros, §4.2.1 shorten as much as possible
            ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0000", "2001:db8::"), ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            // §4.2.2 one zero group is not shortened
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            // §4.2.3 the longest run, and the first of two equal ones
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("1:0:0:2:0:0:0:0", "1:0:0:2::"), ("0:0:1:0:0:1:0:0", "::1:0:0:1:0:0"),
            // §4.3 lower case
            ("2001:DB8::ABCD:EF", "2001:db8::abcd:ef"),
            // §5 an IPv4-mapped address shows its IPv4 address
            ("::FFFF:C000:0201", "::ffff:192.0.2.1"), ("::ffff:0:0", "::ffff:0.0.0.0"),
            ("fe80::1", "fe80::1"), ("ff02::2", "ff02::2"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ])
    func written(_ text: String, _ canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test("every address reads back as it is written, however many of its groups are zero")
    func roundTrip() {
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<10_000 {
            let zeroed = UInt8.random(in: 0 ... .max, using: &generator)
            let groups = (0..<8).map { zeroed >> $0 & 1 == 1 ? 0 : UInt64.random(in: 0...0xFFFF, using: &generator) }
            let address = IPv6Address(
                high: groups[..<4].reduce(0) { $0 << 16 | $1 }, low: groups[4...].reduce(0) { $0 << 16 | $1 })
            #expect(IPv6Address(address.description) == address)
        }
    }

    @Test(
        "an address is a host's unless it is unspecified, loopback, multicast or mapped",
        arguments: [
            ("::", false), ("::1", false), ("::2", true), ("ff02::1", false), ("feff::1", true), ("fe80::1", true),
            ("2001:db8::10", true), ("::ffff:192.0.2.1", false),
        ])
    func isHost(_ text: String, _ expected: Bool) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.isHost == expected)
        #expect(IPAddress.v6(address).isHost == expected)
    }

    @Test(
        "link-local is fe80::/10, to the last address and no further",
        arguments: [("fe7f::", false), ("fe80::", true), ("febf:ffff::1", true), ("fec0::", false)])
    func linkLocal(_ text: String, _ expected: Bool) {
        #expect(IPv6Address(text)?.isLinkLocal == expected)
    }

    @Test(
        "only ::ffff:0:0/96 holds an IPv4 address",
        arguments: [
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::192.0.2.1", nil), ("::1:ffff:c000:201", nil),
            ("1::ffff:c000:201", nil),
        ])
    func mapped(_ text: String, _ v4: String?) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.mappedIPv4?.description == v4)
        let unmapped = v4.flatMap { IPv4Address($0) }.map { IPAddress.v4($0) } ?? .v6(address)
        #expect(IPAddress.v6(address).unmapped == unmapped)
    }

    @Test("addresses sort by number over both halves")
    func order() {
        let sorted = ["2::", "1::2", "1::1", "::ffff", "10::"].compactMap { IPv6Address($0) }.sorted()
        #expect(sorted.map(\.description) == ["::ffff", "1::1", "1::2", "2::", "10::"])
    }
}
