import NetworkAddress
import Testing

@Suite("MACAddress")
struct MACAddressTests {
    @Test(
        "six pairs of hexadecimal digits are read in transmission order",
        arguments: [
            ("00:00:00:00:00:00", 0), ("00:00:5e:00:01:0a", 0x0000_5E00_010A), ("FF:ff:Ff:fF:ff:ff", 0xFFFF_FFFF_FFFF),
            ("02:42:ac:11:00:02", 0x0242_AC11_0002),
        ] as [(String, UInt64)])
    func text(_ text: String, _ rawValue: UInt64) throws {
        let address = try #require(MACAddress(text))
        #expect(address.rawValue == rawValue)
        #expect(address.description == text.lowercased())
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ":", ":::::", "00:00:00:00:00", "00:00:00:00:00:00:00", "0:0:0:0:0:0", "000:00:00:00:00:00",
            "00-00-00-00-00-00", "0000.0000.0000", "00:00:00:00:00:0g", "00:00:00:00:00:+1", "-0:00:00:00:00:00",
            " 0:00:00:00:00:00",
            "00:00:00:00:00:00 ", "00:00:00:00:00:", "00:00:00:00:00:０",
        ])
    func refused(_ text: String) {
        #expect(MACAddress(text) == nil)
    }

    @Test("every address reads back as it is written")
    func roundTrip() {
        var generator = SeededGenerator(seed: 48)
        for _ in 0..<10_000 {
            let address = MACAddress(rawValue: generator.next())
            #expect(address.rawValue >> 48 == 0)
            #expect(MACAddress(address.description) == address)
        }
    }

    @Test(
        "an address is one station's unless the group bit is set or it is all zero",
        arguments: [
            ("00:00:00:00:00:00", false), ("00:00:00:00:00:01", true), ("01:00:5e:00:00:01", false),
            ("33:33:00:00:00:01", false), ("ff:ff:ff:ff:ff:ff", false), ("02:00:00:00:00:01", true),
            ("fe:00:00:00:00:00", true),
        ])
    func unicast(_ text: String, _ expected: Bool) {
        #expect(MACAddress(text)?.isUnicast == expected)
    }

    @Test("the named addresses are what their names say")
    func named() {
        #expect(MACAddress.broadcast.description == "ff:ff:ff:ff:ff:ff")
        #expect(MACAddress.zero.description == "00:00:00:00:00:00")
    }
}
