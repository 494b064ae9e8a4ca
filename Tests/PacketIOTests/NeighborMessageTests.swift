internal import NetworkAddress
internal import PacketIO
internal import Testing

@Suite("who has which address, in ARP")
struct NeighborMessageTests {
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let other = MACAddress(rawValue: 0x0200_0000_00AB)
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let client = IPAddress.v4(IPv4Address(192, 0, 2, 99))

    static func frame(_ message: NeighborMessage, to destination: MACAddress) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: NeighborMessage.longestFrame)
        let length = bytes.withUnsafeMutableBytes { message.write(to: destination, into: $0) }
        return Array(bytes[..<length])
    }

    static func message(_ frame: [UInt8]) -> NeighborMessage? {
        frame.withUnsafeBytes { NeighborMessage(frame: $0) }
    }

    static func arp(_ message: ARPMessage, to destination: MACAddress) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: ARPMessage.frameLength)
        bytes.withUnsafeMutableBytes { message.write(to: destination, into: $0) }
        return bytes
    }

    @Test("each of the four is its ARP message, and is read back as it was")
    func mapping() throws {
        let (vip, client) = (try #require(Self.vip.v4), try #require(Self.client.v4))
        let question = ARPMessage.request(vip, from: Self.other, client)
        let pairs: [(NeighborMessage, ARPMessage, MACAddress)] = [
            (.probe(Self.vip, from: Self.own), .probe(vip, from: Self.own), .broadcast),
            (.announcement(Self.vip, from: Self.own), .announcement(vip, from: Self.own), .broadcast),
            (.request(Self.vip, from: Self.other, Self.client), question, .broadcast),
            (
                NeighborMessage(.reply(Self.vip, to: Self.client), mac: Self.own), question.answer(from: Self.own),
                Self.other
            ),
        ]
        for (message, arp, destination) in pairs {
            #expect(Self.frame(message, to: destination) == Self.arp(arp, to: destination))
            #expect(Self.message(Self.arp(arp, to: destination)) == message)
            #expect(message.group == .broadcast)
        }
    }

    @Test("a reply that names its own sender as its target is an announcement")
    func gratuitousReply() throws {
        let vip = try #require(Self.vip.v4)
        let reply = ARPMessage(
            operation: .reply, senderMAC: Self.other, sender: vip, targetMAC: .broadcast, target: vip)
        #expect(Self.message(Self.arp(reply, to: .broadcast)) == .announcement(Self.vip, from: Self.other))
    }

    @Test("who claims an address, and whose answer is wanted")
    func meaning() {
        let probe = NeighborMessage.probe(Self.vip, from: Self.own)
        let request = NeighborMessage.request(Self.vip, from: Self.own, Self.client)
        let announcement = NeighborMessage.announcement(Self.vip, from: Self.own)
        let reply = NeighborMessage(.reply(Self.vip, to: Self.client), mac: Self.own)
        #expect([probe, request, announcement, reply].map(\.claimed) == [nil, Self.client, Self.vip, Self.vip])
        #expect([probe, request, announcement, reply].map(\.asked) == [Self.vip, Self.vip, nil, nil])
        #expect(announcement.answer(from: Self.other) == nil && reply.answer(from: Self.other) == nil)
    }
}
