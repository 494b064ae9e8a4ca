import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Encapsulation")
struct TunnelTests {
    static let station = LinkStation(
        egress: 1, source: MACAddress(rawValue: 0x02_00_00_00_00_02),
        destination: MACAddress(rawValue: 0x02_00_00_00_00_11))
    static let kinds: [Encapsulation] = [.ipip, .gre, .gue(port: 6080)]

    static func tunnel(_ kind: Encapsulation, isIPv6: Bool) -> Tunnel {
        isIPv6
            ? Tunnel(kind, from: Wire.mapped("fd00::1"), to: Wire.mapped("fd00::11"))
            : Tunnel(kind, from: Wire.mapped("10.0.0.1"), to: Wire.mapped("10.0.0.11"))
    }
    static let tunnels = kinds.flatMap { [tunnel($0, isIPv6: false), tunnel($0, isIPv6: true)] }

    /// What becomes of a frame's bytes; nil where it cannot be encapsulated, and then it must not have been touched.
    static func encapsulated(
        _ bytes: [UInt8], in tunnel: Tunnel, headroom: Int = 64, isPartial: Bool = false, segmentSize: Int = 0,
        seed: UInt64 = 42
    ) -> [UInt8]? {
        withFrame(bytes, headroom: headroom, isPartial: isPartial, segmentSize: segmentSize) { frame in
            guard tunnel.encapsulate(&frame, to: station, identification: 0xBEEF, seed: seed) else {
                #expect(Array(frame.bytes) == bytes && frame.headroom == headroom)
                return nil
            }
            #expect(frame.headroom == headroom - tunnel.overhead)
            #expect(frame.isPartial == isPartial)
            #expect(frame.ingress == 3)
            return Array(frame.bytes)
        }
    }

    @Test("the golden tunnels, byte for byte: every kind with every pair of families", arguments: GoldenTunnel.all)
    func golden(tunnel: GoldenTunnel) {
        let input = GoldenPacketTests.bytes(tunnel.input)
        let output = GoldenPacketTests.bytes(tunnel.output)
        #expect(Self.encapsulated(input, in: tunnel.tunnel) == output)
        #expect(Self.encapsulated(input + [0, 0, 0, 0, 0], in: tunnel.tunnel) == output, "padding does not travel")
        #expect(Self.encapsulated(input, in: tunnel.tunnel, headroom: tunnel.tunnel.overhead) == output)
        #expect(Self.encapsulated(input, in: tunnel.tunnel, headroom: tunnel.tunnel.overhead - 1) == nil)
        #expect(output.count == input.count + tunnel.tunnel.overhead)
    }

    @Test("what fits through a link of 1500 bytes, as measured with the kernel's tunnels")
    func maximumTransmissionUnits() {
        let fits = Self.tunnels.map { $0.innerMTU(linkMTU: 1500) }
        #expect(fits == [1480, 1460, 1476, 1456, 1468, 1448])
    }

    @Test("a frame cut at any length is left alone", arguments: tunnels)
    func prefixes(tunnel: Tunnel) {
        for packet in [Wire.Packet().tcp([1, 2, 3]), Wire.Packet.ipv6().tcp([1, 2, 3])] {
            for length in 0..<packet.frame.count {
                #expect(Self.encapsulated(Array(packet.frame.prefix(length)), in: tunnel) == nil, "\(length) bytes")
            }
        }
    }

    @Test(
        "neither a spent TTL, a super-packet, nor what an outer header cannot hold is encapsulated", arguments: tunnels)
    func refused(tunnel: Tunnel) {
        for var packet in [Wire.Packet().tcp([1]), Wire.Packet.ipv6().tcp([1])] {
            #expect(Self.encapsulated(packet.frame, in: tunnel, isPartial: true, segmentSize: 1) == nil)
            #expect(Self.encapsulated(Wire.ethernet4.dropLast(2) + [0x81, 0] + packet.bytes, in: tunnel) == nil)
            packet.timeToLive = 2
            #expect(Self.encapsulated(packet.frame, in: tunnel) != nil)
            packet.timeToLive = 1
            #expect(Self.encapsulated(packet.frame, in: tunnel) == nil)
            packet.timeToLive = 0
            #expect(Self.encapsulated(packet.frame, in: tunnel) == nil)
        }
        let most = 65535 - tunnel.encapsulation.shim - (tunnel.isIPv6 ? 0 : 20)
        #expect(Self.encapsulated(Wire.Packet().udp(Wire.payload(most - 28)).frame, in: tunnel) != nil)
        #expect(
            tunnel.encapsulation == .ipip && tunnel.isIPv6
                || Self.encapsulated(Wire.Packet().udp(Wire.payload(most - 27)).frame, in: tunnel) == nil)
        var odd = Wire.Packet().tcp([])
        odd.transport = 132
        #expect(Self.encapsulated(odd.frame, in: tunnel, isPartial: true) == nil, "whose checksum would that be?")
        #expect(Self.encapsulated(odd.frame, in: tunnel) != nil)
    }

    @Test("DSCP and ECN are copied, but a mark made before the tunnel is not one made in it", arguments: tunnels)
    func serviceType(tunnel: Tunnel) throws {
        for value in UInt8.min ... .max {
            for var packet in [Wire.Packet().tcp([]), Wire.Packet.ipv6().tcp([])] {
                packet.serviceType = value
                let frame = try #require(Self.encapsulated(packet.frame, in: tunnel))
                let outer = tunnel.isIPv6 ? frame[14] << 4 | frame[15] >> 4 : frame[15]
                #expect(outer == (value & 3 == 3 ? value - 1 : value))
                var inner = packet
                inner.timeToLive -= 1
                #expect(Array(frame.suffix(inner.bytes.count)) == inner.bytes, "inside only the TTL changed")
            }
        }
    }

    @Test("a partial checksum stays as it is, and GUE's own over IPv6 is right once a device has completed it")
    func partialChecksums() throws {
        for tunnel in Self.tunnels {
            for packet in [Wire.Packet(), .ipv6()] {
                for count in [0, 1, 2, 1399] {
                    for (partial, complete) in [
                        (packet.tcp(Wire.payload(count), .partial), packet.tcp(Wire.payload(count))),
                        (packet.udp(Wire.payload(count), .partial), packet.udp(Wire.payload(count))),
                    ] {
                        let was = try #require(Self.encapsulated(partial.frame, in: tunnel, isPartial: true))
                        let whole = try #require(Self.encapsulated(complete.frame, in: tunnel))
                        #expect(Array(was.suffix(partial.body.count)) == partial.body)
                        // The device writes the inner checksum, and nothing else.
                        #expect(was.dropLast(partial.body.count) == whole.dropLast(complete.body.count))
                    }
                }
            }
        }
    }

    @Test("GUE's checksum over IPv6 is never 0, which would say that there is none")
    func neverZero() throws {
        let tunnel = Self.tunnel(.gue(port: 6080), isIPv6: true)
        var packet = Wire.Packet().udp([0, 0])
        let first = try #require(Self.encapsulated(packet.frame, in: tunnel))
        // The last two bytes are the inner payload: put there what makes the sum 0xFFFF.
        packet.body.replaceSubrange(8..<10, with: first[60..<62])
        let second = try #require(Self.encapsulated(packet.frame, in: tunnel))
        #expect(Array(second[60..<62]) == [0xFF, 0xFF])
        let udp = second[54...]
        #expect(Wire.sum(Wire.pseudoHeader(tunnel.source, tunnel.destination, 17, udp.count) + udp) == 0xFFFF)
    }

    @Test("a flow keeps its source port, flows spread, and a datagram's fragments stay together")
    func sourcePorts() throws {
        let tunnel = Self.tunnel(.gue(port: 6080), isIPv6: false)
        func port(_ packet: Wire.Packet, seed: UInt64 = 42) throws -> UInt16 {
            let frame = try #require(Self.encapsulated(packet.frame, in: tunnel, seed: seed))
            return UInt16(frame[34]) << 8 | UInt16(frame[35])
        }
        var ports: Set<UInt16> = []
        for client in 0..<1000 {
            var packet = Wire.Packet().tcp([])
            packet.body.replaceSubrange(0..<2, with: Wire.octets(client, 2))
            let first = try port(packet)
            #expect(FlowEntropy.ports.contains(first))
            packet.identification = 7
            packet.body[13] = 0x18
            #expect(try port(packet) == first)
            ports.insert(first)
        }
        // Of 28,231 ports, 1000 draws hit about 983 different ones.
        #expect(ports.count > 950)
        let flow = Wire.Packet().tcp([])
        #expect(try port(flow) != port(flow, seed: 43))

        var (first, later) = (Wire.Packet().udp([1, 2, 3, 4, 5, 6, 7, 8]), Wire.Packet().udp(Wire.payload(64)))
        first.fragment = 0x2000
        later.fragment = 0x0002
        later.body = Wire.payload(32)
        #expect(try port(first) == port(later))
    }
}
