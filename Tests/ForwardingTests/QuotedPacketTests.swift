import NetworkAddress
import Testing

@testable import Forwarding

@Suite("ICMP errors are mapped by the packet they quote")
struct QuotedPacketTests {
    static let router = (Wire.mapped("203.0.113.1"), Wire.mapped("2001:db8:f::1"))
    static let server = (Wire.mapped("10.0.0.11"), Wire.mapped("fd00::11"))

    /// An error about `quoted`, which only `length` bytes of are quoted.
    static func error(
        _ type: UInt8, _ code: UInt8, _ info: UInt32 = 0, from sender: IPv6Address? = nil,
        to receiver: IPv6Address? = nil,
        about quoted: Wire.Packet, length: Int = .max
    ) -> Wire.Packet {
        Wire.Packet(
            source: sender ?? (quoted.isIPv6 ? router.1 : router.0), destination: receiver ?? quoted.source
        ).icmp(type, code, info, quoting: Array(quoted.bytes.prefix(length)))
    }

    static func read(_ bytes: [UInt8]) -> QuotedPacket? {
        withFrame(bytes) { QuotedPacket(UnsafeRawBufferPointer($0.bytes)) }
    }

    @Test("what is quoted is read: addresses, protocol, ports, or an echo's identifier")
    func reading() throws {
        for packet in [Wire.Packet(), .ipv6()] {
            let type: UInt8 = packet.isIPv6 ? 1 : 3
            for quoted in [packet.tcp(Wire.payload(700)), packet.udp([])] {
                let read = try #require(
                    Self.read(Self.error(type, 1, about: quoted, length: packet.isIPv6 ? 48 : 28).frame))
                #expect(read.message == ICMPMessage(isIPv6: packet.isIPv6, type: type, code: 1, info: 0))
                #expect(read.header.source == packet.source && read.header.destination == packet.destination)
                #expect(read.header.transport == quoted.transport && read.sourcePort == 40001)
                #expect(read.destinationPort == (quoted.transport == 6 ? 80 : 53))
                #expect(read.receiver == packet.source)
                #expect(read.sender == (packet.isIPv6 ? Self.router.1 : Self.router.0))
            }
            var echo = packet
            echo.transport = packet.isIPv6 ? 58 : 1
            echo.body = [packet.isIPv6 ? 128 : 8, 0, 0, 0, 0xAB, 0xCD, 0, 1]
            let read = try #require(Self.read(Self.error(type, 1, about: echo).frame))
            #expect(read.sourcePort == 0xABCD && read.destinationPort == 0, "who asks has it")
            echo.body[0] = packet.isIPv6 ? 129 : 0
            let reply = try #require(Self.read(Self.error(type, 1, about: echo).frame))
            #expect(reply.sourcePort == 0 && reply.destinationPort == 0xABCD)
        }
    }

    @Test("only errors of types 3, 4 and 11 are read, and every error of IPv6")
    func types() {
        for type in UInt8.min ... .max {
            #expect(
                (Self.read(Self.error(type, 0, about: Wire.Packet().tcp([])).frame) != nil)
                    == [3, 4, 11].contains(type))
            let isError = (1...127).contains(type)
            #expect((Self.read(Self.error(type, 0, about: Wire.Packet.ipv6().tcp([])).frame) != nil) == isError)
        }
    }

    @Test("a frame cut at any length is not read, nor one that quotes too little or part of a datagram")
    func refused() {
        for packet in [Wire.Packet().tcp([]), Wire.Packet.ipv6().tcp([])] {
            let whole = Self.error(3, 0, about: packet).frame
            for length in 0..<whole.count { #expect(Self.read(Array(whole.prefix(length))) == nil) }
            let enough = packet.isIPv6 ? 48 : 28
            for length in 0...packet.bytes.count {
                let frame = Self.error(3, 0, about: packet, length: length).frame
                #expect((Self.read(frame) != nil) == (length >= enough), "\(length) bytes quoted")
                #expect((Self.read(frame + Wire.payload(60)) != nil) == (length >= enough), "padding is no quote")
            }
        }
        var later = Wire.Packet().tcp([])
        later.fragment = 0x0001
        #expect(Self.read(Self.error(3, 3, about: later).frame) == nil)
        var fragment = Self.error(3, 3, about: Wire.Packet().tcp([]))
        fragment.fragment = 0x2000
        #expect(Self.read(fragment.frame) == nil)
        var error = Wire.Packet().icmp(3, 3, 0, quoting: Wire.Packet().tcp([]).bytes)
        error.identification = 0
        #expect(Self.read(Self.error(11, 0, about: error).frame) == nil, "an error about an error")
        let mixed = Wire.Packet().icmp(3, 3, 0, quoting: Wire.Packet.ipv6().tcp([]).bytes)
        #expect(Self.read(mixed.frame) == nil, "an IPv4 error quotes IPv4")
    }

    /// The frame after translation.
    static func translated(
        _ bytes: [UInt8], _ direction: QuotedPacket.Direction, to address: IPv6Address, port: UInt16,
        isPartial: Bool = false
    ) -> [UInt8]? {
        withFrame(bytes, isPartial: isPartial) { frame in
            guard let quoted = QuotedPacket(UnsafeRawBufferPointer(frame.bytes)) else { return nil }
            let isDone = quoted.translate(direction, to: address, port: port, in: frame)
            #expect(isDone || Array(frame.bytes) == bytes)
            return isDone ? Array(frame.bytes) : nil
        }
    }

    /// `packet` with a port or an echo's identifier, and no change to its transport's checksum.
    static func with(port: UInt16, at offset: Int, _ packet: Wire.Packet) -> Wire.Packet {
        var packet = packet
        packet.body.replaceSubrange(offset..<offset + 2, with: Wire.octets(port, 2))
        return packet
    }

    @Test("from a server: what it says of itself becomes the VIP's, with right checksums", arguments: [8, 9, 20, 700])
    func outward(length: Int) {
        for (isIPv6, packet) in [(false, Wire.Packet()), (true, .ipv6())] {
            let vip = packet.destination
            let server = isIPv6 ? Self.server.1 : Self.server.0
            for asClientSent in [packet.tcp(Wire.payload(length - 8)), packet.udp(Wire.payload(length))] {
                var asServerGot = asClientSent
                asServerGot.destination = server
                asServerGot = Self.with(port: 8080, at: 2, asServerGot)
                let count = (isIPv6 ? 40 : 20) + length
                let port: UInt16 = asClientSent.transport == 6 ? 80 : 53
                let input = Self.error(3, 3, 99, from: server, about: asServerGot, length: count)
                let expected = Self.error(3, 3, 99, from: vip, about: asClientSent, length: count)
                #expect(Self.translated(input.frame, .outward, to: vip, port: port) == expected.frame)
                #expect(Self.translated(input.frame + [7], .outward, to: vip, port: port) == expected.frame + [7])
            }
        }
    }

    @Test("to a server: what it sent in the VIP's name is quoted as it sent it")
    func inward() {
        for (isIPv6, packet) in [(false, Wire.Packet()), (true, .ipv6())] {
            let server = isIPv6 ? Self.server.1 : Self.server.0
            // The VIP's answer to the client: a router on the way there complains.
            var asSeenOutside = packet.udp(Wire.payload(30))
            (asSeenOutside.source, asSeenOutside.destination) = (packet.destination, packet.source)
            var asServerSent = asSeenOutside
            asServerSent.source = server
            asServerSent = Self.with(port: 8053, at: 0, asServerSent)
            let input = Self.error(3, 4, 1400, about: asSeenOutside)
            let expected = Self.error(3, 4, 1400, to: server, about: asServerSent)
            #expect(Self.translated(input.frame, .inward, to: server, port: 8053) == expected.frame)

            // An echo request of a server's, sent under another identifier.
            var echo = packet
            echo.transport = isIPv6 ? 58 : 1
            echo.body = [isIPv6 ? 128 : 8, 0, 0x12, 0x34, 0xAB, 0xCD, 0, 1]
            var asSent = Self.with(port: 77, at: 4, echo)
            asSent.source = server
            #expect(
                Self.translated(Self.error(11, 0, about: echo).frame, .inward, to: server, port: 77)
                    == Self.error(11, 0, to: server, about: asSent).frame)
        }
    }

    @Test("a partial ICMPv6 checksum stays the sum of the new pseudo-header")
    func partial() {
        var quoted = Wire.Packet.ipv6().udp([])
        quoted.destination = Self.server.1
        let input = Self.error(1, 4, from: Self.server.1, about: quoted).checked(.partial, at: 2)
        quoted.destination = Wire.Packet.ipv6().destination
        let expected = Self.error(1, 4, from: quoted.destination, about: quoted).checked(.partial, at: 2)
        #expect(
            Self.translated(input.frame, .outward, to: quoted.destination, port: 53, isPartial: true) == expected.frame)
    }

    @Test("a wrong ICMP checksum stays wrong by as much, and an address of the other family is not put in")
    func wrong() throws {
        var input = Self.error(3, 3, from: Self.server.0, about: Wire.Packet().udp([])).frame
        let right = try #require(Self.translated(input, .outward, to: Wire.mapped("192.0.2.99"), port: 1))
        input[36] ^= 0x40
        let wrong = try #require(Self.translated(input, .outward, to: Wire.mapped("192.0.2.99"), port: 1))
        let (a, b) = (Wire.sum(right[34...]), Wire.sum(wrong[34...]))
        #expect(a == 0xFFFF && b != 0xFFFF)
        #expect(Self.translated(input, .outward, to: Self.server.1, port: 1) == nil)
    }
}
