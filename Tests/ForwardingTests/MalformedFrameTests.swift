import Forwarding
import NetworkAddress
import Testing

@Suite("Frames that are not what they say")
struct MalformedFrameTests {
    typealias Flag = TestFrame.Flag

    @Test("a frame cut at any length is never forwarded, nor read beyond its end")
    func prefixes() {
        var frame = TestFrame()
        frame.payload = 20
        let whole = frame.bytes
        for length in 0..<whole.count {
            var forwarder = FlowTests.forwarder([.web([.at(1)])])
            // A buffer of its own, so that a read beyond the end is one beyond an allocation.
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
            defer { memory.deallocate() }
            memory.copyBytes(from: whole.prefix(length))
            let verdict = forwarder.forward(memory, now: .seconds(1))
            #expect(verdict == (length < 34 ? .notOurs : .drop(.malformed)), "\(length) bytes")
            #expect(Array(memory) == Array(whole.prefix(length)), "\(length) bytes")
            #expect(forwarder.flowCount == 0)
        }
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        #expect(forwarder.forward(UnsafeMutableRawBufferPointer(start: nil, count: 0), now: .seconds(1)) == .notOurs)
        #expect(forwarder.forward(bytes: whole).verdict == .transmit(egress: 1))
    }

    @Test("a total length is believed only between the headers' and the frame's", arguments: 0...90)
    func totalLength(length: Int) {
        var frame = TestFrame()
        frame.payload = 10
        frame.padding = 20
        var bytes = frame.bytes
        bytes[16] = 0
        bytes[17] = UInt8(length)
        TestFrame.setHeaderChecksum(of: &bytes)
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        let expected: Verdict =
            length == 0 ? .drop(.oversized) : (40...70).contains(length) ? .transmit(egress: 1) : .drop(.malformed)
        #expect(forwarder.forward(bytes: bytes).verdict == expected)
        #expect(forwarder.statistics()[0].bytes == ((40...70).contains(length) ? UInt64(length) : 0))
    }

    @Test("every header length and data offset is refused unless what it claims is there")
    func headerLengths() {
        for headerWords in 0...15 {
            for offsetWords in 0...15 {
                var bytes = Array(TestFrame().bytes.prefix(34))
                bytes[14] = 0x40 | UInt8(headerWords)
                let options = max(0, headerWords - 5) * 4
                bytes += [UInt8](repeating: 1, count: options) + TestFrame().bytes.suffix(20)
                bytes[bytes.count - 8] = UInt8(offsetWords << 4)
                bytes += [UInt8](repeating: 0, count: 8)
                let total = bytes.count - 14
                bytes[16] = UInt8(total >> 8)
                bytes[17] = UInt8(total & 0xFF)
                TestFrame.setHeaderChecksum(of: &bytes)
                var forwarder = FlowTests.forwarder([.web([.at(1)])])
                let isSound = headerWords >= 5 && (5...7).contains(offsetWords)
                #expect(
                    forwarder.forward(bytes: bytes).verdict == (isSound ? .transmit(egress: 1) : .drop(.malformed)),
                    "\(headerWords), \(offsetWords)")
            }
        }
    }

    @Test("every single wrong bit in the IPv4 header is found, or makes the packet somebody else's")
    func headerBits() {
        let sound = TestFrame().bytes
        for bit in 0..<160 {
            var bytes = sound
            bytes[14 + bit / 8] ^= 1 << UInt8(bit % 8)
            var forwarder = FlowTests.forwarder([.web([.at(1)])])
            let isAddress = bit / 8 >= 16
            #expect(forwarder.forward(bytes: bytes).verdict == (isAddress ? .notOurs : .drop(.malformed)), "bit \(bit)")
        }
    }

    @Test("no fragment is forwarded, whatever lies where ports would be")
    func fragments() {
        for field in [0x2000, 0x0001, 0x1FFF, 0x3FFF, 0x6000, 0x4001] as [UInt16] {
            var forwarder = FlowTests.forwarder([.web([.at(1)])])
            #expect(forwarder.send(Flag.syn, from: 40001) == .transmit(egress: 1))
            var frame = TestFrame()
            frame.fragment = field
            #expect(forwarder.forward(bytes: frame.bytes).verdict == .drop(.fragment))
            #expect(forwarder.statistics()[0].packets == 1)
        }
    }

    @Test("a super-packet of 64 KiB is forwarded whole, its checksum left as it was")
    func superPacket() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        var frame = TestFrame()
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .transmit(egress: 1))
        frame.flags = Flag.ack | Flag.psh
        frame.payload = 65535 - 40
        let input = frame.bytes
        #expect(input.count == 65549)
        let (verdict, output) = forwarder.forward(bytes: input)
        #expect(verdict == .transmit(egress: 1))
        #expect(output[26...] == input[26...], "addresses, TCP header with its checksum, data")
        #expect(output[22] == 63)
        #expect(forwarder.statistics()[0].bytes == 65535 + 40)
    }

    @Test("the header checksum that leaves is right for every TTL and every checksum that comes")
    func checksums() {
        var frame = TestFrame()
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        for timeToLive in UInt8(2)...255 {
            frame.timeToLive = timeToLive
            var bytes = frame.bytes
            for identification in stride(from: 0, to: 65536, by: 257) {
                bytes[18] = UInt8(identification >> 8)
                bytes[19] = UInt8(identification & 0xFF)
                TestFrame.setHeaderChecksum(of: &bytes)
                let output = forwarder.forward(bytes: bytes).bytes
                var expected = output
                TestFrame.setHeaderChecksum(of: &expected)
                guard output == expected, output[22] == timeToLive - 1 else {
                    Issue.record("TTL \(timeToLive), identification \(identification)")
                    return
                }
            }
        }
    }
}
