import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Source NAT beside services, and through changes")
struct OutboundChangeTests {
    typealias World = OutboundWorld
    typealias Flag = TestFrame.Flag

    @Test(
        "answers of a service's server still are the VIP's, and its own questions the outbound address's",
        arguments: OutboundWorld.both)
    func besideNAT(_ world: OutboundWorld) {
        var forwarder = world.forwarder(services: [world.service])
        let question = World.tcp(world.remote, 40001, world.vip, 80, flags: Flag.syn)
        #expect(forwarder.pass(World.outside(question)).verdict == .transmit(egress: 0))
        let reply = World.inside(11, World.tcp(world.server(11), 8080, world.remote, 40001, flags: Flag.syn | Flag.ack))
        let (verdict, bytes) = forwarder.pass(reply)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).ends == "\(world.end(world.vip, 80)) > \(world.end(world.remote, 40001))")
        #expect(ReceivedFrame(bytes).areChecksumsRight)
        let own = forwarder.pass(world.segment(Flag.syn))
        #expect(ReceivedFrame(own.bytes).ends == world.leaving(as: world.seen))
        #expect(forwarder.connections == [[1, 0]] && forwarder.outboundStatistics()[0].activeConnections == 1)
        // What is neither does not leave as it is.
        let stray = World.inside(11, World.tcp(world.server(11), 8080, world.remote, 40002, flags: Flag.ack))
        #expect(forwarder.pass(stray).verdict == .drop(.noFlow))
    }

    @Test(
        "the outbound address may be a VIP: its service's port is the service's, the others are the servers'",
        arguments: OutboundWorld.both)
    func vipAsAddress(_ world: OutboundWorld) {
        var forwarder = world.forwarder(world.outbound(address: world.vip), services: [world.service])
        let own = forwarder.pass(world.segment(Flag.syn))
        #expect(ReceivedFrame(own.bytes).ends == world.leaving(as: world.vip))
        let back = forwarder.pass(world.answer(Flag.syn | Flag.ack, to: world.vip))
        #expect(
            ReceivedFrame(back.bytes).ends == "\(world.end(world.remote, 80)) > \(world.end(world.server(11), 40001))")
        let client = World.outside(World.tcp(world.remote, 80, world.vip, 80, flags: Flag.syn))
        #expect(
            ReceivedFrame(forwarder.pass(client).bytes).ends
                == "\(world.end(world.remote, 80)) > \(world.end(world.server(11), 8080))")
        let stray = forwarder.pass(world.answer(Flag.syn, to: world.vip, 40009))
        #expect(stray.verdict == .drop(.noService))
    }

    @Test(
        "a flow outlives everything of its rule but its address: other ports, other networks beside, other routes",
        arguments: OutboundWorld.both)
    func keptThroughChanges(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        for flags in [Flag.syn, Flag.ack] { _ = forwarder.pass(world.segment(flags)) }
        var changed = world.outbound(ports: 2000...3000, sources: [world.network(9), world.network(0)])
        changed.routes[0].hop = .router(
            egress: 1, LinkStation(egress: 1, source: World.mac(2), destination: World.mac(0xFD)))
        changed.rules.insert(
            .init(
                sources: [World.prefix(world.network(7))], address: World.address(world.onLink(6)), ports: 1024...65535),
            at: 0)
        forwarder.apply([], outbound: changed, now: .seconds(2))
        let (verdict, bytes) = forwarder.pass(world.segment(Flag.ack), at: 3)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).ends == world.leaving(as: world.seen) && bytes[5] == 0xFD)
        #expect(forwarder.pass(world.answer(Flag.ack), at: 3).verdict == .transmit(egress: 0))
        #expect(forwarder.outboundStatistics().map(\.activeConnections) == [0, 1])
        #expect(forwarder.outboundStatistics().map(\.connections) == [0, 1], "counters go on too")
        #expect((2000...3000).contains(forwarder.portSeen(of: world.segment(Flag.syn, 40002), at: 3) ?? 0))
    }

    @Test(
        "with another address what was open is cut, and a SYN opens anew; back in time, it goes on",
        arguments: OutboundWorld.both)
    func anotherAddress(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        for flags in [Flag.syn, Flag.ack] { _ = forwarder.pass(world.segment(flags)) }
        let old = world.outbound()
        forwarder.apply([], outbound: world.outbound(address: world.onLink(6)), now: .seconds(2))
        #expect(forwarder.pass(world.answer(Flag.ack), at: 3).verdict == .notOurs, "nobody's address now")
        forwarder.apply([], outbound: old, now: .seconds(3))
        #expect(forwarder.pass(world.segment(Flag.ack), at: 3).verdict == .transmit(egress: 1))
        forwarder.apply([], outbound: world.outbound(address: world.onLink(6)), now: .seconds(4))
        #expect(forwarder.pass(world.segment(Flag.ack), at: 4).verdict == .drop(.noFlow))
        let (verdict, bytes) = forwarder.pass(world.segment(Flag.syn), at: 4)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).ends == world.leaving(as: world.onLink(6)))
        #expect(forwarder.flowCount == 1 && forwarder.outboundStatistics()[0].activeConnections == 1)
    }

    @Test("without rules nothing of it is left but what is forgotten in time", arguments: OutboundWorld.both)
    func removed(_ world: OutboundWorld) {
        var forwarder = world.forwarder()
        _ = forwarder.pass(world.segment(Flag.syn))
        forwarder.apply([], now: .seconds(2))
        #expect(forwarder.pass(world.segment(Flag.ack), at: 3).verdict == .notOurs)
        #expect(forwarder.pass(world.answer(Flag.ack), at: 3).verdict == .notOurs)
        #expect(forwarder.outboundStatistics().isEmpty && forwarder.flowCount == 1)
        forwarder.expire(now: .seconds(100), budget: 10)
        #expect(forwarder.flowCount == 0)
        #expect(forwarder.board.servers.taken.isEmpty)
    }
}

extension OutboundWorld {
    /// A server's segment to the world, and one back.
    func segment(_ flags: UInt8, _ port: UInt16 = 40001, from host: UInt8 = 11) -> [UInt8] {
        Self.inside(host, Self.tcp(server(host), port, remote, 80, flags: flags))
    }

    func answer(_ flags: UInt8, to address: String? = nil, _ port: UInt16 = 40001) -> [UInt8] {
        Self.outside(Self.tcp(remote, 80, address ?? seen, port, flags: flags))
    }

    /// The ends of what a server sends from its port 40001 to port 80 of the world, as it is seen.
    func leaving(as address: String) -> String { "\(end(address, 40001)) > \(end(remote, 80))" }

    /// How an end is written.
    func end(_ address: String, _ port: UInt16) -> String { isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
