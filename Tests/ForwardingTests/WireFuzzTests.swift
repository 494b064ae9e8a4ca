import Fuzzing
import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Random frames")
struct WireFuzzTests {
    /// Headers of every kind, for noise to be made of.
    static let templates: [[UInt8]] = {
        var templates: [[UInt8]] = []
        for var packet in [Wire.Packet(), .ipv6()] {
            if packet.isIPv6 {
                packet.firstHeader = 60
                packet.options = [44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 1]
            } else {
                packet.options = [7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0, 0]
            }
            templates.append(packet.udp(Wire.payload(60)).frame)
            packet.options = []
            packet.firstHeader = nil
            templates.append(packet.tcp(Wire.payload(60)).frame)
            for tunnel in TunnelTests.tunnels {
                let outer = TunnelTests.encapsulated(packet.tcp(Wire.payload(9)).frame, in: tunnel) ?? []
                templates.append(TunnelErrorTests.error(3, 4, 1400, about: Array(outer.dropFirst(14)), of: tunnel))
            }
        }
        return templates
    }()

    @Test("300,000 frames, most of them almost right, are never read or written beyond their end")
    func frames() {
        var random = SplitMix(seed: 5)
        let guarded = 160
        let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: ICMPError.longestFrame, alignment: 1)
        defer { answer.deallocate() }
        let pieces = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 1)
        defer { pieces.deallocate() }
        var (wrapped, split, completed, quoted, stripped) = (0, 0, 0, 0, 0)

        for _ in 0..<300_000 {
            var bytes = Self.templates.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 12..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            }
            // The frame between two guards, the first of which is its headroom and more.
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 2 * guarded, alignment: 1)
            memory.initializeMemory(as: UInt8.self, repeating: 0xEE)
            let place = UnsafeMutableRawBufferPointer(rebasing: memory[guarded..<guarded + bytes.count])
            place.copyBytes(from: bytes)
            var frame = Frame(
                bytes: place, headroom: 60, isPartial: Bool.random(using: &random),
                segmentSize: Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1...70, using: &random) : 0)
            let reader = UnsafeRawBufferPointer(place)
            let tunnel = TunnelTests.tunnels.randomElement(using: &random) ?? TunnelTests.tunnels[0]

            for error in ICMPError.allCases { _ = error.write(about: reader, into: answer) }
            if var splitter = Splitter(frame, limit: Int.random(in: 20...100, using: &random)) {
                split += 1
                var total = 0
                while let piece = splitter.next(into: pieces) {
                    total += 1
                    let header = InternetHeader(frame: UnsafeRawBufferPointer(piece.bytes))
                    #expect(header?.totalLength == piece.bytes.count - 14)
                }
                #expect(total >= 1)
            }
            if let error = QuotedPacket(reader) {
                quoted += 1
                if let inner = error.inner(of: tunnel, in: reader) {
                    stripped += 1
                    _ = inner.write(lessOverhead: tunnel.overhead, about: reader, to: TunnelTests.station, into: answer)
                }
                _ = error.translate(
                    Bool.random(using: &random) ? .inward : .outward,
                    to: error.message.isIPv6 ? QuotedPacketTests.server.1 : QuotedPacketTests.server.0, port: 9,
                    in: frame)
            }
            if Bool.random(using: &random), frame.completeChecksum() { completed += 1 }
            if tunnel.encapsulate(&frame, to: TunnelTests.station, identification: 1, seed: 1) { wrapped += 1 }
            #expect(memory.prefix(guarded - 60).allSatisfy { $0 == 0xEE })
            #expect(memory.suffix(guarded).allSatisfy { $0 == 0xEE })
            memory.deallocate()
        }
        // The frames have reached everything there is.
        for count in [wrapped, split, completed, quoted, stripped] { #expect(count > 1000) }
    }
}
