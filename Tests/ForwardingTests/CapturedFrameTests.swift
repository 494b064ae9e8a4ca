import Forwarding
import NetworkAddress
import Testing

@Suite("Frames from a capture file")
struct CapturedFrameTests {
    /// What is read off a frame's bytes, where packets are 1,500 bytes long at most and segments are taken to be 1,480.
    static func read(_ bytes: [UInt8]) -> (isPartial: Bool, segmentSize: Int) {
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { bytes in
            let frame = Frame(captured: bytes, headroom: 0, longestPacket: 1500, segment: 1480)
            return (frame.isPartial, frame.segmentSize)
        }
    }

    @Test("a checksum that is just the pseudo-header's sum is a partial one, of either family and protocol")
    func partial() {
        for packet in [Wire.Packet(), .ipv6()] {
            for payload in [Wire.payload(3), Wire.payload(1400)] {
                #expect(Self.read(packet.tcp(payload, .partial).frame) == (true, 0))
                #expect(Self.read(packet.udp(payload, .partial).frame) == (true, 0))
                #expect(Self.read(packet.tcp(payload).frame) == (false, 0))
                #expect(Self.read(packet.udp(payload).frame) == (false, 0))
                #expect(Self.read(packet.udp(payload, .none).frame) == (false, 0))
            }
        }
    }

    @Test("TCP longer than a packet may be is a super-packet; what is just as long, and UDP, is not")
    func superPackets() {
        #expect(Self.read(Wire.Packet().tcp(Wire.payload(1460)).frame) == (false, 0))
        #expect(Self.read(Wire.Packet().tcp(Wire.payload(1461)).frame) == (false, 1440))
        #expect(Self.read(Wire.Packet.ipv6().tcp(Wire.payload(9000), .partial).frame) == (true, 1420))
        let options: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]
        #expect(Self.read(Wire.Packet().tcp(Wire.payload(9000), options: options).frame) == (false, 1428))
        #expect(Self.read(Wire.Packet().udp(Wire.payload(2000)).frame) == (false, 0))
    }

    @Test("what is cut short or no packet at all is a frame without more")
    func others() {
        let whole = Wire.Packet().tcp(Wire.payload(2000), .partial).frame
        for length in 0..<whole.count { #expect(Self.read(Array(whole[..<length])) == (false, 0)) }
        #expect(Self.read([UInt8](repeating: 0xFF, count: 100)) == (false, 0))
    }

    @Test("whom a frame is from and for, where it carries a packet for one station")
    func addresses() {
        func ends(_ frame: [UInt8]) -> String? {
            frame.withUnsafeBytes { Frame.ends(of: $0).map { "\($0.source) \($0.destination)" } }
        }
        let frame = Wire.Packet.ipv6().tcp([]).frame
        #expect(ends(frame) == "2001:db8:7::1 2001:db8::10")
        #expect(ends(Array(frame.prefix(50))) == nil)
        var group = frame
        group[0] |= 1
        #expect(ends(group) == nil)
    }
}
