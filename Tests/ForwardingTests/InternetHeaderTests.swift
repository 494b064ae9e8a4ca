import NetworkAddress
import Testing

@testable import Forwarding

@Suite("IPv4 and IPv6 headers")
struct InternetHeaderTests {
    static func read(_ bytes: [UInt8]) -> InternetHeader? {
        withFrame(bytes) { InternetHeader(UnsafeRawBufferPointer($0.bytes)) }
    }

    /// A TCP packet behind these extension headers, of which the first is of this kind.
    static func packet(_ first: UInt8, _ extensions: [UInt8]) -> Wire.Packet {
        var packet = Wire.Packet.ipv6().tcp([1, 2, 3])
        packet.firstHeader = first
        packet.options = extensions
        return packet
    }

    @Test(
        "extension headers are walked by their own lengths",
        arguments: [
            (0, [6, 0, 0, 0, 0, 0, 0, 0]), (60, [6, 1] + [UInt8](repeating: 0, count: 14)),
            (43, [60, 2] + [UInt8](repeating: 0, count: 22) + [6, 0, 0, 0, 0, 0, 0, 0]),
            // Authentication counts in words of four bytes, less two (RFC 4302 §2.2).
            (51, [6, 4] + [UInt8](repeating: 0, count: 22)), (44, [6, 0, 0, 1, 0, 0, 0, 9]),
        ] as [(UInt8, [UInt8])])
    func extensions(first: UInt8, bytes: [UInt8]) throws {
        let packet = Self.packet(first, bytes)
        let header = try #require(Self.read(packet.bytes))
        #expect(header.isIPv6 && header.length == 40 + bytes.count && header.transport == 6)
        #expect(header.totalLength == packet.bytes.count)
        #expect(header.isFragment == (first == 44) && header.hasMoreFragments == (first == 44))
        for length in 0..<header.length { #expect(Self.read(Array(packet.bytes.prefix(length))) == nil, "\(length)") }
        #expect(Self.read(Array(packet.bytes.prefix(header.length))) != nil)
        // An extension header that claims to go on behind the packet's end.
        var short = packet
        short.body = []
        var bent = short.bytes
        bent[5] -= 1
        #expect(Self.read(bent) == nil)
    }

    @Test("behind a later fragment's header nothing is looked at")
    func laterFragment() throws {
        let header = try #require(Self.read(Self.packet(44, [60, 0, 0x05, 0xB0, 0, 0, 0, 9]).bytes))
        #expect(header.fragmentOffset == 0x05B0 && !header.hasMoreFragments && header.length == 48)
        #expect(header.transport == 60)
    }

    @Test("eight extension headers are walked, and nine are nobody's honest packet")
    func limit() {
        func chain(_ count: Int) -> [UInt8] {
            (0..<count).flatMap { [$0 == count - 1 ? 6 : 60, 0, 1, 4, 0, 0, 0, 0] as [UInt8] }
        }
        #expect(Self.read(Self.packet(60, chain(8)).bytes)?.length == 40 + 64)
        #expect(Self.read(Self.packet(60, chain(9)).bytes) == nil)
    }

    @Test("an IPv4 header says what RFC 791 draws, and no other version is read")
    func versionFour() throws {
        var packet = Wire.Packet().udp([1])
        (packet.serviceType, packet.timeToLive, packet.fragment) = (0xB9, 7, 0x2003)
        packet.options = [1, 1, 1, 1]
        let header = try #require(Self.read(packet.bytes))
        #expect(header.length == 24 && header.totalLength == 33 && header.transport == 17 && !header.isIPv6)
        #expect(header.serviceType == 0xB9 && header.timeToLive == 7 && !header.mustNotFragment)
        #expect(header.fragmentOffset == 24 && header.hasMoreFragments)
        #expect(header.source == packet.source && header.destination == packet.destination)
        for length in 0..<24 { #expect(Self.read(Array(packet.bytes.prefix(length))) == nil) }
        for version in UInt8(0)...15 where version != 4 {
            var bent = packet.bytes
            bent[0] = version << 4 | 6
            #expect(Self.read(bent) == nil)
        }
        for words in UInt8(0)...15 {
            var bent = packet.bytes
            bent[0] = 0x40 | words
            #expect((Self.read(bent) != nil) == (5...8).contains(words), "a header of \(words) words in 33 bytes")
        }
    }
}
