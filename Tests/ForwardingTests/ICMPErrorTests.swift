import NetworkAddress
import Testing

@testable import Forwarding

extension ICMPError {
    /// One of each.
    static let allCases: [ICMPError] = [.portUnreachable, .timeExceeded, .tooBig(mtu: 1480)]
}

@Suite("ICMP errors")
struct ICMPErrorTests {
    static func answer(_ error: ICMPError, to frame: [UInt8], room: Int = ICMPError.longestFrame) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0xEE, count: room)
        let length = frame.withUnsafeBytes { frame in
            buffer.withUnsafeMutableBytes { error.write(about: frame, into: $0) }
        }
        guard let length else { return nil }
        #expect(buffer[length...].allSatisfy { $0 == 0xEE }, "nothing is written beyond the answer")
        return Array(buffer[..<length])
    }

    /// The one's complement sum as RFC 1071 describes it, 0 over what carries a right checksum.
    static func residue(_ bytes: ArraySlice<UInt8>) -> Int {
        var sum = 0
        for (index, byte) in bytes.enumerated() { sum += index % 2 == 0 ? Int(byte) << 8 : Int(byte) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return 0xFFFF - sum
    }

    @Test("port unreachable, byte for byte: from the VIP, quoting the packet without the frame's padding")
    func portUnreachable() {
        let frame = GoldenPacketTests.bytes([
            "0200000000010200000000fe0800", "4500002c1234400040063c53c6336407c000020a",
            "9c410050000003e8000000006002faf010770000020405b4", "0000",
        ])
        let expected = GoldenPacketTests.bytes([
            "0200000000fe0200000000010800", "45c000480000400040014db0c000020ac6336407", "0303e96000000000",
            "4500002c1234400040063c53c6336407c000020a", "9c410050000003e8000000006002faf010770000020405b4",
        ])
        #expect(Self.answer(.portUnreachable, to: frame) == expected)
    }

    @Test("time exceeded, byte for byte")
    func timeExceeded() {
        let frame = GoldenPacketTests.bytes([
            "0200000000010200000000fe0800", "4500002c1234400001067b53c6336407c000020a",
            "9c410050000003e8000000006002faf010770000020405b4",
        ])
        let expected = GoldenPacketTests.bytes([
            "0200000000fe0200000000010800", "45c000480000400040014db0c000020ac6336407", "0b00e16300000000",
            "4500002c1234400001067b53c6336407c000020a", "9c410050000003e8000000006002faf010770000020405b4",
        ])
        #expect(Self.answer(.timeExceeded, to: frame) == expected)
    }

    @Test("fragmentation needed, byte for byte: the MTU in the last two bytes before the quote")
    func fragmentationNeeded() {
        let frame = GoldenPacketTests.bytes([
            "0200000000010200000000fe0800", "4500002c1234400040063c53c6336407c000020a",
            "9c410050000003e8000000006002faf010770000020405b4",
        ])
        let expected = GoldenPacketTests.bytes([
            "0200000000fe0200000000010800", "45c000480000400040014db0c000020ac6336407", "0304e397000005c8",
            "4500002c1234400040063c53c6336407c000020a", "9c410050000003e8000000006002faf010770000020405b4",
        ])
        #expect(Self.answer(.tooBig(mtu: 1480), to: frame) == expected)
    }

    @Test(
        "an MTU is one that an IPv4 link can have",
        arguments: [(-1, 68), (0, 68), (67, 68), (68, 68), (65535, 65535), (65536, 65535)])
    func maximumTransmissionUnit(mtu: Int, told: UInt32) {
        #expect(ICMPError.tooBig(mtu: mtu).message(isIPv6: false) == .ipv4(3, 4, told))
    }

    @Test(
        "a long packet is quoted as far as 576 bytes allow, with right checksums",
        arguments: [0, 1, 507, 508, 509, 65495])
    func longPackets(payload: Int) throws {
        var frame = TestFrame()
        frame.payload = payload
        let bytes = frame.bytes
        let answer = try #require(Self.answer(.portUnreachable, to: bytes))
        #expect(answer.count == 14 + min(576, 28 + 40 + payload))
        #expect(Int(answer[16]) << 8 | Int(answer[17]) == answer.count - 14)
        #expect(Self.residue(answer[14..<34]) == 0)
        #expect(Self.residue(answer[34...]) == 0)
        #expect(answer[42...] == bytes[14..<14 + answer.count - 42])
    }

    @Test("a buffer too short for the answer gets nothing written to it")
    func shortBuffer() {
        let frame = TestFrame().bytes
        #expect(Self.answer(.portUnreachable, to: frame, room: 82)?.count == 82)
        for room in 0..<82 { #expect(Self.answer(.portUnreachable, to: frame, room: room) == nil) }
    }

    @Test("ICMP is never answered, nor a later fragment, nor what comes from or goes to more than one host")
    func silence() {
        func mutated(_ change: (inout TestFrame) -> Void) -> [UInt8] {
            var frame = TestFrame()
            change(&frame)
            return frame.bytes
        }
        let refused: [(String, [UInt8])] = [
            ("ICMP", mutated { $0.transport = 1 }),
            ("a later fragment", mutated { $0.fragment = 0x0001 }),
            ("a frame to all", mutated { $0.destination = .broadcast }),
            ("a frame to a group", mutated { $0.destination = MACAddress(rawValue: 0x01_00_5E_00_00_01) }),
            ("a frame from a group", mutated { $0.source = .broadcast }),
            ("no source", mutated { $0.client = .any }),
            ("a loopback source", mutated { $0.client = IPv4Address(127, 0, 0, 1) }),
            ("a multicast source", mutated { $0.client = IPv4Address(224, 0, 0, 1) }),
            ("a broadcast source", mutated { $0.client = IPv4Address(255, 255, 255, 255) }),
            ("a multicast destination", mutated { $0.vip = IPv4Address(239, 1, 1, 1) }),
            ("a broadcast destination", mutated { $0.vip = IPv4Address(255, 255, 255, 255) }),
        ]
        for (name, bytes) in refused {
            for error in ICMPError.allCases { #expect(Self.answer(error, to: bytes) == nil, "\(name)") }
        }
        #expect(Self.answer(.portUnreachable, to: mutated { $0.fragment = 0x2000 }) != nil, "the first fragment")
        #expect(Self.answer(.portUnreachable, to: mutated { $0.transport = 17 }) != nil, "UDP")
    }

    @Test("a frame cut at any length is quoted never or right")
    func prefixes() {
        let whole = TestFrame().bytes
        for length in 0..<whole.count { #expect(Self.answer(.timeExceeded, to: Array(whole.prefix(length))) == nil) }
        var short = whole
        short[17] = 27
        #expect(Self.answer(.timeExceeded, to: short) == nil, "fewer than 8 bytes after the header")
        short[17] = 28
        #expect(Self.answer(.timeExceeded, to: short)?.count == 14 + 28 + 28)
    }
}
