import Forwarding
import NetworkAddress
import Testing

@Suite("A server that is out of the service and not taken out of the list")
struct OutOfServiceTests {
    typealias Flag = TestFrame.Flag

    static func servers(out: Bool) -> [RealServer] {
        var second = RealServer.at(2)
        second.isOut = out
        return [.at(1), second, .at(3)]
    }

    @Test(
        "its flows go on and whoever hashed to it gets another server; nobody else moves; back, it has its clients again",
        arguments: [SchedulerKind.mh, .sh])
    func hashing(scheduler: SchedulerKind) {
        var forwarder = FlowTests.forwarder([.web(Self.servers(out: false), scheduler)])
        let before = Self.placesOfClients(&forwarder, at: 1)
        #expect(Set(before) == [1, 2, 3])
        forwarder.apply([.web(Self.servers(out: true), scheduler)], now: .seconds(2))
        let during = Self.placesOfClients(&forwarder, at: 2)
        #expect(Set(during) == [1, 3], "no client is left without an answer")
        if scheduler == .mh {
            let moved = zip(before, during).count { $0 != 2 && $0 != $1 }
            #expect(moved < 10, "of 100; but for few, only its own clients move")
        }
        forwarder.apply([.web(Self.servers(out: false), scheduler)], now: .seconds(3))
        #expect(Self.placesOfClients(&forwarder, at: 3) == before)
    }

    @Test("the VIP of dh goes to another server")
    func destinationHashing() {
        for out in 1...3 {
            var servers = [RealServer.at(1), .at(2), .at(3)]
            servers[out - 1].isOut = true
            var forwarder = FlowTests.forwarder([.web(servers, .dh)])
            #expect(Self.placesOfClients(&forwarder, at: 1).allSatisfy { $0 != 0 && $0 != out })
        }
    }

    @Test("its flows go on, whatever its weight says it gets no new ones, and with all out the client is told")
    func flows() {
        var forwarder = FlowTests.forwarder([.web(Self.servers(out: false), .rr)])
        MembershipTests.open(&forwarder, 1...3)
        forwarder.apply([.web(Self.servers(out: true), .rr)], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 2) == .transmit(egress: 2))
        for client in UInt16(10)...15 { #expect(forwarder.send(Flag.syn, from: client) != .transmit(egress: 2)) }
        #expect(forwarder.statistics()[0].servers.map(\.weight) == [1, 0, 1])
        #expect(forwarder.connections[1] == [1, 0], "still counted")
        for scheduler in SchedulerKind.allCases {
            var server = RealServer.at(1)
            server.isOut = true
            var lonely = FlowTests.forwarder([.web([server], scheduler)])
            #expect(lonely.send(Flag.syn, from: 1) == .unreachable)
        }
    }

    /// UDP on port 80, with two servers.
    static func datagrams(out: Bool, forgets: Bool = false) -> VirtualService {
        var (service, first) = (VirtualService.web([]), RealServer.at(1))
        first.isOut = out
        service.transport = .udp
        service.servers = [first, .at(2)]
        service.expiresOrphans = forgets
        return service
    }

    /// A datagram of the one client there is, which never changes its port.
    static func sendDatagram(_ forwarder: inout Forwarder, at seconds: Double) -> Verdict {
        var frame = TestFrame()
        frame.transport = 17
        return forwarder.forward(bytes: frame.bytes, at: .seconds(seconds)).verdict
    }

    @Test("a client of UDP that is never silent leaves it after the timeout, or at once where such flows are forgotten")
    func leaving() {
        var forwarder = FlowTests.forwarder([Self.datagrams(out: false)])
        #expect(Self.sendDatagram(&forwarder, at: 0) == .transmit(egress: 1))
        #expect(Self.sendDatagram(&forwarder, at: 250) == .transmit(egress: 1))
        forwarder.apply([Self.datagrams(out: true)], now: .seconds(260))
        for seconds in [260.0, 400, 549.9] {
            #expect(Self.sendDatagram(&forwarder, at: seconds) == .transmit(egress: 1), "its server may be well")
        }
        #expect(Self.sendDatagram(&forwarder, at: 550) == .transmit(egress: 2), "300 s after the last while it was in")
        forwarder.apply([Self.datagrams(out: false)], now: .seconds(551))
        #expect(Self.sendDatagram(&forwarder, at: 840) == .transmit(egress: 2))
        #expect(Self.sendDatagram(&forwarder, at: 1100) == .transmit(egress: 2), "renewed")

        var other = FlowTests.forwarder([Self.datagrams(out: false, forgets: true)])
        #expect(Self.sendDatagram(&other, at: 0) == .transmit(egress: 1))
        other.apply([Self.datagrams(out: true, forgets: true)], now: .seconds(1))
        #expect(Self.sendDatagram(&other, at: 2) == .transmit(egress: 2))
        #expect(other.connections == [[0, 0], [0, 1]])
    }

    @Test("persistence keeps no client on it, which it does on one that is quiesced")
    func persistence() {
        for (out, expected) in [(true, 2), (false, 1)] {
            var server = RealServer.at(1)
            var forwarder = FlowTests.forwarder([PersistenceTests.service([server, .at(2)])])
            #expect(PersistenceTests.connect(&forwarder, 7, port: 1) == .transmit(egress: 1))
            server.weight = 0
            server.isOut = out
            forwarder.apply([PersistenceTests.service([server, .at(2)])], now: .seconds(1))
            #expect(PersistenceTests.connect(&forwarder, 7, port: 2) == .transmit(egress: expected))
        }
    }

    /// The egress that a SYN of each of a hundred clients goes out of; 0: none. Each ends again at once.
    static func placesOfClients(_ forwarder: inout Forwarder, at seconds: Double) -> [Int] {
        (1...100).map { (host: UInt8) in
            let verdict = PersistenceTests.connect(&forwarder, host, port: 1000 + UInt16(seconds), at: seconds)
            PersistenceTests.close(&forwarder, host, port: 1000 + UInt16(seconds), at: seconds)
            forwarder.expire(now: .seconds(seconds + 0.001), budget: 1000)
            if case .transmit(let egress) = verdict { return egress }
            return 0
        }
    }
}
