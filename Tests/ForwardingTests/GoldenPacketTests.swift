import Forwarding
import NetworkAddress
import Testing

@Suite("Golden packets")
struct GoldenPacketTests {
    static let services = [
        VirtualService(
            name: "web", vip: .v4(IPv4Address(192, 0, 2, 10)), port: 80, scheduler: .rr,
            servers: [
                RealServer(
                    address: .v4(IPv4Address(10, 0, 0, 11)), weight: 1,
                    station: LinkStation(
                        egress: 0, source: MACAddress(rawValue: 0x02_00_00_00_00_01),
                        destination: MACAddress(rawValue: 0x02_00_00_00_00_11))),
                RealServer(
                    address: .v4(IPv4Address(10, 0, 0, 12)), weight: 1,
                    station: LinkStation(
                        egress: 1, source: MACAddress(rawValue: 0x02_00_00_00_00_02),
                        destination: MACAddress(rawValue: 0x02_00_00_00_00_12))),
            ])
    ]

    static func bytes(_ hexadecimal: [String]) -> [UInt8] {
        let digits = hexadecimal.joined().compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    @Test("each golden frame gets its verdict, and leaves as expected or untouched")
    func goldenFrames() {
        var forwarder = Forwarder(flowCapacity: 64, seed: 1)
        forwarder.apply(Self.services, now: .seconds(0))
        for (index, packet) in GoldenPacket.all.enumerated() {
            let input = Self.bytes(packet.input)
            let (verdict, output) = forwarder.forward(bytes: input, at: .seconds(Double(index) / 10))
            #expect(verdict == packet.verdict, "\(packet.description)")
            #expect(output == packet.output.map(Self.bytes) ?? input, "\(packet.description)")
        }
        let forwarded = GoldenPacket.all.count { $0.output != nil }
        #expect(forwarded > 10)
        // All but the ping, which no server got.
        #expect(forwarder.statistics()[0].inbound.packets == UInt64(forwarded - 1))
    }

    @Test("a capture of the golden frames, replayed, gives the capture of what leaves")
    func replay() throws {
        let capture = Pcap(
            GoldenPacket.all.enumerated().map { .init(milliseconds: UInt64($0) * 100, bytes: Self.bytes($1.input)) })
        let expected = Pcap(
            GoldenPacket.all.enumerated().compactMap { index, packet in
                packet.output.map { .init(milliseconds: UInt64(index) * 100, bytes: Self.bytes($0)) }
            })
        let read = try #require(Pcap(decoding: capture.encoded))
        #expect(read == capture)

        var forwarder = Forwarder(flowCapacity: 64, seed: 2)
        forwarder.apply(Self.services, now: .seconds(0))
        var left = Pcap([])
        for packet in read.packets {
            let (verdict, bytes) = forwarder.forward(bytes: packet.bytes, at: Ticks(milliseconds: packet.milliseconds))
            if case .transmit = verdict {
                left.packets.append(.init(milliseconds: packet.milliseconds, bytes: bytes))
            }
        }
        #expect(left.encoded == expected.encoded)
    }

    @Test("a capture cut short is not read as a whole one")
    func shortCapture() {
        let file = Pcap([.init(milliseconds: 1, bytes: [1, 2, 3])]).encoded
        #expect(Pcap(decoding: file) != nil)
        for length in 0..<file.count where length != 24 {
            #expect(Pcap(decoding: [UInt8](file.prefix(length))) == nil)
        }
    }
}
