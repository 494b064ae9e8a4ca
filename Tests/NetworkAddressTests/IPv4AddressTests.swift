import NetworkAddress
import Testing

@Suite("IPv4Address")
struct IPv4AddressTests {
    @Test(
        "dotted decimal is read into host order and written back",
        arguments: [
            ("0.0.0.0", 0), ("0.0.0.1", 1), ("1.2.3.4", 0x0102_0304), ("192.0.2.10", 0xC000_020A),
            ("10.0.0.255", 0x0A00_00FF), ("127.0.0.1", 0x7F00_0001), ("255.255.255.255", 0xFFFF_FFFF),
            ("128.0.0.0", 0x8000_0000), ("100.200.99.9", 0x64C8_6309),
        ] as [(String, UInt32)])
    func text(_ text: String, _ rawValue: UInt32) throws {
        let address = try #require(IPv4Address(text))
        #expect(address.rawValue == rawValue)
        #expect(address.description == text)
    }

    @Test(
        "anything but four decimal numbers of 0 to 255 without leading zeros is refused",
        arguments: [
            "", ".", "...", "1", "1.2", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5", "256.0.0.1",
            "1.2.3.256", "1.2.3.1000", "01.2.3.4", "1.2.3.04", "1.2.3.00", "0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4",
            "1.2. 3.4",
            "-1.2.3.4", "+1.2.3.4", "1,2,3,4", "1.2.3.4/24", "1.2.3.a", "a.b.c.d", "١.2.3.4", "1.2.3.４", "1.2.3.4\n",
            "1.2.3.4\0", "99999999999999999999.1.1.1", "::1", "1.2.3.4\u{301}",
        ])
    func refused(_ text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test("a part of a longer text is read in place")
    func substring() {
        let line = "addr 192.0.2.1 end"
        let word = line.split(separator: " ")[1]
        #expect(IPv4Address(word) == IPv4Address(192, 0, 2, 1))
    }

    @Test("every address reads back as it is written")
    func roundTrip() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<20_000 {
            let address = IPv4Address(rawValue: UInt32.random(in: 0 ... .max, using: &generator))
            #expect(IPv4Address(address.description) == address)
        }
    }

    @Test(
        "an address is a host's unless it is of this network, loopback, multicast, reserved or broadcast",
        arguments: [
            ("0.0.0.0", false), ("0.255.255.255", false), ("1.0.0.0", true), ("10.0.0.1", true),
            ("126.255.255.255", true),
            ("127.0.0.1", false), ("127.255.255.255", false), ("128.0.0.0", true), ("169.254.1.1", true),
            ("192.0.2.10", true), ("223.255.255.255", true), ("224.0.0.1", false), ("239.255.255.255", false),
            ("240.0.0.1", false), ("255.255.255.255", false),
        ])
    func isHost(_ text: String, _ expected: Bool) throws {
        let address = try #require(IPv4Address(text))
        #expect(address.isHost == expected)
        #expect(IPAddress.v4(address).isHost == expected)
    }

    @Test("loopback is 127/8 and multicast is 224/4, to the last address and no further")
    func blocks() {
        let loopback = [(126, false), (127, true), (128, false)] as [(UInt8, Bool)]
        for (first, expected) in loopback { #expect(IPv4Address(first, 0, 0, 0).isLoopback == expected) }
        let multicast = [(223, false), (224, true), (239, true), (240, false)] as [(UInt8, Bool)]
        for (first, expected) in multicast { #expect(IPv4Address(first, 255, 255, 255).isMulticast == expected) }
    }

    @Test("addresses sort by number, not by text")
    func order() {
        let sorted = ["10.0.0.9", "9.0.0.10", "10.0.0.10", "200.0.0.1"].compactMap { IPv4Address($0) }.sorted()
        #expect(sorted.map(\.description) == ["9.0.0.10", "10.0.0.9", "10.0.0.10", "200.0.0.1"])
    }
}
