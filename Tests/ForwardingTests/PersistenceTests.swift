import Forwarding
import NetworkAddress
import Testing

@Suite("Persistence")
struct PersistenceTests {
    typealias Flag = TestFrame.Flag

    static func service(_ servers: [RealServer], _ change: (inout VirtualService) -> Void = { _ in }) -> VirtualService
    {
        var service = VirtualService.web(servers)
        service.persistence = Persistence(timeout: 300_000)
        change(&service)
        return service
    }

    /// The server that a new connection of a client's goes to: 198.51.100.`host`.
    static func connect(
        _ forwarder: inout Forwarder, _ host: UInt8, port: UInt16, at seconds: Double = 1, to vipPort: UInt16 = 80
    ) -> Verdict {
        var frame = TestFrame()
        frame.client = IPv4Address(198, 51, 100, host)
        frame.clientPort = port
        frame.port = vipPort
        return forwarder.forward(bytes: frame.bytes, at: .seconds(seconds)).verdict
    }

    static func close(_ forwarder: inout Forwarder, _ host: UInt8, port: UInt16, at seconds: Double) {
        var frame = TestFrame()
        frame.client = IPv4Address(198, 51, 100, host)
        frame.clientPort = port
        frame.flags = Flag.rst
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(seconds))
    }

    @Test("a client stays with its server until it was away for the timeout; others are scheduled")
    func staying() {
        var forwarder = FlowTests.forwarder([Self.service([.at(1), .at(2), .at(3)])])
        #expect(Self.connect(&forwarder, 7, port: 1) == .transmit(egress: 1))
        #expect(Self.connect(&forwarder, 8, port: 1) == .transmit(egress: 2))
        for port in UInt16(2)...5 {
            #expect(Self.connect(&forwarder, 7, port: port) == .transmit(egress: 1))
            #expect(Self.connect(&forwarder, 8, port: port) == .transmit(egress: 2))
        }
        #expect(forwarder.statistics()[0].servers.map(\.templates) == [1, 1, 0])
        for port in UInt16(1)...5 { Self.close(&forwarder, 7, port: port, at: 2) }
        // Each new connection counts anew.
        #expect(Self.connect(&forwarder, 7, port: 6, at: 200) == .transmit(egress: 1))
        Self.close(&forwarder, 7, port: 6, at: 200)
        #expect(Self.connect(&forwarder, 7, port: 7, at: 499) == .transmit(egress: 1))
        Self.close(&forwarder, 7, port: 7, at: 499)
        // The engine looks for expired flows all the time.
        forwarder.expire(now: .seconds(799), budget: 1000)
        #expect(Self.connect(&forwarder, 7, port: 8, at: 799.1) == .transmit(egress: 3), "its turn")
    }

    @Test("while connections last, so does the client's place: 60 s more each time")
    func rearmed() {
        var forwarder = FlowTests.forwarder([Self.service([.at(1), .at(2)])])
        #expect(Self.connect(&forwarder, 7, port: 1) == .transmit(egress: 1))
        func send(_ seconds: Double) {
            var frame = TestFrame()
            frame.client = IPv4Address(198, 51, 100, 7)
            frame.clientPort = 1
            frame.flags = Flag.ack
            #expect(forwarder.forward(bytes: frame.bytes, at: .seconds(seconds)).verdict == .transmit(egress: 1))
        }
        send(2)
        send(500)
        forwarder.expire(now: .seconds(600), budget: 1000)
        #expect(Self.connect(&forwarder, 7, port: 2, at: 600) == .transmit(egress: 1))
    }

    @Test("clients of one network are one client, where the netmask says so")
    func netmask() {
        var forwarder = FlowTests.forwarder([
            Self.service([.at(1), .at(2)]) { $0.persistence?.prefixLength4 = 24 }
        ])
        for host in UInt8(1)...5 {
            #expect(Self.connect(&forwarder, host, port: 1) == .transmit(egress: 1))
        }
        var elsewhere = TestFrame()
        elsewhere.client = IPv4Address(198, 51, 101, 1)
        #expect(forwarder.forward(bytes: elsewhere.bytes).verdict == .transmit(egress: 2))
    }

    @Test("a service for all ports: a client has one server for all of them")
    func allPorts() {
        var forwarder = FlowTests.forwarder([Self.service([.at(1), .at(2)]) { $0.port = 0 }])
        #expect(Self.connect(&forwarder, 7, port: 1, to: 80) == .transmit(egress: 1))
        #expect(Self.connect(&forwarder, 7, port: 1, to: 443) == .transmit(egress: 1))
        #expect(Self.connect(&forwarder, 8, port: 1, to: 443) == .transmit(egress: 2))
    }

    @Test("a drained server keeps its known clients, unless told otherwise; a removed one keeps nobody")
    func drained() {
        for expires in [false, true] {
            let set = { (servers: [RealServer]) in Self.service(servers) { $0.expiresQuiescentTemplates = expires } }
            var forwarder = FlowTests.forwarder([set([.at(1), .at(2)])])
            #expect(Self.connect(&forwarder, 7, port: 1) == .transmit(egress: 1))
            forwarder.apply([set([.at(1, weight: 0), .at(2)])], now: .seconds(2))
            #expect(Self.connect(&forwarder, 7, port: 2, at: 3) == .transmit(egress: expires ? 2 : 1))
            #expect(Self.connect(&forwarder, 8, port: 1, at: 3) == .transmit(egress: 2), "an unknown one")
            forwarder.apply([set([.at(2)])], now: .seconds(4))
            #expect(Self.connect(&forwarder, 7, port: 3, at: 5) == .transmit(egress: 2))
            // It may come back; who has moved stays where it is.
            forwarder.apply([set([.at(1), .at(2)])], now: .seconds(6))
            #expect(Self.connect(&forwarder, 7, port: 4, at: 7) == .transmit(egress: 2))
        }
    }

    @Test("a flow whose server was taken out is dropped, or forgotten where that is wished")
    func orphans() {
        for expires in [false, true] {
            var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
            #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 1))
            #expect(forwarder.send(Flag.ack, from: 1) == .transmit(egress: 1))
            var service = VirtualService.web([.at(2)])
            service.expiresOrphans = expires
            forwarder.apply([service], now: .seconds(2))
            #expect(forwarder.send(Flag.ack, from: 1, at: 3) == .drop(expires ? .noFlow : .serverRemoved))
            service.isSloppy = true
            forwarder.apply([service], now: .seconds(4))
            #expect(
                forwarder.send(Flag.ack, from: 1, at: 5) == (expires ? .transmit(egress: 2) : .drop(.serverRemoved)))
        }
    }

    @Test("a flood of unknown clients takes the place of clients that left, and never of one that is connected")
    func flood() {
        // A quarter as many templates as flows.
        var forwarder = FlowTests.forwarder([Self.service([.at(1), .at(2)])], capacity: 40)
        #expect(Self.connect(&forwarder, 7, port: 1) == .transmit(egress: 1))
        var ack = TestFrame()
        (ack.client, ack.clientPort, ack.flags) = (IPv4Address(198, 51, 100, 7), 1, Flag.ack)
        #expect(forwarder.forward(bytes: ack.bytes).verdict == .transmit(egress: 1))
        for host in UInt8(10)...200 { _ = Self.connect(&forwarder, host, port: 1) }
        #expect(Self.connect(&forwarder, 7, port: 2) == .transmit(egress: 1))
        #expect(forwarder.statistics()[0].servers.map(\.templates).reduce(0, +) <= 10)
    }

    @Test("where all templates lead connections, an unknown client is served without one")
    func noRoom() {
        var forwarder = FlowTests.forwarder([Self.service([.at(1), .at(2)])], capacity: 40)
        for host in UInt8(1)...20 {
            let verdict = Self.connect(&forwarder, host, port: 1)
            #expect(verdict == .transmit(egress: host % 2 == 1 ? 1 : 2))
            var ack = TestFrame()
            (ack.client, ack.clientPort, ack.flags) = (IPv4Address(198, 51, 100, host), 1, Flag.ack)
            #expect(forwarder.forward(bytes: ack.bytes).verdict == verdict)
        }
        #expect(forwarder.statistics()[0].servers.map(\.templates) == [5, 5])
        // However many lead connections, one whose time has come and that leads none is found.
        Self.close(&forwarder, 10, port: 1, at: 2)
        for second in [400.0, 401] { forwarder.expire(now: .seconds(second), budget: 100) }
        #expect(forwarder.statistics()[0].servers.map(\.templates) == [5, 4])
    }
}
