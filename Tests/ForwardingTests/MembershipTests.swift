import Forwarding
import NetworkAddress
import Testing

@Suite("Changing servers and services")
struct MembershipTests {
    typealias Flag = TestFrame.Flag

    static func open(_ forwarder: inout Forwarder, _ clients: ClosedRange<UInt16>) {
        for client in clients {
            _ = forwarder.send(Flag.syn, from: client)
            _ = forwarder.send(Flag.ack, from: client)
        }
    }

    @Test("applying the same services again changes nothing", arguments: SchedulerKind.allCases)
    func idempotence(scheduler: SchedulerKind) {
        let services: [VirtualService] = [
            .web([.at(1, weight: 3), .at(2, weight: 2), .at(3, weight: 1)], scheduler), .web([.at(1)], port: 443),
        ]
        var once = FlowTests.forwarder(services)
        var often = FlowTests.forwarder(services)
        for client in UInt16(1)...20 {
            often.apply(services, now: .seconds(1))
            #expect(often.send(Flag.syn, from: client) == once.send(Flag.syn, from: client))
            often.apply(services, now: .seconds(1))
            #expect(often.send(Flag.ack, from: client) == once.send(Flag.ack, from: client))
        }
        #expect(often.statistics() == once.statistics())
        // ovf fills servers up to one more than their weights.
        #expect(often.flowCount == (scheduler == .ovf ? 9 : 20))
    }

    @Test("a quiesced server keeps its connections and gets no new ones, until its weight is back")
    func quiesce() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        Self.open(&forwarder, 1...4)
        forwarder.apply([.web([.at(1, weight: 0), .at(2)])], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .transmit(egress: 1))
        for client in UInt16(10)...15 { #expect(forwarder.send(Flag.syn, from: client) == .transmit(egress: 2)) }
        #expect(forwarder.connections == [[2, 0], [8, 0]])
        #expect(forwarder.statistics()[0].servers.map(\.weight) == [0, 1])
        for client in [UInt16(1), 3] { _ = forwarder.send(Flag.fin | Flag.ack, from: client) }
        #expect(forwarder.connections[0] == [0, 2])
        forwarder.expire(now: .seconds(121), budget: 100)
        #expect(forwarder.connections[0] == [0, 0], "drained")
        forwarder.apply([.web([.at(1), .at(2)])], now: .seconds(121))
        #expect(forwarder.send(Flag.syn, from: 20, at: 121) == .transmit(egress: 1))
    }

    @Test("a SYN that a quiesced server never answered is a new connection when it is sent again, and goes to another")
    func unansweredSYN() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 1), "sent again: the same server")
        forwarder.apply([.web([.at(1, weight: 0), .at(2)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 2))
        #expect(forwarder.connections == [[0, 0], [1, 0]])
        #expect(forwarder.flowCount == 1)
    }

    @Test("a negative weight counts as 0")
    func negativeWeight() {
        for scheduler in SchedulerKind.allCases {
            var forwarder = FlowTests.forwarder([.web([.at(1, weight: -5), .at(2)], scheduler)])
            // Those that hash may leave a client to server 1, and then to nobody; ovf gives server 2 two connections.
            let mayRefuse = [.sh, .dh, .ovf].contains(scheduler)
            for client in UInt16(1)...5 {
                let verdict = forwarder.send(Flag.syn, from: client)
                #expect(verdict == .transmit(egress: 2) || mayRefuse && verdict == .unreachable)
            }
        }
    }

    @Test("a service's options reach its scheduler, and changing them keeps what it knows")
    func schedulerOptions() {
        func services(_ weight: Int, _ options: SchedulerOptions) -> [VirtualService] {
            var service = VirtualService.web([.at(1, weight: weight), .at(2)], .mh)
            service.options = options
            return [service]
        }
        let clients = UInt16(1)...40
        let byPort = SchedulerOptions(hashesPort: true)
        var forwarder = FlowTests.forwarder(services(1, byPort))
        let before = clients.map { forwarder.send(Flag.syn, from: $0) }
        #expect(Set(before.map(String.init(describing:))).count == 2)
        forwarder = FlowTests.forwarder(services(1, byPort))
        forwarder.apply(services(0, byPort), now: .seconds(1))
        let drained = clients.map { forwarder.send(Flag.syn, from: $0) }
        #expect(drained == before.map { $0 == .transmit(egress: 1) ? .unreachable : $0 })
        forwarder.apply(services(0, SchedulerOptions(hashesPort: true, fallsBack: true)), now: .seconds(1))
        #expect(clients.allSatisfy { forwarder.send(Flag.syn, from: $0) == .transmit(egress: 2) })
        forwarder = FlowTests.forwarder(services(1, SchedulerOptions()))
        #expect(Set(clients.map { String(describing: forwarder.send(Flag.syn, from: $0)) }).count == 1)
    }

    @Test("with no server to take it, a new connection is unreachable and takes no place")
    func unreachable() {
        for servers in [[], [RealServer.at(1, weight: 0)], [.at(1, weight: 0, isResolved: false)]] {
            for scheduler in SchedulerKind.allCases {
                var forwarder = FlowTests.forwarder([.web(servers, scheduler)])
                let frame = TestFrame().bytes
                let (verdict, bytes) = forwarder.forward(bytes: frame)
                #expect(verdict == .unreachable)
                #expect(bytes == frame)
                #expect(forwarder.flowCount == 0)
                #expect(forwarder.send(Flag.ack, from: 1) == .drop(.noFlow))
            }
        }
    }

    @Test("while the servers' MAC addresses are asked for, clients are told nothing: they try again, and are served")
    func awaited() {
        for scheduler in SchedulerKind.allCases {
            var forwarder = FlowTests.forwarder([.web([.at(1, isResolved: false), .at(2, weight: 0)], scheduler)])
            #expect(forwarder.send(Flag.syn, from: 1) == .drop(.serverUnresolved), "\(scheduler)")
            #expect(forwarder.flowCount == 0 && forwarder.drops[.serverUnresolved] == 1)
            #expect(forwarder.drops.unreachable == 0)
            forwarder.apply([.web([.at(1), .at(2, weight: 0)], scheduler)], now: .seconds(1))
            #expect(forwarder.send(Flag.syn, from: 1, at: 2) != .drop(.serverUnresolved))
        }
    }

    @Test("mh: a server whose MAC address is not known yet keeps its clients, also from the others, from the start")
    func hashedBeforeResolved() {
        let both = [RealServer.at(1), .at(2)]
        func places(_ servers: [RealServer]) -> [Verdict] {
            var forwarder = FlowTests.forwarder([.web(servers, .mh)])
            return (1...50).map { PersistenceTests.connect(&forwarder, $0, port: 1) }
        }
        let known = places(both)
        #expect(Set(known) == [.transmit(egress: 1), .transmit(egress: 2)])
        let begun = places([.at(1, isResolved: false), .at(2)])
        #expect(begun == known.map { $0 == .transmit(egress: 1) ? .drop(.serverUnresolved) : $0 })
    }

    @Test("a server whose MAC address is lost gets nothing, and its connections go on once it is known again")
    func unresolved() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)], .wrr)])
        Self.open(&forwarder, 1...2)
        forwarder.apply([.web([.at(1, isResolved: false), .at(2)], .wrr)], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .drop(.serverUnresolved))
        #expect(forwarder.send(Flag.ack, from: 2) == .transmit(egress: 2))
        for client in UInt16(10)...13 { #expect(forwarder.send(Flag.syn, from: client) == .transmit(egress: 2)) }
        #expect(forwarder.statistics()[0].servers.map(\.isResolved) == [false, true])
        #expect(forwarder.statistics()[0].servers.map(\.weight) == [1, 1], "the weight is shown as applied")
        forwarder.apply([.web([.at(1), .at(2)], .wrr)], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .transmit(egress: 1))
    }

    @Test("a server that moved to another station takes its connections with it")
    func newStation() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        Self.open(&forwarder, 1...1)
        var server = RealServer.at(1)
        server.station = LinkStation(
            egress: 7, source: MACAddress(rawValue: 0x02_00_00_00_07_01),
            destination: MACAddress(rawValue: 0x02_00_00_00_07_99))
        forwarder.apply([.web([server])], now: .seconds(1))
        var frame = TestFrame()
        frame.clientPort = 1
        frame.flags = Flag.ack
        let (verdict, bytes) = forwarder.forward(bytes: frame.bytes)
        #expect(verdict == .transmit(egress: 7))
        #expect(bytes[0..<12] == [2, 0, 0, 0, 7, 0x99, 2, 0, 0, 0, 7, 1])
    }

    @Test("connections of a removed server are dropped silently, but a SYN is scheduled anew")
    func removal() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        Self.open(&forwarder, 1...4)
        forwarder.apply([.web([.at(2)])], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .drop(.serverRemoved))
        #expect(forwarder.send(Flag.fin | Flag.ack, from: 1) == .drop(.serverRemoved))
        #expect(forwarder.send(Flag.ack, from: 2) == .transmit(egress: 2))
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 2))
        #expect(forwarder.send(Flag.ack, from: 1) == .transmit(egress: 2))
        #expect(forwarder.connections == [[3, 0]])
        #expect(forwarder.drops[.serverRemoved] == 2)
    }

    @Test("packets that are dropped do not keep a removed server's flows alive")
    func removedFlowsExpire() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        Self.open(&forwarder, 1...1)
        forwarder.apply([.web([.at(2)])], now: .seconds(1))
        for second in stride(from: 100.0, through: 900, by: 100) {
            #expect(forwarder.send(Flag.ack, from: 1, at: second) == .drop(.serverRemoved))
        }
        #expect(forwarder.send(Flag.ack, from: 1, at: 901) == .drop(.noFlow))
        #expect(forwarder.flowCount == 0)
    }

    @Test("a removed server that comes back finds its connections, and one that comes back too late starts afresh")
    func comeback() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        Self.open(&forwarder, 1...2)
        forwarder.apply([.web([.at(2)])], now: .seconds(1))
        forwarder.apply([.web([.at(1), .at(2)])], now: .seconds(2))
        #expect(forwarder.send(Flag.ack, from: 1, at: 2) == .transmit(egress: 1))
        #expect(forwarder.connections == [[1, 0], [1, 0]])
        forwarder.apply([], now: .seconds(3))
        forwarder.apply([.web([.at(1), .at(2)])], now: .seconds(903))
        #expect(forwarder.flowCount == 0)
        #expect(forwarder.statistics()[0].servers.map(\.connections) == [0, 0])
        #expect(forwarder.connections == [[0, 0], [0, 0]])
    }

    @Test("a service that is gone drops its connections; the VIP's other services go on")
    func serviceRemoval() {
        var forwarder = FlowTests.forwarder([.web([.at(1)]), .web([.at(1)], port: 443)])
        _ = forwarder.send(Flag.syn, from: 1, to: 80)
        _ = forwarder.send(Flag.syn, from: 1, to: 443)
        forwarder.apply([.web([.at(1)], port: 443)], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1, to: 80) == .drop(.serverRemoved))
        #expect(forwarder.send(Flag.syn, from: 1, to: 80) == .drop(.noService))
        #expect(forwarder.send(Flag.syn, from: 2, to: 80) == .drop(.noService))
        #expect(forwarder.send(Flag.ack, from: 1, to: 443) == .transmit(egress: 1))
    }

    @Test("a server's place is not taken by another while flows lead to it")
    func slots() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        Self.open(&forwarder, 1...1)
        for host in UInt8(2)...200 {
            forwarder.apply([.web([.at(host)])], now: .seconds(1))
            #expect(forwarder.send(Flag.ack, from: 1) == .drop(.serverRemoved))
            #expect(forwarder.connections == [[0, 0]])
        }
        forwarder.apply([.web((1...200).map { .at($0) })], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .transmit(egress: 1))
        #expect(forwarder.connections == [[1, 0]] + Array(repeating: [0, 0], count: 199))
    }

    @Test("rr goes on after the server it picked last when others come, go or change places")
    func positionOfRR() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2), .at(3), .at(4)])])
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.syn, from: 2) == .transmit(egress: 2))
        forwarder.apply([.web([.at(9), .at(1), .at(2), .at(3), .at(4)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 3) == .transmit(egress: 3))
        forwarder.apply([.web([.at(9), .at(1), .at(2), .at(4)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 4) == .transmit(egress: 4), "3 is gone: after 2")
        forwarder.apply([.web([.at(4), .at(2), .at(1)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 5) == .transmit(egress: 2))
        forwarder.apply([.web([.at(7), .at(8)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 6) == .transmit(egress: 7))
    }

    @Test("changing the scheduler keeps connections and counters")
    func schedulerChange() {
        var forwarder = FlowTests.forwarder([.web([.at(1, weight: 3), .at(2)], .rr)])
        Self.open(&forwarder, 1...2)
        forwarder.apply([.web([.at(1, weight: 3), .at(2)], .wrr)], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 2) == .transmit(egress: 2))
        let turns = (UInt16(10)...13).map { forwarder.send(Flag.syn, from: $0) }
        #expect(turns == [1, 1, 1, 2].map { .transmit(egress: $0) })
        #expect(forwarder.statistics()[0].connections == 6)
        #expect(forwarder.statistics()[0].scheduler == .wrr)
    }

    @Test("of two services or servers that are the same the first counts")
    func duplicates() {
        var second = RealServer.at(1, weight: 5)
        second.station?.egress = 77
        var forwarder = FlowTests.forwarder([.web([.at(1), second]), .web([.at(9)])])
        #expect(forwarder.statistics().count == 1)
        #expect(forwarder.statistics()[0].servers.count == 1)
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 1))
    }
}
