import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Source NAT")
struct OutboundTests {
    typealias World = OutboundWorld
    typealias Flag = TestFrame.Flag
    static let remote = World.remote

    static func syn(_ host: UInt8, _ port: UInt16 = 40001, to remote: String = World.remote, _ remotePort: UInt16 = 80)
        -> [UInt8]
    {
        World.inside(host, World.tcp("10.0.0.\(host)", port, remote, remotePort, flags: Flag.syn))
    }

    @Test("partial checksums stay partial, both ways, and super-packets whole")
    func partial() {
        var forwarder = World.forwarder()
        let data = Wire.payload(5000)
        let sent = World.tcp("10.0.0.11", 40001, Self.remote, 80, flags: Flag.ack, data, .partial)
        _ = forwarder.pass(Self.syn(11))
        let (verdict, bytes) = forwarder.pass(World.inside(11, sent), isPartial: true, segmentSize: 1400)
        #expect(verdict == .transmit(egress: 1))
        var seen = World.tcp("203.0.113.5", 40001, Self.remote, 80, flags: Flag.ack, data, .partial)
        seen.timeToLive = 63
        #expect(bytes == World.frame(to: 0xFE, from: 2, seen))

        let answer = World.udp(Self.remote, 53, "203.0.113.5", 5353, [7], .partial)
        _ = forwarder.pass(World.inside(12, World.udp("10.0.0.12", 5353, Self.remote, 53)))
        let (back, inner) = forwarder.pass(World.outside(answer), isPartial: true)
        var expected = World.udp(Self.remote, 53, "10.0.0.12", 5353, [7], .partial)
        expected.timeToLive = 63
        #expect(back == .transmit(egress: 0))
        #expect(inner == World.frame(to: 12, from: 1, expected))
    }

    @Test("a port stays where it is free and in the range, and serves any number of remote ends")
    func ports() {
        var forwarder = World.forwarder()
        #expect(forwarder.portSeen(of: Self.syn(11)) == 40001)
        let other = forwarder.portSeen(of: Self.syn(12)) ?? 0
        #expect(other != 40001 && other >= 1024)
        #expect(forwarder.portSeen(of: Self.syn(12)) == other, "the flow's, from then on")
        #expect(forwarder.portSeen(of: Self.syn(12, to: "198.51.100.8")) == 40001, "to another host")
        #expect(forwarder.portSeen(of: Self.syn(12, 40001, 81)) == 40001, "to another port")
        let low = forwarder.portSeen(of: Self.syn(11, 22)) ?? 0
        #expect(low >= 1024, "a port outside the range is none to keep")
        // Echoes: any identifier, and another one for the second.
        #expect(forwarder.portSeen(of: World.inside(11, World.echo("10.0.0.11", Self.remote, 8, 7))) == 7)
        let second = forwarder.portSeen(of: World.inside(12, World.echo("10.0.0.12", Self.remote, 8, 7))) ?? 7
        #expect(second != 7)
        let reply = forwarder.pass(World.outside(World.echo(Self.remote, "203.0.113.5", 0, second)))
        #expect(reply.verdict == .transmit(egress: 0))
        #expect(reply.bytes[5] == 12 && reply.bytes[38...39] == [0, 7] && Wire.sum(reply.bytes[34...]) == 0xFFFF)
    }

    @Test("when all ports towards one end are taken the next is dropped and counted; none open is given up for it")
    func exhaustion() {
        var forwarder = World.forwarder(World.outbound(ports: 50000...50003))
        let taken = (1...4).compactMap { forwarder.portSeen(of: Self.syn(11, UInt16($0))) }
        #expect(Set(taken) == Set(50000...50003))
        for host in UInt8(11)...14 {
            #expect(forwarder.pass(Self.syn(host, 99)).verdict == .drop(.portsExhausted))
        }
        #expect(forwarder.drops[.portsExhausted] == 4 && forwarder.flowCount == 4)
        #expect(forwarder.portSeen(of: Self.syn(11, 99, to: "198.51.100.8")) != nil, "another end has all of them")
        for (index, port) in taken.enumerated() {
            let answer = World.tcp(Self.remote, 80, "203.0.113.5", port, flags: Flag.syn | Flag.ack)
            let (verdict, bytes) = forwarder.pass(World.outside(answer))
            #expect(verdict == .transmit(egress: 0) && bytes[36...37] == [0, UInt8(index + 1)])
        }
        // SYN_RECV is forgotten after 60 s, and makes room.
        #expect(forwarder.portSeen(of: Self.syn(12, 99), at: 62) != nil)
    }

    @Test("a full table gives a new flow the place of a question, never that of an open connection")
    func fullTable() {
        var forwarder = World.forwarder(capacity: 3)
        for port in UInt16(1001)...1002 {
            _ = forwarder.pass(Self.syn(11, port))
            _ = forwarder.pass(World.inside(11, World.tcp("10.0.0.11", port, Self.remote, 80, flags: Flag.ack)))
        }
        _ = forwarder.pass(World.inside(11, World.echo("10.0.0.11", Self.remote, 8, 7)))
        #expect(forwarder.outboundStatistics()[0].activeConnections == 2)
        #expect(forwarder.pass(Self.syn(11, 1003)).verdict == .transmit(egress: 1))
        _ = forwarder.pass(World.inside(11, World.tcp("10.0.0.11", 1003, Self.remote, 80, flags: Flag.ack)))
        #expect(forwarder.pass(Self.syn(11, 1004)).verdict == .drop(.tableFull))
        #expect(forwarder.outboundStatistics()[0].activeConnections == 3)
    }

    @Test("a connection is remembered by its state, a question for 30 s, a conversation as long as UDP is")
    func timeouts() {
        var forwarder = World.forwarder()
        let question = World.inside(11, World.udp("10.0.0.11", 5353, Self.remote, 53))
        let answer = World.outside(World.udp(Self.remote, 53, "203.0.113.5", 5353))
        _ = forwarder.pass(question)
        #expect(Self.states(forwarder) == ["QUERY 30000"])
        _ = forwarder.pass(answer)
        #expect(Self.states(forwarder) == ["QUERY 30000"], "asked and answered")
        _ = forwarder.pass(question)
        #expect(Self.states(forwarder) == ["UDP 300000"], "and on")
        forwarder.expire(now: .seconds(400), budget: 10)
        #expect(forwarder.pass(answer, at: 400).verdict == .drop(.noService))

        let segment = { (flags: UInt8) in
            World.inside(11, World.tcp("10.0.0.11", 40001, Self.remote, 80, flags: flags))
        }
        let reply = { (flags: UInt8) in
            World.outside(World.tcp(Self.remote, 80, "203.0.113.5", 40001, flags: flags))
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

    @Test("one opened it is listed: the server, what the world sees, the world")
    func listing() {
        var forwarder = World.forwarder(World.outbound(ports: 50000...50000))
        _ = forwarder.pass(Self.syn(11))
        let end = { (text: String, port: UInt16) in
            Connection.End(address: Wire.mapped(text).narrow, port: port)
        }
        #expect(
            ListingTests.all(forwarder, budget: 1000) == [
                Connection(
                    transport: 6, state: "SYN_RECV", expires: 60_000, idle: 0, source: end("10.0.0.11", 40001),
                    virtual: end("203.0.113.5", 50000), destination: end(Self.remote, 80))
            ])
    }

    @Test("to somebody on the director's own link it goes by his own MAC, which is asked for first")
    func onLink() {
        var forwarder = World.forwarder()
        let frame = Self.syn(11, to: "203.0.113.77")
        let (asked, untouched) = forwarder.pass(frame)
        #expect(asked == .unresolved(egress: 1, World.neighbor) && untouched == frame)
        #expect(forwarder.drops[.nextHopUnresolved] == 1 && forwarder.flowCount == 0)
        forwarder.learn(.v4(World.neighbor), on: 1, at: World.mac(0x77), now: .seconds(2))
        let (verdict, bytes) = forwarder.pass(frame, at: 3)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).macs == "02:00:00:00:00:02 > 02:00:00:00:00:77")
        #expect(forwarder.lastUse(of: .v4(World.neighbor), on: 1) == .seconds(3))
        forwarder.forget(.v4(World.neighbor), on: 1)
        #expect(forwarder.pass(frame, at: 4).verdict == .unresolved(egress: 1, World.neighbor))
        #expect(forwarder.lastUse(of: .v4(World.neighbor), on: 1) == nil)
    }

    @Test("without a way nothing leaves: no route, another interface's, a router whose MAC is not known")
    func noWay() {
        var forwarder = World.forwarder(World.outbound(router: nil))
        #expect(forwarder.pass(Self.syn(11)).verdict == .drop(.nextHopUnresolved))
        #expect(forwarder.pass(Self.syn(11, to: "172.17.0.9")).verdict == .drop(.noRoute))
        var outbound = World.outbound()
        outbound.routes.removeFirst()
        forwarder.apply([], outbound: outbound, now: .seconds(1))
        #expect(forwarder.pass(Self.syn(11)).verdict == .drop(.noRoute))
        #expect(forwarder.flowCount == 0)
    }

    @Test(
        "too long for the way to the world: said in the outbound address's name, cut where it may be, segments counted")
    func tooLong() {
        var forwarder = World.forwarder(World.outbound(mtu: 1400))
        _ = forwarder.pass(Self.syn(11))
        let long = World.inside(
            11, World.tcp("10.0.0.11", 40001, Self.remote, 80, flags: Flag.ack, Wire.payload(1400)))
        #expect(forwarder.pass(long).verdict == .tooBig(mtu: 1400))
        let answerer = withFrame(long) { forwarder.answerer(of: $0) }
        #expect(answerer == .v4(World.address))
        let datagram = World.inside(11, World.udp("10.0.0.11", 5353, Self.remote, 53, Wire.payload(1400)))
        #expect(forwarder.pass(datagram).verdict == .split(limit: 1400))
        let packet = World.tcp("10.0.0.11", 40001, Self.remote, 80, flags: Flag.ack, Wire.payload(4000))
        #expect(forwarder.pass(World.inside(11, packet), segmentSize: 1360).verdict == .transmit(egress: 1))
        #expect(forwarder.pass(World.inside(11, packet), segmentSize: 1361).verdict == .tooBig(mtu: 1400))
        // And the other way: 1,500 bytes are too long for nobody, whatever the world's link takes.
        let answer = World.tcp(Self.remote, 80, "203.0.113.5", 40001, flags: Flag.ack, Wire.payload(1460))
        #expect(forwarder.pass(World.outside(answer)).verdict == .transmit(egress: 0))
        let more = World.tcp(Self.remote, 80, "203.0.113.5", 40001, flags: Flag.ack, Wire.payload(1461))
        #expect(forwarder.pass(World.outside(more)).verdict == .tooBig(mtu: 1500))
        let none = withFrame(World.outside(more)) { forwarder.answerer(of: $0) }
        #expect(none == nil, "in its destination's name")
    }

    @Test("a TTL that has run out is told to whoever sent it, an echo's too, in the outbound address's name")
    func timeExceeded() throws {
        var forwarder = World.forwarder()
        for var packet in [
            World.tcp("10.0.0.11", 40001, Self.remote, 80, flags: Flag.syn),
            World.echo("10.0.0.11", Self.remote, 8, 1),
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
            #expect(Array(answer[26..<34]) == [203, 0, 113, 5, 10, 0, 0, 11])
            #expect(answer[34] == 11 && Wire.sum(answer[34..<length]) == 0xFFFF)
        }
        #expect(forwarder.flowCount == 0 && forwarder.drops.timeExceeded == 2)
    }

    @Test("answers go to the station that the server's packets come from now, which must be on the servers' side")
    func stations() {
        var forwarder = World.forwarder()
        _ = forwarder.pass(Self.syn(11))
        let answer = World.outside(World.tcp(Self.remote, 80, "203.0.113.5", 40001, flags: Flag.ack))
        #expect(forwarder.pass(answer).bytes[5] == 11)
        let segment = World.tcp("10.0.0.11", 40001, Self.remote, 80, flags: Flag.ack)
        #expect(forwarder.pass(World.inside(0x99, segment)).verdict == .transmit(egress: 1))
        #expect(forwarder.pass(answer).bytes[5] == 0x99, "behind another router now")
        #expect(forwarder.pass(World.outside(segment, from: 0x66)).verdict == .drop(.martian), "from the world")
        #expect(forwarder.pass(answer).bytes[5] == 0x99)
        let opened = World.tcp("10.0.0.11", 40002, Self.remote, 80, flags: Flag.syn)
        #expect(forwarder.pass(World.outside(opened, from: 0x66)).verdict == .drop(.martian))
        #expect(forwarder.flowCount == 1)
    }

    @Test("none of its business: groups, link-local addresses, the servers' own networks, the host's own addresses")
    func notOutside() {
        var forwarder = World.forwarder(World.outbound(sources: ["10.0.0.0/24", "10.0.8.0/24"]))
        for destination in [
            "224.0.0.18", "255.255.255.255", "169.254.1.1", "127.0.0.1", "10.0.0.7", "10.0.8.7", "10.0.0.1",
            "203.0.113.2",
        ] {
            let frame = Self.syn(11, to: destination)
            let (verdict, bytes) = forwarder.pass(frame)
            #expect(verdict == .notOurs && bytes == frame, "\(destination)")
        }
        let stranger = World.inside(11, World.tcp("10.0.1.11", 1, Self.remote, 80, flags: Flag.syn))
        #expect(forwarder.pass(stranger).verdict == .notOurs, "in no network of the rule's")
        #expect(forwarder.drops.total == 0 && forwarder.flowCount == 0)
    }

    @Test("an echo to the outbound address is answered")
    func pingFromOutside() {
        var forwarder = World.forwarder()
        let (verdict, bytes) = forwarder.pass(World.outside(World.echo(Self.remote, "203.0.113.5", 8, 3)))
        #expect(verdict == .transmit(egress: 1) && bytes[34] == 0 && Wire.sum(bytes[34...]) == 0xFFFF)
        #expect(forwarder.flowCount == 0)
    }
}
