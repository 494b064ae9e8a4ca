import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Packets without DF are fragmented")
struct FragmentationTests {
    static func word(_ bytes: [UInt8], _ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }

    /// The datagram's payload as a receiver puts it together (RFC 791 §3.2); nil where something is missing or overlaps.
    static func reassembled(_ fragments: [[UInt8]]) -> [UInt8]? {
        var payload: [UInt8] = []
        for (index, frame) in fragments.enumerated() {
            let header = Int(frame[14] & 0x0F) * 4
            let field = word(frame, 20)
            let isLast = index == fragments.count - 1
            guard Wire.sum(frame[14..<14 + header]) == 0xFFFF, frame.count == 14 + word(frame, 16),
                (field & 0x1FFF) * 8 == payload.count, (field & 0x2000 != 0) != isLast, field & 0xC000 == 0
            else { return nil }
            payload += frame[(14 + header)...]
        }
        return payload
    }

    @Test(
        "the parts of a datagram make the whole again, none longer than the limit",
        arguments: [28, 68, 576, 1479, 1480, 1500])
    func whole(limit: Int) throws {
        for count in [0, 1, limit - 29, limit - 28, limit - 27, 3 * limit, 9000] where count >= 0 {
            let packet = Wire.Packet().udp(Wire.payload(count))
            let fragments = try #require(SegmentationTests.pieces(packet.frame + [0, 0], limit: limit))
            #expect(Self.reassembled(fragments) == packet.body)
            #expect(fragments.allSatisfy { Self.word($0, 16) <= limit && Self.word($0, 18) == 0x1234 })
            let size = (limit - 20) / 8 * 8
            #expect(fragments.count == (packet.body.count + size - 1) / size, "no more than need be")
        }
    }

    @Test("a fragment is cut again at its place in the datagram", arguments: [0x2000, 0x2010, 0x0010] as [UInt16])
    func nested(field: UInt16) throws {
        var packet = Wire.Packet()
        packet.transport = 17
        packet.fragment = field
        packet.body = Wire.payload(96)
        let pieces = try #require(SegmentationTests.pieces(packet.frame, limit: 60))
        #expect(pieces.map { Self.word($0, 20) & 0x1FFF } == [0, 5, 10].map { Int(field & 0x1FFF) + $0 })
        #expect(pieces.map { Self.word($0, 20) & 0x2000 != 0 } == [true, true, field & 0x2000 != 0])
        #expect(pieces.flatMap { $0[34...] } == packet.body)
    }

    @Test("options without the copied flag are the first fragment's only, and the header keeps its length")
    func options() throws {
        var packet = Wire.Packet()
        // Record route (not copied), no-operation, router alert (copied), timestamp (not copied), end.
        packet.options = [7, 7, 4, 0, 0, 0, 0, 1, 0x94, 4, 0, 0, 0x44, 4, 5, 0, 0, 0, 0, 0]
        packet = packet.udp(Wire.payload(100))
        let pieces = try #require(SegmentationTests.pieces(packet.frame, limit: 100))
        let later: [UInt8] = [1, 1, 1, 1, 1, 1, 1, 1, 0x94, 4, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
        #expect(pieces.map { Array($0[34..<54]) } == [packet.options, later])
        #expect(Self.reassembled(pieces) == packet.body)
    }

    @Test("an option that lies about its length ends the walk", arguments: [0, 1, 5, 255] as [UInt8])
    func lyingOptions(length: UInt8) throws {
        var packet = Wire.Packet()
        packet.options = [7, length, 7, 3]
        packet = packet.udp(Wire.payload(100))
        let pieces = try #require(SegmentationTests.pieces(packet.frame, limit: 100))
        #expect(pieces.allSatisfy { Array($0[34..<38]) == packet.options })
    }

    @Test("a partial checksum is completed, in whichever fragment its field lies", arguments: [28, 36, 44, 1480])
    func partialChecksums(limit: Int) throws {
        for (partial, complete) in [
            (Wire.Packet().udp(Wire.payload(1999), .partial), Wire.Packet().udp(Wire.payload(1999))),
            (Wire.Packet().tcp(Wire.payload(1999), .partial), Wire.Packet().tcp(Wire.payload(1999))),
        ] {
            let pieces = try #require(SegmentationTests.pieces(partial.frame, isPartial: true, limit: limit))
            #expect(Self.reassembled(pieces) == complete.body)
        }
    }

    @Test("what must not be fragmented is not, nor what leaves no room")
    func refused() {
        var packet = Wire.Packet().udp(Wire.payload(100))
        for length in 0..<packet.frame.count {
            #expect(SegmentationTests.pieces(Array(packet.frame.prefix(length)), limit: 68) == nil)
        }
        #expect(SegmentationTests.pieces(packet.frame, limit: 28) != nil)
        for limit in [Int.min, -1, 0, 27] { #expect(SegmentationTests.pieces(packet.frame, limit: limit) == nil) }
        #expect(SegmentationTests.pieces(Wire.Packet.ipv6().udp(Wire.payload(2000)).frame) == nil)
        packet.transport = 132
        #expect(SegmentationTests.pieces(packet.frame, isPartial: true, limit: 68) == nil)
        packet.fragment = 0x4000
        #expect(SegmentationTests.pieces(packet.frame, limit: 68) == nil)
    }
}
