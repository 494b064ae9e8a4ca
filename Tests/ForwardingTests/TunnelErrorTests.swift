import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Errors about tunnel packets become the client's")
struct TunnelErrorTests {
    /// The tunnel's packet with `packet` inside, as a router sees it.
    static func outer(_ packet: Wire.Packet, in tunnel: Tunnel) throws -> [UInt8] {
        Array(try #require(TunnelTests.encapsulated(packet.frame, in: tunnel)).dropFirst(14))
    }

    static func error(
        _ type: UInt8, _ code: UInt8, _ info: UInt32 = 0, about bytes: [UInt8], of tunnel: Tunnel
    ) -> [UInt8] {
        let router = tunnel.isIPv6 ? QuotedPacketTests.router.1 : QuotedPacketTests.router.0
        return Wire.Packet(source: router, destination: tunnel.source).icmp(type, code, info, quoting: bytes).frame
    }

    /// What the client is told.
    static func told(_ frame: [UInt8], _ tunnel: Tunnel, room: Int = ICMPError.longestFrame) -> [UInt8]? {
        withFrame(frame) { frame in
            let bytes = UnsafeRawBufferPointer(frame.bytes)
            guard let inner = QuotedPacket(bytes)?.inner(of: tunnel, in: bytes) else { return nil }
            #expect(inner.sourcePort == 40001 && (inner.destinationPort == 80 || inner.destinationPort == 53))
            var buffer = [UInt8](repeating: 0, count: room)
            let length = buffer.withUnsafeMutableBytes {
                inner.write(lessOverhead: tunnel.overhead, about: bytes, to: TunnelTests.station, into: $0)
            }
            return length.map { Array(buffer[..<$0]) }
        }
    }

    /// The error as it should be: from the VIP, about the packet as it left for the tunnel.
    static func expected(_ type: UInt8, _ code: UInt8, _ info: UInt32 = 0, about packet: Wire.Packet, quoted: Int)
        -> [UInt8]
    {
        var (packet, answer) = (packet, Wire.Packet(source: packet.destination, destination: packet.source))
        packet.timeToLive -= 1
        answer = answer.icmp(
            type, code, info, quoting: Array(packet.bytes.prefix(min(quoted, packet.isIPv6 ? 1280 - 48 : 576 - 28))))
        if !packet.isIPv6 {
            (answer.serviceType, answer.identification, answer.fragment) = (0xC0, 0, 0x4000)
        }
        return [2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 2] + (packet.isIPv6 ? [0x86, 0xDD] : [8, 0]) + answer.bytes
    }

    static let packets: [Wire.Packet] = {
        var packet = Wire.Packet()
        packet.fragment = 0x4000
        return [packet, .ipv6()].flatMap { [$0.tcp(Wire.payload(1300)), $0.udp([1])] }
    }()

    @Test(
        "too long for the tunnel: too long for the client by the overhead, of either family",
        arguments: TunnelTests.tunnels)
    func tooBig(tunnel: Tunnel) throws {
        for packet in Self.packets {
            let outer = try Self.outer(packet, in: tunnel)
            for quoted in [548, 1232] {
                let quote = Array(outer.prefix(quoted))
                let error = tunnel.isIPv6 ? (2 as UInt8, 0 as UInt8) : (3, 4)
                let frame = Self.error(error.0, error.1, 1400, about: quote, of: tunnel)
                let mtu = UInt32(1400 - tunnel.overhead)
                let (type, code) = packet.isIPv6 ? (2 as UInt8, 0 as UInt8) : (3, 4)
                let expected = Self.expected(type, code, mtu, about: packet, quoted: quote.count - tunnel.overhead)
                #expect(Self.told(frame, tunnel) == expected)
                #expect(Self.told(frame, tunnel, room: expected.count) == expected)
                #expect(Self.told(frame, tunnel, room: expected.count - 1) == nil)
            }
        }
    }

    @Test(
        "other errors keep what they say, or get its counterpart in the client's family", arguments: TunnelTests.tunnels
    )
    func others(tunnel: Tunnel) throws {
        for packet in Self.packets {
            let outer = try Array(Self.outer(packet, in: tunnel).prefix(500))
            func told(_ type: UInt8, _ code: UInt8) -> [UInt8]? {
                Self.told(Self.error(type, code, 5, about: outer, of: tunnel), tunnel)
            }
            func expected(_ type: UInt8, _ code: UInt8) -> [UInt8] {
                Self.expected(type, code, about: packet, quoted: outer.count - tunnel.overhead)
            }
            switch (tunnel.isIPv6, packet.isIPv6) {
            case (false, false):
                #expect(told(3, 1) == expected(3, 1))
                #expect(told(11, 0) == expected(11, 0))
            case (true, true):
                #expect(told(1, 3) == expected(1, 3))
                #expect(told(3, 0) == expected(3, 0))
            case (false, true):
                #expect(told(3, 1) == expected(1, 0))
                #expect(told(11, 1) == expected(3, 1))
                #expect(told(4, 0) == nil)
            case (true, false):
                #expect(told(1, 3) == expected(3, 1))
                #expect(told(3, 0) == expected(11, 0))
                #expect(told(4, 0) == nil)
            }
        }
    }

    @Test("no MTU to tell: none told, a client whose packets may be fragmented, one that would leave nothing")
    func oddMTUs() throws {
        let tunnel = TunnelTests.tunnel(.ipip, isIPv6: false)
        let outer = try Self.outer(Self.packets[0], in: tunnel)
        let quote = Array(outer.prefix(548))
        #expect(Self.told(Self.error(3, 4, 0, about: quote, of: tunnel), tunnel) == nil)
        let least = Self.expected(3, 4, 88, about: Self.packets[0], quoted: 528)
        #expect(Self.told(Self.error(3, 4, 88, about: quote, of: tunnel), tunnel) == least)
        let next = Self.expected(3, 4, 69, about: Self.packets[0], quoted: 528)
        #expect(Self.told(Self.error(3, 4, 89, about: quote, of: tunnel), tunnel) == next)
        let mayBeFragmented = try Self.outer(Wire.Packet().tcp([]), in: tunnel)
        #expect(Self.told(Self.error(3, 4, 1400, about: mayBeFragmented, of: tunnel), tunnel) == nil)
        #expect(Self.told(Self.error(3, 1, 0, about: mayBeFragmented, of: tunnel), tunnel) != nil)
    }

    @Test(
        "not ours: other ends, another kind, another port, headers we do not send, too little quoted",
        arguments: TunnelTests.tunnels)
    func refused(tunnel: Tunnel) throws {
        for packet in Self.packets {
            let outer = try Self.outer(packet, in: tunnel)
            func told(_ bytes: [UInt8], _ tunnel: Tunnel) -> [UInt8]? {
                Self.told(Self.error(3, 1, about: bytes, of: tunnel), tunnel)
            }
            #expect(told(outer, tunnel) != nil)
            let far = Tunnel(tunnel.encapsulation, from: tunnel.source, to: tunnel.source)
            let near = Tunnel(tunnel.encapsulation, from: tunnel.destination, to: tunnel.destination)
            let other = Tunnel(.gue(port: 6081), from: tunnel.source, to: tunnel.destination)
            for stranger in [far, near, other] { #expect(told(outer, stranger) == nil) }
            for kind in TunnelTests.kinds where kind != tunnel.encapsulation {
                #expect(told(outer, Tunnel(kind, from: tunnel.source, to: tunnel.destination)) == nil)
            }
            let enough = tunnel.overhead + (packet.isIPv6 ? 48 : 28)
            for length in 0..<min(outer.count, enough + 2) {
                #expect((told(Array(outer.prefix(length)), tunnel) != nil) == (length >= enough), "\(length) bytes")
            }
            var misnamed = outer
            let shim = tunnel.isIPv6 ? 40 : 20
            switch tunnel.encapsulation {
            case .ipip: misnamed[tunnel.isIPv6 ? 6 : 9] ^= 4 ^ 41
            case .gre: misnamed.replaceSubrange(shim + 2..<shim + 4, with: packet.isIPv6 ? [8, 0] : [0x86, 0xDD])
            case .gue: misnamed[shim + 9] ^= 4 ^ 41
            }
            #expect(told(misnamed, tunnel) == nil, "what is inside is of the other family")
            let places: [Int]
            switch tunnel.encapsulation {
            case .ipip: places = []
            case .gre: places = [0, 1, 2, 3]
            case .gue: places = [3, 8, 9]
            }
            for place in places {
                var bent = outer
                bent[shim + place] ^= 0x10
                #expect(told(bent, tunnel) == nil, "byte \(place) behind the outer header")
            }
        }
    }
}
