import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Completing a partial checksum")
struct ChecksumCompletionTests {
    static func completed(_ bytes: [UInt8], isPartial: Bool = true, segmentSize: Int = 0) -> [UInt8]? {
        withFrame(bytes, isPartial: isPartial, segmentSize: segmentSize) { frame in
            let isComplete = frame.completeChecksum()
            #expect(isComplete != frame.isPartial)
            return isComplete ? Array(frame.bytes) : nil
        }
    }

    @Test(
        "TCP, UDP and ICMPv6 get the checksum that RFC 1071 computes over all of it",
        arguments: [0, 1, 2, 3, 1000, 65000])
    func whole(count: Int) {
        let payload = Wire.payload(count)
        for packet in [Wire.Packet(), .ipv6()] {
            #expect(Self.completed(packet.tcp(payload, .partial).frame) == packet.tcp(payload).frame)
            #expect(Self.completed(packet.udp(payload, .partial).frame) == packet.udp(payload).frame)
        }
        let error = Wire.Packet.ipv6().icmp(1, 4, 0, quoting: payload)
        #expect(Self.completed(error.checked(.partial, at: 2).frame) == error.frame)
    }

    @Test("padding is not part of it, and a complete checksum is left alone")
    func edges() {
        let (partial, complete) = (Wire.Packet().tcp([1, 2, 3], .partial), Wire.Packet().tcp([1, 2, 3]))
        #expect(Self.completed(partial.frame + [9, 9, 9]) == complete.frame + [9, 9, 9])
        #expect(Self.completed(partial.frame, isPartial: false) == partial.frame)
    }

    @Test("a UDP checksum that comes out as 0 is sent as 0xFFFF")
    func neverZero() {
        let probe = Wire.Packet().udp([0, 0])
        let bytes = Wire.Packet().udp(Array(probe.body[6..<8]), .partial).frame
        let expected: [UInt8] = [0xFF, 0xFF]
        #expect(Self.completed(bytes).map { Array($0[40..<42]) } == expected)
    }

    @Test("nothing is written where nobody knows what belongs there")
    func refused() {
        let packet = Wire.Packet().tcp([1, 2, 3], .partial)
        for length in 0..<packet.frame.count { #expect(Self.completed(Array(packet.frame.prefix(length))) == nil) }
        #expect(Self.completed(packet.frame, segmentSize: 2) == nil)
        var (fragment, other, short) = (packet, packet, packet)
        fragment.fragment = 0x2000
        other.transport = 132
        short.body = Array(packet.body.prefix(17))
        for packet in [fragment, other, short] { #expect(Self.completed(packet.frame) == nil) }
    }
}
