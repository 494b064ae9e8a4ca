internal import NetworkAddress
internal import PacketIO
internal import Testing

@Suite("ARP messages")
struct ARPMessageTests {
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let other = MACAddress(rawValue: 0x0200_0000_00AB)
    static let vip = IPv4Address(192, 0, 2, 10)

    static func frame(_ message: ARPMessage, to destination: MACAddress) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: ARPMessage.frameLength)
        bytes.withUnsafeMutableBytes { message.write(to: destination, into: $0) }
        return bytes
    }

    static func message(_ frame: [UInt8]) -> ARPMessage? {
        frame.withUnsafeBytes { ARPMessage(frame: $0) }
    }

    @Test("a probe is what RFC 5227 says, byte for byte, padded to what Ethernet asks")
    func probeBytes() {
        let expected: [UInt8] =
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0, 1, 8, 6]
            + [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 10]
            + [UInt8](repeating: 0, count: 18)
        #expect(Self.frame(.probe(Self.vip, from: Self.own), to: .broadcast) == expected)
    }

    @Test("an answer swaps the roles and names our MAC")
    func answer() {
        let question = ARPMessage.request(Self.vip, from: Self.other, IPv4Address(192, 0, 2, 99))
        let answer = question.answer(from: Self.own)
        #expect(
            answer
                == ARPMessage(
                    operation: .reply, senderMAC: Self.own, sender: Self.vip, targetMAC: Self.other,
                    target: IPv4Address(192, 0, 2, 99)))
        #expect(Self.message(Self.frame(answer, to: Self.other)) == answer)
    }

    @Test("what is cut short or not ARP for IPv4 over Ethernet is not a message", arguments: [12, 14, 16, 18, 19, 21])
    func damaged(offset: Int) {
        var frame = Self.frame(.announcement(Self.vip, from: Self.own), to: .broadcast)
        #expect(Self.message(frame) != nil)
        frame[offset] ^= 0x40
        #expect(Self.message(frame) == nil)
        #expect(Self.message(Array(Self.frame(.probe(Self.vip, from: Self.own), to: .broadcast).prefix(41))) == nil)
    }

    @Test(
        "nobody speaks for a group", arguments: [MACAddress.broadcast, .zero, MACAddress(rawValue: 0x0100_5E00_0001)])
    func groupSender(mac: MACAddress) {
        #expect(Self.message(Self.frame(.announcement(Self.vip, from: mac), to: .broadcast)) == nil)
    }
}
