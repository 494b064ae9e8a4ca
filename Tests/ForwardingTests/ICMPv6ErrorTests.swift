import NetworkAddress
import Testing

@testable import Forwarding

@Suite("ICMPv6 errors")
struct ICMPv6ErrorTests {
    static let packet = [
        "0200000000010200000000fe86dd",
        "600000000018064020010db800070000000000000000000120010db8000000000000000000000010",
        "9c410050000003e8000000006002faf0a1320000020405b4",
    ]

    @Test(
        "each error, byte for byte: from the VIP, quoting the packet without the frame's padding",
        arguments: [
            (ICMPError.portUnreachable, "01043cb500000000"), (.timeExceeded, "03003ab900000000"),
            (.tooBig(mtu: 1440), "02003619000005a0"),
        ])
    func golden(error: ICMPError, header: String) {
        let expected = GoldenPacketTests.bytes(
            [
                "0200000000fe02000000000186dd",
                "6000000000483a4020010db800000000000000000000001020010db8000700000000000000000001", header,
            ] + Self.packet.dropFirst())
        #expect(ICMPErrorTests.answer(error, to: GoldenPacketTests.bytes(Self.packet + ["00000000"])) == expected)
    }

    @Test("a long packet is quoted as far as 1280 bytes allow", arguments: [0, 1, 1171, 1172, 1173, 65000])
    func longPackets(payload: Int) throws {
        let packet = Wire.Packet.ipv6().tcp(Wire.payload(payload))
        let answer = try #require(ICMPErrorTests.answer(.portUnreachable, to: packet.frame))
        let quote = Array(packet.bytes.prefix(1280 - 48))
        var expected = Wire.Packet(source: packet.destination, destination: packet.source).icmp(1, 4, 0, quoting: quote)
        expected.timeToLive = 64
        #expect(Array(answer[14...]) == expected.bytes)
        #expect(answer.count == 14 + min(1280, 48 + 60 + payload))
    }

    @Test("an MTU is one that an IPv6 link can have", arguments: [(0, 1280), (1279, 1280), (1280, 1280), (1440, 1440)])
    func maximumTransmissionUnit(mtu: Int, told: UInt32) {
        #expect(ICMPError.tooBig(mtu: mtu).message(isIPv6: true) == .ipv6(2, 0, told))
    }

    @Test("neither errors nor redirects are answered, nor a later fragment, nor what is from or for more than one host")
    func silence() {
        func echo(_ type: UInt8) -> Wire.Packet {
            var packet = Wire.Packet.ipv6()
            packet.transport = 58
            packet.body = [type, 0, 0, 0, 0, 1, 0, 1]
            return packet.checked(.complete, at: 2)
        }
        func fragment(_ field: UInt16) -> Wire.Packet {
            var packet = Wire.Packet.ipv6().tcp([])
            packet.firstHeader = 44
            packet.options = [6, 0] + Wire.octets(field, 2) + [0, 0, 0, 1]
            return packet
        }
        func tcp(from source: String = "2001:db8:7::1", to destination: String = "2001:db8::10") -> Wire.Packet {
            Wire.Packet(source: Wire.mapped(source), destination: Wire.mapped(destination)).tcp([])
        }
        var refused = [1, 2, 3, 4, 127, 137].map { ("ICMPv6 \($0)", echo($0).frame) }
        refused += [
            ("a later fragment", fragment(0x0008).frame),
            ("no source", tcp(from: "::").frame),
            ("a loopback source", tcp(from: "::1").frame),
            ("a multicast source", tcp(from: "ff02::1").frame),
            ("a multicast destination", tcp(to: "ff02::1").frame),
            ("a frame to a group", [0x33] + tcp().frame.dropFirst()),
            ("IPv6 that is called IPv4", Wire.ethernet4 + tcp().bytes),
        ]
        var behindOptions = echo(1)
        behindOptions.firstHeader = 60
        behindOptions.options = [58, 0, 1, 4, 0, 0, 0, 0]
        refused.append(("an error behind an extension header", behindOptions.frame))
        for (name, bytes) in refused {
            for error in ICMPError.allCases { #expect(ICMPErrorTests.answer(error, to: bytes) == nil, "\(name)") }
        }
        let answered = [echo(128), echo(129), fragment(0x0001), tcp()]
        for packet in answered { #expect(ICMPErrorTests.answer(.timeExceeded, to: packet.frame) != nil) }
    }

    @Test("a frame cut at any length is never answered")
    func prefixes() {
        var packet = Wire.Packet.ipv6().tcp([1, 2, 3])
        packet.firstHeader = 0
        packet.options = [60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12] + [UInt8](repeating: 0, count: 12)
        let whole = packet.frame
        for length in 0..<whole.count {
            let isSilent = withFrame(Array(whole.prefix(length))) { frame in
                var buffer = [UInt8](repeating: 0, count: ICMPError.longestFrame)
                return buffer.withUnsafeMutableBytes {
                    ICMPError.timeExceeded.write(about: UnsafeRawBufferPointer(frame.bytes), into: $0) == nil
                }
            }
            #expect(isSilent, "\(length) bytes")
        }
        #expect(ICMPErrorTests.answer(.timeExceeded, to: whole) != nil)
    }
}
