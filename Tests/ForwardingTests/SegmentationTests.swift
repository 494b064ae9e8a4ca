import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Super-packets are cut as their sender meant")
struct SegmentationTests {
    /// All pieces of a frame, each of which must be an ordinary frame; the frame itself must stay as it is.
    static func pieces(
        _ bytes: [UInt8], segmentSize: Int = 0, isPartial: Bool = false, limit: Int = 1500
    ) -> [[UInt8]]? {
        withFrame(bytes, isPartial: isPartial, segmentSize: segmentSize) { frame in
            guard var splitter = Splitter(frame, limit: limit) else { return nil }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: splitter.bufferLength, alignment: 1)
            defer { buffer.deallocate() }
            let short = UnsafeMutableRawBufferPointer(rebasing: buffer.dropLast())
            #expect(splitter.next(into: short) == nil, "nothing is lost on a buffer that is too short")
            var pieces: [[UInt8]] = []
            while let piece = splitter.next(into: buffer) {
                #expect(!piece.isPartial && piece.segmentSize == 0 && piece.ingress == 3)
                #expect(
                    piece.headroom >= 128 && piece.bytes.baseAddress == buffer.baseAddress.map { $0 + piece.headroom })
                pieces.append(Array(piece.bytes))
            }
            #expect(Array(frame.bytes) == bytes)
            return pieces
        }
    }

    static func chunks(_ payload: [UInt8], _ size: Int) -> [[UInt8]] {
        payload.isEmpty
            ? [[]]
            : stride(from: 0, to: payload.count, by: size).map { Array(payload[$0..<min($0 + size, payload.count)]) }
    }

    @Test(
        "TCP: sequence numbers and identifications count on, CWR is the first one's, FIN and PSH are the last one's",
        arguments: [0, 1, 1447, 1448, 1449, 2896, 2897, 65000], [false, true])
    func transmissionControl(count: Int, isIPv6: Bool) {
        var packet = isIPv6 ? Wire.Packet.ipv6() : Wire.Packet()
        packet.identification = 0xFFFE
        packet.fragment = 0x4000
        packet.serviceType = 0xB8
        let options: [UInt8] = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]
        let payload = Wire.payload(count)
        let whole = packet.tcp(payload, .partial, flags: 0x99, sequence: 0xFFFF_FF00, options: options)

        let parts = Self.chunks(payload, 1448)
        let expected = parts.enumerated().map { index, part in
            var segment = packet
            segment.identification = packet.identification &+ UInt16(index)
            let flags = 0x10 | (index == 0 ? 0x80 : 0) | (index == parts.count - 1 ? 0x09 : 0) as UInt8
            let sequence = UInt32(0xFFFF_FF00) &+ UInt32(index * 1448)
            return segment.tcp(part, flags: flags, sequence: sequence, options: options).frame
        }
        #expect(Self.pieces(whole.frame, segmentSize: 1448, isPartial: true) == expected)
        #expect(Self.pieces(whole.frame + [0, 0, 0], segmentSize: 1448, isPartial: true) == expected, "padded")
    }

    @Test("UDP: datagrams of their own", arguments: [0, 1, 1199, 1200, 1201, 12000], [false, true])
    func datagrams(count: Int, isIPv6: Bool) {
        let packet = isIPv6 ? Wire.Packet.ipv6() : Wire.Packet()
        let payload = Wire.payload(count)
        func expected(_ checksum: Wire.Checksum) -> [[UInt8]] {
            Self.chunks(payload, 1200).enumerated().map { index, part in
                var datagram = packet
                datagram.identification += UInt16(index)
                return datagram.udp(part, checksum).frame
            }
        }
        let partial = packet.udp(payload, .partial).frame
        #expect(Self.pieces(partial, segmentSize: 1200, isPartial: true) == expected(.complete))
        #expect(
            Self.pieces(packet.udp(payload, .none).frame, segmentSize: 1200) == expected(.none),
            "a sender that sends no checksum is not given one")
    }

    @Test("headers of every length come along: IPv4 options, IPv6 extension headers")
    func headers() {
        var (four, six) = (Wire.Packet(), Wire.Packet.ipv6())
        four.options = [0x94, 4, 0, 0]
        six.firstHeader = 60
        six.options = [6, 0, 1, 4, 0, 0, 0, 0]
        for packet in [four, six] {
            let pieces = Self.pieces(packet.tcp(Wire.payload(20), .partial).frame, segmentSize: 9, isPartial: true)
            let expected = Self.chunks(Wire.payload(20), 9).enumerated().map { index, part in
                var segment = packet
                segment.identification += UInt16(index)
                return segment.tcp(part, sequence: 1000 + UInt32(index * 9)).frame
            }
            #expect(pieces == expected)
        }
    }

    @Test("a frame cut at any length is not split, nor a super-packet that nobody could have made")
    func refused() {
        for packet in [Wire.Packet(), .ipv6()] {
            let whole = packet.tcp(Wire.payload(30), .partial, options: [1, 1, 1, 1]).frame
            for length in 0..<whole.count {
                #expect(Self.pieces(Array(whole.prefix(length)), segmentSize: 10, isPartial: true) == nil)
            }
        }
        var (fragment, other, offset, short) = (
            Wire.Packet().tcp([1, 2, 3]), Wire.Packet().tcp([1, 2, 3]), Wire.Packet().tcp([1, 2, 3]),
            Wire.Packet().udp([])
        )
        fragment.fragment = 0x2000
        other.transport = 132
        offset.body[12] = 0x40
        short.body.removeLast()
        for packet in [fragment, other, offset, short] {
            #expect(Self.pieces(packet.frame, segmentSize: 10, isPartial: true) == nil)
        }
        offset.body[12] = 0x60
        #expect(
            Self.pieces(offset.frame, segmentSize: 10, isPartial: true) == nil, "a header longer than what is there")
    }
}
