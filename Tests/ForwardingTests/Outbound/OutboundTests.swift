import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Source NAT")
struct OutboundTests {
    typealias World = OutboundWorld
    typealias Flag = TestFrame.Flag

    @Test("partial checksums stay partial, both ways, and super-packets whole", arguments: OutboundWorld.both)
    func partial(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        let data = Wire.payload(5000)
        let sent = World.tcp(world.server(11), 40001, world.remote, 80, flags: Flag.ack, data, .partial)
        _ = forwarder.pass(world.syn(11))
        let (verdict, bytes) = forwarder.pass(World.inside(11, sent), isPartial: true, segmentSize: 1400)
        #expect(verdict == .transmit(egress: 1))
        var seen = World.tcp(world.seen, 40001, world.remote, 80, flags: Flag.ack, data, .partial)
        seen.timeToLive = 63
        #expect(bytes == World.frame(to: 0xFE, from: 2, seen))

        let answer = World.udp(world.remote, 53, world.seen, 5353, [7], .partial)
        _ = forwarder.pass(World.inside(12, World.udp(world.server(12), 5353, world.remote, 53)))
        let (back, inner) = forwarder.pass(World.outside(answer), isPartial: true)
        var expected = World.udp(world.remote, 53, world.server(12), 5353, [7], .partial)
        expected.timeToLive = 63
        #expect(back == .transmit(egress: 0))
        #expect(inner == World.frame(to: 12, from: 1, expected))
    }

    @Test(
        "a port stays where it is free and in the range, and serves any number of remote ends",
        arguments: OutboundWorld.both)
    func ports(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        #expect(forwarder.portSeen(of: world.syn(11)) == 40001)
        let other = forwarder.portSeen(of: world.syn(12)) ?? 0
        #expect(other != 40001 && other >= 1024)
        #expect(forwarder.portSeen(of: world.syn(12)) == other, "the flow's, from then on")
        #expect(forwarder.portSeen(of: world.syn(12, to: world.far(8))) == 40001, "to another host")
        #expect(forwarder.portSeen(of: world.syn(12, 40001, 81)) == 40001, "to another port")
        let low = forwarder.portSeen(of: world.syn(11, 22)) ?? 0
        #expect(low >= 1024, "a port outside the range is none to keep")
        // Echoes: any identifier, and another one for the second.
        #expect(forwarder.portSeen(of: World.inside(11, World.echo(world.server(11), world.remote, 7))) == 7)
        let second = forwarder.portSeen(of: World.inside(12, World.echo(world.server(12), world.remote, 7))) ?? 7
        #expect(second != 7)
        let reply = forwarder.pass(World.outside(World.echo(world.remote, world.seen, second, isReply: true)))
        #expect(reply.verdict == .transmit(egress: 0))
        var expected = World.echo(world.remote, world.server(12), 7, isReply: true)
        expected.timeToLive = 63
        #expect(reply.bytes == World.frame(to: 12, from: 1, expected))
    }

    @Test(
        "when all ports towards one end are taken the next is dropped and counted; none open is given up for it",
        arguments: OutboundWorld.both)
    func exhaustion(_ world: OutboundWorld) {
        var forwarder = world.forwarder(world.outbound(ports: 50000...50003))
        let taken = (1...4).compactMap { forwarder.portSeen(of: world.syn(11, UInt16($0))) }
        #expect(Set(taken) == Set(50000...50003))
        for host in UInt8(11)...14 {
            #expect(forwarder.pass(world.syn(host, 99)).verdict == .drop(.portsExhausted))
        }
        #expect(forwarder.drops[.portsExhausted] == 4 && forwarder.flowCount == 4)
        #expect(forwarder.portSeen(of: world.syn(11, 99, to: world.far(8))) != nil, "another end has all of them")
        for (index, port) in taken.enumerated() {
            let answer = World.tcp(world.remote, 80, world.seen, port, flags: Flag.syn | Flag.ack)
            let (verdict, bytes) = forwarder.pass(World.outside(answer))
            #expect(verdict == .transmit(egress: 0))
            #expect(ReceivedFrame(bytes).ends.hasSuffix(world.end(world.server(11), UInt16(index + 1))))
        }
        // SYN_RECV is forgotten after 60 s, and makes room.
        #expect(forwarder.portSeen(of: world.syn(12, 99), at: 62) != nil)
    }

    @Test(
        "a full table gives a new flow the place of a question, never that of an open connection",
        arguments: OutboundWorld.both)
    func fullTable(_ world: OutboundWorld) {
        var forwarder = world.forwarder(capacity: 3)
        for port in UInt16(1001)...1002 {
            _ = forwarder.pass(world.syn(11, port))
            _ = forwarder.pass(World.inside(11, World.tcp(world.server(11), port, world.remote, 80, flags: Flag.ack)))
        }
        _ = forwarder.pass(World.inside(11, World.echo(world.server(11), world.remote, 7)))
        #expect(forwarder.outboundStatistics()[0].activeConnections == 2)
        #expect(forwarder.pass(world.syn(11, 1003)).verdict == .transmit(egress: 1))
        _ = forwarder.pass(World.inside(11, World.tcp(world.server(11), 1003, world.remote, 80, flags: Flag.ack)))
        #expect(forwarder.pass(world.syn(11, 1004)).verdict == .drop(.tableFull))
        #expect(forwarder.outboundStatistics()[0].activeConnections == 3)
    }

    @Test(
        "a connection is remembered by its state, a question for 30 s, a conversation as long as UDP is",
        arguments: OutboundWorld.both)
    func timeouts(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        let question = World.inside(11, World.udp(world.server(11), 5353, world.remote, 53))
        let answer = World.outside(World.udp(world.remote, 53, world.seen, 5353))
        _ = forwarder.pass(question)
        #expect(Self.states(forwarder) == ["QUERY 30000"])
        _ = forwarder.pass(answer)
        #expect(Self.states(forwarder) == ["QUERY 30000"], "asked and answered")
        _ = forwarder.pass(question)
        #expect(Self.states(forwarder) == ["UDP 300000"], "and on")
        forwarder.expire(now: .seconds(400), budget: 10)
        #expect(forwarder.pass(answer, at: 400).verdict == .drop(.noService))

        let segment = { (flags: UInt8) in
            World.inside(11, World.tcp(world.server(11), 40001, world.remote, 80, flags: flags))
        }
        let reply = { (flags: UInt8) in
            World.outside(World.tcp(world.remote, 80, world.seen, 40001, flags: flags))
        }
        for (frame, expected) in [
            (segment(Flag.syn), "SYN_RECV 60000"), (reply(Flag.syn | Flag.ack), "SYN_RECV 60000"),
            (segment(Flag.ack), "ESTABLISHED 900000"), (reply(Flag.ack), "ESTABLISHED 900000"),
            (segment(Flag.fin | Flag.ack), "CLOSE_WAIT 60000"), (reply(Flag.fin | Flag.ack), "TIME_WAIT 120000"),
            (segment(Flag.ack), "TIME_WAIT 120000"),
            // The same ends again: another connection, by the same port.
            (segment(Flag.syn), "SYN_RECV 60000"), (reply(Flag.rst), "CLOSE 10000"),
        ] {
            _ = forwarder.pass(frame, at: 401)
            #expect(Self.states(forwarder) == [expected])
        }
    }

    /// The states of what is remembered, and when it is forgotten.
    static func states(_ forwarder: borrowing Forwarder) -> [String] {
        ListingTests.all(forwarder, budget: 1000).map { "\($0.state) \($0.expires)" }
    }

    @Test("one opened it is listed: the server, what the world sees, the world", arguments: OutboundWorld.both)
    func listing(_ world: OutboundWorld) {
        var forwarder = world.forwarder(world.outbound(ports: 50000...50000))
        _ = forwarder.pass(world.syn(11))
        let end = { (text: String, port: UInt16) in
            Connection.End(address: Wire.mapped(text).narrow, port: port)
        }
        #expect(
            ListingTests.all(forwarder, budget: 1000) == [
                Connection(
                    transport: 6, state: "SYN_RECV", expires: 60_000, idle: 0, source: end(world.server(11), 40001),
                    virtual: end(world.seen, 50000), destination: end(world.remote, 80))
            ])
    }

    @Test(
        "to somebody on the director's own link it goes by his own MAC, which is asked for first",
        arguments: OutboundWorld.both)
    func onLink(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        let frame = world.syn(11, to: world.onLink(77))
        let (asked, untouched) = forwarder.pass(frame)
        #expect(asked == .unresolved(egress: 1, world.neighbor) && untouched == frame)
        #expect(forwarder.drops[.nextHopUnresolved] == 1 && forwarder.flowCount == 0)
        forwarder.learn(world.neighbor, on: 1, at: World.mac(0x77), now: .seconds(2))
        let (verdict, bytes) = forwarder.pass(frame, at: 3)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).macs == "02:00:00:00:00:02 > 02:00:00:00:00:77")
        #expect(forwarder.lastUse(of: world.neighbor, on: 1) == .seconds(3))
        forwarder.forget(world.neighbor, on: 1)
        #expect(forwarder.pass(frame, at: 4).verdict == .unresolved(egress: 1, world.neighbor))
        #expect(forwarder.lastUse(of: world.neighbor, on: 1) == nil)
    }

    @Test(
        "without a way nothing leaves: no route, another interface's, a router whose MAC is not known",
        arguments: OutboundWorld.both)
    func noWay(_ world: OutboundWorld) {
        var forwarder = world.forwarder(world.outbound(router: nil))
        #expect(forwarder.pass(world.syn(11)).verdict == .drop(.nextHopUnresolved))
        #expect(forwarder.pass(world.syn(11, to: world.elsewhereHost)).verdict == .drop(.noRoute))
        var outbound = world.outbound()
        outbound.routes.removeFirst()
        forwarder.apply([], outbound: outbound, now: .seconds(1))
        #expect(forwarder.pass(world.syn(11)).verdict == .drop(.noRoute))
        #expect(forwarder.flowCount == 0)
    }

    @Test(
        "too long for the way to the world: said in the outbound address's name, cut where it may be, segments counted",
        arguments: OutboundWorld.both)
    func tooLong(_ world: OutboundWorld) {
        var forwarder = world.forwarder(world.outbound(mtu: 1400))
        _ = forwarder.pass(world.syn(11))
        let long = World.inside(
            11, World.tcp(world.server(11), 40001, world.remote, 80, flags: Flag.ack, Wire.payload(1400)))
        #expect(forwarder.pass(long).verdict == .tooBig(mtu: 1400))
        let answerer = withFrame(long) { forwarder.answerer(of: $0) }
        #expect(answerer == World.address(world.seen))
        let datagram = World.inside(11, World.udp(world.server(11), 5353, world.remote, 53, Wire.payload(1400)))
        #expect(forwarder.pass(datagram).verdict == (world.isIPv6 ? .tooBig(mtu: 1400) : .split(limit: 1400)))
        let packet = World.tcp(world.server(11), 40001, world.remote, 80, flags: Flag.ack, Wire.payload(4000))
        let fits = 1400 - world.headers
        #expect(forwarder.pass(World.inside(11, packet), segmentSize: fits).verdict == .transmit(egress: 1))
        #expect(forwarder.pass(World.inside(11, packet), segmentSize: fits + 1).verdict == .tooBig(mtu: 1400))
        // And the other way: 1,500 bytes are too long for nobody, whatever the world's link takes.
        let answer = World.tcp(world.remote, 80, world.seen, 40001, flags: Flag.ack, Wire.payload(1500 - world.headers))
        #expect(forwarder.pass(World.outside(answer)).verdict == .transmit(egress: 0))
        let more = World.tcp(world.remote, 80, world.seen, 40001, flags: Flag.ack, Wire.payload(1501 - world.headers))
        #expect(forwarder.pass(World.outside(more)).verdict == .tooBig(mtu: 1500))
        let none = withFrame(World.outside(more)) { forwarder.answerer(of: $0) }
        #expect(none == nil, "in its destination's name")
    }

    @Test(
        "a TTL that has run out is told to whoever sent it, an echo's too, in the outbound address's name",
        arguments: OutboundWorld.both)
    func timeExceeded(_ world: OutboundWorld) throws {
        var forwarder = world.forwarder()
        for var packet in [
            World.tcp(world.server(11), 40001, world.remote, 80, flags: Flag.syn),
            World.echo(world.server(11), world.remote, 1),
        ] {
            packet.timeToLive = 1
            let frame = World.inside(11, packet)
            #expect(forwarder.pass(frame).verdict == .timeExceeded)
            var answer = [UInt8](repeating: 0, count: ICMPError.longestFrame)
            let written = withFrame(frame) { frame in
                answer.withUnsafeMutableBytes {
                    ICMPError.timeExceeded.write(
                        about: UnsafeRawBufferPointer(frame.bytes), from: forwarder.answerer(of: frame), into: $0)
                }
            }
            let length = try #require(written)
            // Of an error whose quote is all of the packet, independently of what wrote it.
            var error = packet
            (error.source, error.destination) = (Wire.mapped(world.seen), Wire.mapped(world.server(11)))
            error = error.icmp(world.isIPv6 ? 3 : 11, 0, 0, quoting: packet.bytes)
            #expect(Array(answer[..<length]).suffix(error.body.count) == error.body[...])
            #expect(ReceivedFrame(answer).areChecksumsRight)
        }
        #expect(forwarder.flowCount == 0 && forwarder.drops.timeExceeded == 2)
    }

    @Test(
        "answers go to the station that the server's packets come from now, which must be on the servers' side",
        arguments: OutboundWorld.both)
    func stations(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        _ = forwarder.pass(world.syn(11))
        let answer = World.outside(World.tcp(world.remote, 80, world.seen, 40001, flags: Flag.ack))
        #expect(forwarder.pass(answer).bytes[5] == 11)
        let segment = World.tcp(world.server(11), 40001, world.remote, 80, flags: Flag.ack)
        #expect(forwarder.pass(World.inside(0x99, segment)).verdict == .transmit(egress: 1))
        #expect(forwarder.pass(answer).bytes[5] == 0x99, "behind another router now")
        #expect(forwarder.pass(World.outside(segment, from: 0x66)).verdict == .drop(.martian), "from the world")
        #expect(forwarder.pass(answer).bytes[5] == 0x99)
        let opened = World.tcp(world.server(11), 40002, world.remote, 80, flags: Flag.syn)
        #expect(forwarder.pass(World.outside(opened, from: 0x66)).verdict == .drop(.martian))
        #expect(forwarder.flowCount == 1)
    }

    @Test(
        "none of its business: groups, link-local addresses, the servers' own networks, the host's own addresses",
        arguments: OutboundWorld.both)
    func notOutside(_ world: OutboundWorld) {
        var forwarder = world.forwarder(world.outbound(sources: [world.network(0), world.network(8)]))
        let nobodys =
            world.isIPv6
            ? ["ff02::12", "ff0e::1", "fe80::1", "::1", "::"]
            : ["224.0.0.18", "255.255.255.255", "169.254.1.1", "127.0.0.1"]
        for destination in nobodys + [
            world.server(7), world.host(7, in: 8), world.server(1), world.onLink(2),
        ] {
            let frame = world.syn(11, to: destination)
            let (verdict, bytes) = forwarder.pass(frame)
            #expect(verdict == .notOurs && bytes == frame, "\(destination)")
        }
        let stranger = World.inside(11, World.tcp(world.host(11, in: 1), 1, world.remote, 80, flags: Flag.syn))
        #expect(forwarder.pass(stranger).verdict == .notOurs, "in no network of the rule's")
        #expect(forwarder.drops.total == 0 && forwarder.flowCount == 0)
    }

    @Test("an echo to the outbound address is answered", arguments: OutboundWorld.both)
    func pingFromOutside(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        let (verdict, bytes) = forwarder.pass(World.outside(World.echo(world.remote, world.seen, 3)))
        var expected = World.echo(world.seen, world.remote, 3, isReply: true)
        if world.isIPv6 { expected.timeToLive = 64 }
        #expect(verdict == .transmit(egress: 1) && bytes == World.frame(to: 0xFE, from: 2, expected))
        #expect(forwarder.flowCount == 0)
    }
}

extension OutboundWorld {
    /// A server's SYN to the world.
    func syn(_ host: UInt8, _ port: UInt16 = 40001, to remote: String? = nil, _ remotePort: UInt16 = 80) -> [UInt8] {
        Self.inside(host, Self.tcp(server(host), port, remote ?? self.remote, remotePort, flags: TestFrame.Flag.syn))
    }
}
