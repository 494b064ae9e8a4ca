internal import NetworkAddress
internal import PacketIO
internal import Testing

/// The frames are written down by hand from the drawings of RFC 8200 §3 and RFC 4861 §4.3, §4.4 and §4.6.1, with checksums
/// computed elsewhere.
@Suite("who has which address, in Neighbor Discovery")
struct NeighborDiscoveryTests {
    static let own = MACAddress(rawValue: 0x0200_0000_0001)
    static let other = MACAddress(rawValue: 0x0200_0000_00AB)
    static let vip = IPAddress.v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x12_3456))
    static let client = IPAddress.v6(IPv6Address(high: 0xFE80 << 48, low: 0xAB))

    static let vipBytes: [UInt8] = [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56]
    static let clientBytes: [UInt8] = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xAB]
    static let groupBytes: [UInt8] = [0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0x12, 0x34, 0x56]
    static let allNodesBytes: [UInt8] = [0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    static let ownBytes: [UInt8] = [2, 0, 0, 0, 0, 1]
    static let otherBytes: [UInt8] = [2, 0, 0, 0, 0, 0xAB]

    static func frame(
        to destination: [UInt8], from source: [UInt8], _ sender: [UInt8], _ receiver: [UInt8], _ message: [UInt8]
    ) -> [UInt8] {
        destination + source + [0x86, 0xDD, 0x60, 0, 0, 0, 0, UInt8(message.count), 58, 255] + sender + receiver
            + message
    }

    static let probe = frame(
        to: [0x33, 0x33, 0xFF, 0x12, 0x34, 0x56], from: ownBytes, [UInt8](repeating: 0, count: 16), groupBytes,
        [135, 0, 0xE4, 0x1E, 0, 0, 0, 0] + vipBytes)
    static let request = frame(
        to: [0x33, 0x33, 0xFF, 0x12, 0x34, 0x56], from: otherBytes, clientBytes, groupBytes,
        [135, 0, 0xE1, 0x3E, 0, 0, 0, 0] + vipBytes + [1, 1] + otherBytes)
    static let requestToItAlone = frame(
        to: ownBytes, from: otherBytes, clientBytes, vipBytes,
        [135, 0, 0xB1, 0x8A, 0, 0, 0, 0] + vipBytes + [1, 1] + otherBytes)
    static let announcement = frame(
        to: [0x33, 0x33, 0, 0, 0, 1], from: ownBytes, vipBytes, allNodesBytes,
        [136, 0, 0x90, 0x5C, 0x20, 0, 0, 0] + vipBytes + [2, 1] + ownBytes)
    static let reply = frame(
        to: otherBytes, from: ownBytes, vipBytes, clientBytes,
        [136, 0, 0x50, 0x34, 0x60, 0, 0, 0] + vipBytes + [2, 1] + ownBytes)

    static let question = NeighborMessage.request(vip, from: other, client)

    /// The frame after `change`, with its checksum made right again.
    static func altered(_ frame: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var frame = frame
        change(&frame)
        frame[56] = 0
        frame[57] = 0
        var words = Array(frame[22...]) + [0, UInt8(frame.count - 54), 0, 58]
        if words.count % 2 == 1 { words.append(0) }
        var sum = stride(from: 0, to: words.count, by: 2).reduce(UInt32(0)) {
            $0 + UInt32(words[$1]) << 8 + UInt32(words[$1 + 1])
        }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        frame[56] = UInt8(truncatingIfNeeded: ~sum >> 8)
        frame[57] = UInt8(truncatingIfNeeded: ~sum)
        return frame
    }

    @Test("each of the four is what the RFCs say, byte for byte, and is read back as it was")
    func golden() {
        let reply = NeighborMessage(.reply(Self.vip, to: Self.client), mac: Self.own)
        let pairs: [(NeighborMessage, [UInt8], MACAddress)] = [
            (.probe(Self.vip, from: Self.own), Self.probe, MACAddress(rawValue: 0x3333_FF12_3456)),
            (Self.question, Self.request, MACAddress(rawValue: 0x3333_FF12_3456)),
            (.announcement(Self.vip, from: Self.own), Self.announcement, MACAddress(rawValue: 0x3333_0000_0001)),
        ]
        for (message, frame, group) in pairs {
            #expect(message.group == group)
            #expect(NeighborMessageTests.frame(message, to: message.group) == frame)
            #expect(NeighborMessageTests.message(frame) == message)
        }
        #expect(NeighborMessageTests.frame(reply, to: Self.other) == Self.reply)
        #expect(NeighborMessageTests.message(Self.reply) == reply)
        #expect(NeighborMessageTests.frame(Self.question, to: Self.own) == Self.requestToItAlone)
        #expect(NeighborMessageTests.message(Self.requestToItAlone) == Self.question)
    }

    @Test("a request is answered to who asked, a probe to all nodes, since it has no sender (RFC 4861 §7.2.4)")
    func answers() throws {
        let toClient = try #require(Self.question.answer(from: Self.own))
        #expect(NeighborMessageTests.frame(toClient.message, to: toClient.destination) == Self.reply)
        let toAll = try #require(NeighborMessage.probe(Self.vip, from: Self.other).answer(from: Self.own))
        #expect(NeighborMessageTests.frame(toAll.message, to: toAll.destination) == Self.announcement)
    }

    @Test("without the option the sender's own MAC counts, and without the flag nothing is overridden")
    func bareAdvertisement() {
        let bare = Self.altered(Array(Self.reply.dropLast(8))) {
            $0[19] = 24
            $0[58] = 0x40
        }
        #expect(
            NeighborMessageTests.message(bare)
                == NeighborMessage(.reply(Self.vip, to: Self.client), mac: Self.own, overrides: false))
    }

    @Test(
        "what RFC 4861 §7.1 calls invalid is no message: version, next header, hop limit, type, code, checksum, length",
        arguments: [14, 19, 20, 21, 54, 55, 56, 80])
    func damaged(offset: Int) {
        for frame in [Self.request, Self.reply] {
            var frame = frame
            frame[offset] ^= 0x10
            #expect(NeighborMessageTests.message(frame) == nil)
            // Nor with a checksum that is right; but there a flipped MAC is another MAC.
            guard ![56, 80].contains(offset) else { continue }
            #expect(NeighborMessageTests.message(Self.altered(frame) { _ in }) == nil)
        }
    }

    @Test(
        "a probe to no solicited-node group or with a MAC, a solicited advertisement to a group: none of them is valid")
    func contradictions() {
        let message = { (frame: [UInt8]) in NeighborMessageTests.message(frame) }
        #expect(message(Self.altered(Self.probe) { $0.replaceSubrange(38..<54, with: Self.allNodesBytes) }) == nil)
        #expect(
            message(Self.altered(Self.request) { $0.replaceSubrange(22..<38, with: [UInt8](repeating: 0, count: 16)) })
                == nil)
        #expect(message(Self.altered(Self.announcement) { $0[58] = 0x60 }) == nil)
        #expect(message(Self.altered(Self.request) { $0.replaceSubrange(62..<78, with: Self.groupBytes) }) == nil)
        #expect(message(Self.altered(Self.request) { $0.replaceSubrange(22..<38, with: Self.groupBytes) }) == nil)
        // The changes themselves are sound otherwise.
        #expect(message(Self.altered(Self.request) { _ in }) == Self.question)
    }

    @Test(
        "nobody speaks for a group",
        arguments: [[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 0, 0], [1, 0, 0x5E, 0, 0, 1]])
    func groupSender(mac: [UInt8]) {
        #expect(
            NeighborMessageTests.message(Self.altered(Self.reply) { $0.replaceSubrange(80..<86, with: mac) }) == nil)
    }

    @Test("frames cut short anywhere, and options of any length, are read within their bounds")
    func truncated() {
        for frame in [Self.probe, Self.request, Self.reply] {
            for count in 0..<frame.count { #expect(NeighborMessageTests.message(Array(frame.prefix(count))) == nil) }
        }
        // 1 is the MAC; anything longer runs past the end, 0 would never end.
        for length in UInt8.min...UInt8.max {
            let frame = Self.altered(Self.reply) { $0[79] = length }
            #expect((NeighborMessageTests.message(frame) != nil) == (length == 1))
        }
        // A payload length of less than the frame leaves padding, one of more is a lie.
        #expect(NeighborMessageTests.message(Self.request + [UInt8](repeating: 0, count: 10)) == Self.question)
        for length in UInt8.min...UInt8.max where length != 32 {
            var frame = Self.request
            frame[19] = length
            #expect(NeighborMessageTests.message(frame) == nil)
        }
    }

    @Test("options that mean nothing here are passed over")
    func otherOptions() {
        // A nonce (RFC 3971 §5.3.2) in front, the MAC behind.
        let nonce: [UInt8] = [14, 1, 1, 2, 3, 4, 5, 6]
        let frame = Self.altered(Array(Self.request[..<78]) + nonce + Array(Self.request[78...])) { $0[19] = 40 }
        #expect(NeighborMessageTests.message(frame) == Self.question)
    }

    @Test("random frames are read within their bounds, and what is read is written and read as the same")
    func fuzz() {
        var random = SeededGenerator(seed: 4861)
        var sound = 0
        for _ in 0..<20_000 {
            var frame = [Self.probe, Self.request, Self.announcement, Self.reply].randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                frame[Int.random(in: 0..<frame.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { frame.removeLast(Int.random(in: 0...40, using: &random)) }
            if frame.count >= 58, Bool.random(using: &random) { frame = Self.altered(frame) { _ in } }
            guard let message = NeighborMessageTests.message(frame) else { continue }
            sound += 1
            let again = NeighborMessageTests.frame(message, to: message.group.isUnicast ? Self.other : message.group)
            #expect(NeighborMessageTests.message(again)?.claimed == message.claimed)
        }
        #expect(sound > 1000)
    }
}

/// Numbers that are the same at each run (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
