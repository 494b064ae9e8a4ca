import NetworkAddress
import Testing

@Suite("Prefix")
struct PrefixTests {
    @Test(
        "an address and a length read back as they are written, host bits included",
        arguments: [
            "0.0.0.0/0", "10.0.0.0/8", "192.0.2.10/24", "192.0.2.10/32", "::/0", "2001:db8::/32", "2001:db8::1/64",
            "::1/128",
        ])
    func text(_ text: String) {
        #expect(Prefix(text)?.description == text)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "/", "10.0.0.0", "10.0.0.0/", "/24", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+24",
            "10.0.0.0/-0", "10.0.0.0/a", "10.0.0/24",
            "10.0.0.0/24/24", "10.0.0.0 /24", "10.0.0.0/ 24", "10.0.0.0/255.0.0.0", "10.0.0.0/99999999999999999999",
        ])
    func refused(_ text: String) {
        #expect(Prefix(text) == nil)
    }

    @Test("a length beyond the family's is refused")
    func lengths() throws {
        let v4 = try #require(IPAddress("10.0.0.1"))
        let v6 = try #require(IPAddress("::1"))
        #expect((-1...34).filter { Prefix(v4, length: $0) != nil } == Array(0...32))
        #expect((-1...130).filter { Prefix(v6, length: $0) != nil } == Array(0...128))
        #expect(Prefix(host: v4).length == 32)
        #expect(Prefix(host: v6).length == 128)
    }

    @Test(
        "a prefix contains its network from the first address to the last",
        arguments: [
            ("192.0.2.10/24", "192.0.2.0", true), ("192.0.2.10/24", "192.0.2.255", true),
            ("192.0.2.10/24", "192.0.1.255", false), ("192.0.2.10/24", "192.0.3.0", false),
            ("192.0.2.10/32", "192.0.2.10", true), ("192.0.2.10/32", "192.0.2.11", false),
            ("0.0.0.0/0", "255.255.255.255", true), ("128.0.0.0/1", "127.255.255.255", false),
            ("0.0.0.0/0", "::1", false), ("::/0", "10.0.0.1", false), ("::/0", "ffff::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
            ("2001:db8::/64", "2001:db8::ffff:0:0:1", true), ("2001:db8::/64", "2001:db8:0:1::", false),
            ("2001:db8::/65", "2001:db8::7fff:0:0:0", true), ("2001:db8::/65", "2001:db8::8000:0:0:0", false),
            ("2001:db8::/65", "2001:db9::", false), ("::1/128", "::1", true), ("::1/128", "::2", false),
        ])
    func contains(_ prefix: String, _ address: String, _ expected: Bool) throws {
        let prefix = try #require(Prefix(prefix))
        #expect(try prefix.contains(#require(IPAddress(address))) == expected)
    }

    @Test("a prefix agrees with a comparison bit by bit")
    func containsBitByBit() {
        var generator = SeededGenerator(seed: 24)
        func bits(_ address: IPv6Address) -> [Bool] {
            (0..<128).map { (($0 < 64 ? address.high : address.low) >> UInt64(63 - $0 % 64)) & 1 == 1 }
        }
        for _ in 0..<3_000 {
            let network = IPv6Address(high: generator.next(), low: generator.next())
            // Flip one bit, so that the answer turns on the prefix length.
            let flipped = Int.random(in: 0..<128, using: &generator)
            var other = network
            if flipped < 64 { other.high ^= 1 << UInt64(63 - flipped) } else { other.low ^= 1 << UInt64(127 - flipped) }
            let length = Int.random(in: 0...128, using: &generator)
            let expected = bits(network).prefix(length) == bits(other).prefix(length)
            #expect(Prefix(.v6(network), length: length)?.contains(.v6(other)) == expected)
        }
    }
}
