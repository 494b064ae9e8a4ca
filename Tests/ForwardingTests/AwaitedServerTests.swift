import Forwarding
import NetworkAddress
import Testing

@Suite("A server of which nothing was heard yet")
struct AwaitedServerTests {
    typealias Flag = TestFrame.Flag

    /// Server 1, of which nothing was heard.
    static let awaited = {
        var server = RealServer.at(1, weight: 0)
        server.isAwaited = true
        return server
    }()

    /// Server 1 in its three states, and server 2, which is up.
    static func servers(_ first: RealServer) -> [RealServer] { [first, .at(2)] }

    static func datagrams(_ first: RealServer, forgets: Bool) -> VirtualService {
        var service = OutOfServiceTests.datagrams(out: false, forgets: forgets)
        service.servers = servers(first)
        return service
    }

    @Test(
        "a client of UDP stays with it, whatever becomes of flows whose server is out, and is renewed",
        arguments: [false, true])
    func datagrams(forgets: Bool) {
        var forwarder = FlowTests.forwarder([Self.datagrams(.at(1), forgets: forgets)])
        #expect(OutOfServiceTests.sendDatagram(&forwarder, at: 0) == .transmit(egress: 1))
        forwarder.apply([Self.datagrams(Self.awaited, forgets: forgets)], now: .seconds(1))
        for seconds in [2.0, 290, 580, 870] {
            #expect(OutOfServiceTests.sendDatagram(&forwarder, at: seconds) == .transmit(egress: 1))
        }
        #expect(forwarder.connections == [[0, 1], [0, 0]])
        // It was down after all.
        var out = RealServer.at(1)
        out.isOut = true
        forwarder.apply([Self.datagrams(out, forgets: true)], now: .seconds(871))
        #expect(OutOfServiceTests.sendDatagram(&forwarder, at: 872) == .transmit(egress: 2))
    }

    @Test("connections go on, a SYN that is sent again too, and new clients go to others")
    func connections() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        MembershipTests.open(&forwarder, 1...1)
        #expect(forwarder.send(Flag.syn, from: 2) == .transmit(egress: 1))
        forwarder.apply([.web(Self.servers(Self.awaited))], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.syn, from: 2) == .transmit(egress: 1), "nobody said that it takes none")
        for client in UInt16(10)...15 { #expect(forwarder.send(Flag.syn, from: client) == .transmit(egress: 2)) }
        #expect(forwarder.statistics()[0].servers.map(\.weight) == [0, 1])
        #expect(forwarder.connections == [[2, 0], [6, 0]])
    }

    @Test(
        "whom persistence leads to it waits for it; who is unknown does not; a drain's policy is not asked",
        arguments: [false, true])
    func persistence(expires: Bool) {
        let set = { (first: RealServer) in
            PersistenceTests.service(Self.servers(first)) { $0.expiresQuiescentTemplates = expires }
        }
        var forwarder = FlowTests.forwarder([set(.at(1))])
        #expect(PersistenceTests.connect(&forwarder, 7, port: 1) == .transmit(egress: 1))
        let flows = forwarder.flowCount
        // Nothing heard, or heard of and not found on the link.
        for first in [Self.awaited, .at(1, isResolved: false)] {
            forwarder.apply([set(first)], now: .seconds(1))
            for _ in 0..<3 { #expect(PersistenceTests.connect(&forwarder, 7, port: 2) == .drop(.serverUnresolved)) }
            #expect(forwarder.flowCount == flows && forwarder.statistics()[0].servers.map(\.templates)[0] == 1)
        }
        #expect(forwarder.drops[.serverUnresolved] == 6)
        forwarder.apply([set(Self.awaited)], now: .seconds(1))
        #expect(PersistenceTests.connect(&forwarder, 8, port: 1) == .transmit(egress: 2))
        forwarder.apply([set(.at(1))], now: .seconds(2))
        #expect(PersistenceTests.connect(&forwarder, 7, port: 2, at: 2) == .transmit(egress: 1), "its next try")
        // Quiesced it is not waited for where its clients are to move; and out by nobody.
        forwarder.apply([set(.at(1, weight: 0, isResolved: false))], now: .seconds(3))
        #expect(
            PersistenceTests.connect(&forwarder, 7, port: 3, at: 3)
                == (expires ? .transmit(egress: 2) : .drop(.serverUnresolved)))
        var out = Self.awaited
        out.isOut = true
        forwarder.apply([set(out)], now: .seconds(4))
        #expect(PersistenceTests.connect(&forwarder, 7, port: 4, at: 4) == .transmit(egress: 2))
    }

    @Test(
        "it has no slots or cells: who hashes goes to the others, as while it is out", arguments: SchedulerKind.allCases
    )
    func hashing(scheduler: SchedulerKind) {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2, weight: 1000)], scheduler)])
        forwarder.apply([.web([Self.awaited, .at(2, weight: 1000)], scheduler)], now: .seconds(1))
        #expect(Set(OutOfServiceTests.placesOfClients(&forwarder, at: 1)) == [2])
        // Where there is nobody else, a client that was told of no service would not try again.
        var lonely = FlowTests.forwarder([.web([Self.awaited], scheduler)])
        #expect(lonely.send(Flag.syn, from: 1) == .drop(.serverUnresolved) && lonely.flowCount == 0)
    }
}
