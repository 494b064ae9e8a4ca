import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Source NAT beside services, and through changes")
struct OutboundChangeTests {
    typealias World = OutboundWorld
    typealias Flag = TestFrame.Flag
    static let remote = World.remote

    static func segment(_ flags: UInt8, _ port: UInt16 = 40001, from host: UInt8 = 11) -> [UInt8] {
        World.inside(host, World.tcp("10.0.0.\(host)", port, remote, 80, flags: flags))
    }

    static func answer(_ flags: UInt8, to address: String = "203.0.113.5", _ port: UInt16 = 40001) -> [UInt8] {
        World.outside(World.tcp(remote, 80, address, port, flags: flags))
    }

    /// 192.0.2.10:80 translated to 10.0.0.11:8080.
    static let service: VirtualService = {
        var server = RealServer.nat(11, port: 8080)
        server.station = LinkStation(egress: 0, source: World.mac(1), destination: World.mac(0x11))
        return .web([server])
    }()

    @Test("answers of a service's server still are the VIP's, and its own questions the outbound address's")
    func besideNAT() {
        var forwarder = World.forwarder(services: [Self.service])
        let question = World.tcp(Self.remote, 40001, "192.0.2.10", 80, flags: Flag.syn)
        #expect(forwarder.pass(World.outside(question)).verdict == .transmit(egress: 0))
        let reply = World.inside(11, World.tcp("10.0.0.11", 8080, Self.remote, 40001, flags: Flag.syn | Flag.ack))
        let (verdict, bytes) = forwarder.pass(reply)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).ends == "192.0.2.10:80 > 198.51.100.7:40001")
        #expect(ReceivedFrame(bytes).areChecksumsRight)
        let own = forwarder.pass(Self.segment(Flag.syn))
        #expect(ReceivedFrame(own.bytes).ends == "203.0.113.5:40001 > 198.51.100.7:80")
        #expect(forwarder.connections == [[1, 0]] && forwarder.outboundStatistics()[0].activeConnections == 1)
        // What is neither does not leave as it is.
        let stray = World.inside(11, World.tcp("10.0.0.11", 8080, Self.remote, 40002, flags: Flag.ack))
        #expect(forwarder.pass(stray).verdict == .drop(.noFlow))
    }

    @Test("the outbound address may be a VIP: its service's port is the service's, the others are the servers'")
    func vipAsAddress() {
        var forwarder = World.forwarder(World.outbound(address: IPv4Address(192, 0, 2, 10)), services: [Self.service])
        let own = forwarder.pass(Self.segment(Flag.syn))
        #expect(ReceivedFrame(own.bytes).ends == "192.0.2.10:40001 > 198.51.100.7:80")
        let back = forwarder.pass(Self.answer(Flag.syn | Flag.ack, to: "192.0.2.10"))
        #expect(ReceivedFrame(back.bytes).ends == "198.51.100.7:80 > 10.0.0.11:40001")
        let client = World.outside(World.tcp(Self.remote, 80, "192.0.2.10", 80, flags: Flag.syn))
        #expect(ReceivedFrame(forwarder.pass(client).bytes).ends == "198.51.100.7:80 > 10.0.0.11:8080")
        let stray = forwarder.pass(Self.answer(Flag.syn, to: "192.0.2.10", 40009))
        #expect(stray.verdict == .drop(.noService))
    }

    @Test("a flow outlives everything of its rule but its address: other ports, other networks beside, other routes")
    func keptThroughChanges() {
        var forwarder = World.forwarder()
        for flags in [Flag.syn, Flag.ack] { _ = forwarder.pass(Self.segment(flags)) }
        var changed = World.outbound(ports: 2000...3000, sources: ["10.0.9.0/24", "10.0.0.0/24"])
        changed.routes[0].hop = .router(
            egress: 1, LinkStation(egress: 1, source: World.mac(2), destination: World.mac(0xFD)))
        changed.rules.insert(
            .init(
                sources: [World.prefix("10.0.7.0/24")], address: IPv4Address(203, 0, 113, 6), ports: 1024...65535),
            at: 0)
        forwarder.apply([], outbound: changed, now: .seconds(2))
        let (verdict, bytes) = forwarder.pass(Self.segment(Flag.ack), at: 3)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).ends == "203.0.113.5:40001 > 198.51.100.7:80" && bytes[5] == 0xFD)
        #expect(forwarder.pass(Self.answer(Flag.ack), at: 3).verdict == .transmit(egress: 0))
        #expect(forwarder.outboundStatistics().map(\.activeConnections) == [0, 1])
        #expect(forwarder.outboundStatistics().map(\.connections) == [0, 1], "counters go on too")
        #expect((2000...3000).contains(forwarder.portSeen(of: Self.segment(Flag.syn, 40002), at: 3) ?? 0))
    }

    @Test("with another address what was open is cut, and a SYN opens anew; back in time, it goes on")
    func anotherAddress() {
        var forwarder = World.forwarder()
        for flags in [Flag.syn, Flag.ack] { _ = forwarder.pass(Self.segment(flags)) }
        let old = World.outbound()
        forwarder.apply([], outbound: World.outbound(address: IPv4Address(203, 0, 113, 6)), now: .seconds(2))
        #expect(forwarder.pass(Self.answer(Flag.ack), at: 3).verdict == .notOurs, "nobody's address now")
        forwarder.apply([], outbound: old, now: .seconds(3))
        #expect(forwarder.pass(Self.segment(Flag.ack), at: 3).verdict == .transmit(egress: 1))
        forwarder.apply([], outbound: World.outbound(address: IPv4Address(203, 0, 113, 6)), now: .seconds(4))
        #expect(forwarder.pass(Self.segment(Flag.ack), at: 4).verdict == .drop(.noFlow))
        let (verdict, bytes) = forwarder.pass(Self.segment(Flag.syn), at: 4)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(bytes).ends == "203.0.113.6:40001 > 198.51.100.7:80")
        #expect(forwarder.flowCount == 1 && forwarder.outboundStatistics()[0].activeConnections == 1)
    }

    @Test("without rules nothing of it is left but what is forgotten in time")
    func removed() {
        var forwarder = World.forwarder()
        _ = forwarder.pass(Self.segment(Flag.syn))
        forwarder.apply([], now: .seconds(2))
        #expect(forwarder.pass(Self.segment(Flag.ack), at: 3).verdict == .notOurs)
        #expect(forwarder.pass(Self.answer(Flag.ack), at: 3).verdict == .notOurs)
        #expect(forwarder.outboundStatistics().isEmpty && forwarder.flowCount == 1)
        forwarder.expire(now: .seconds(100), budget: 10)
        #expect(forwarder.flowCount == 0)
        #expect(forwarder.board.servers.taken.isEmpty)
    }
}
