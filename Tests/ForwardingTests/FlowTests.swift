import Forwarding
import NetworkAddress
import Testing

/// What the director promises about connections, seen from outside: frames in, verdicts and counters out.
@Suite("Flows")
struct FlowTests {
    typealias Flag = TestFrame.Flag

    static func forwarder(_ services: [VirtualService], sloppy: Bool = false, capacity: Int = 1000) -> Forwarder {
        var forwarder = Forwarder(flowCapacity: capacity, seed: 42, sloppy: sloppy)
        forwarder.apply(services, now: .seconds(0))
        return forwarder
    }

    @Test("nothing is ours before services are applied, nor after all were taken away")
    func noServices() {
        var forwarder = Forwarder(flowCapacity: 10, seed: 1)
        #expect(forwarder.send(Flag.syn, from: 1) == .notOurs)
        forwarder.apply([.web([.at(1)])], now: .seconds(0))
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 1))
        forwarder.apply([], now: .seconds(1))
        #expect(forwarder.send(Flag.ack, from: 1) == .notOurs)
        #expect(forwarder.statistics().isEmpty)
    }

    @Test("packets of a connection follow its SYN, whoever's turn it is")
    func affinity() {
        var forwarder = Self.forwarder([.web([.at(1), .at(2), .at(3)])])
        for client in UInt16(1)...9 {
            let server = Int((client - 1) % 3) + 1
            #expect(forwarder.send(Flag.syn, from: client) == .transmit(egress: server))
        }
        for client in UInt16(1)...9 {
            let server = Int((client - 1) % 3) + 1
            #expect(forwarder.send(Flag.ack, from: client) == .transmit(egress: server))
            #expect(forwarder.send(Flag.ack | Flag.psh, from: client) == .transmit(egress: server))
            #expect(forwarder.send(Flag.syn, from: client) == .transmit(egress: server), "a repeated SYN")
        }
        #expect(forwarder.flowCount == 9)
        #expect(forwarder.connections == [[3, 0], [3, 0], [3, 0]])
    }

    @Test("clients are told apart by address as well as by port, and so are the VIP's ports")
    func keys() {
        var forwarder = Self.forwarder([.web([.at(1), .at(2)]), .web([.at(3), .at(4)], port: 443)])
        var frame = TestFrame()
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .transmit(egress: 1))
        frame.client = IPv4Address(198, 51, 100, 8)
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .transmit(egress: 2))
        frame.port = 443
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .transmit(egress: 3))
        frame.clientPort += 1
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .transmit(egress: 4))
        #expect(forwarder.flowCount == 4)
    }

    @Test("wrr gives connections in IPVS's sequence, and counts them")
    func weighted() {
        var forwarder = Self.forwarder([.web([.at(1, weight: 4), .at(2, weight: 3), .at(3, weight: 2)], .wrr)])
        let turns = (UInt16(1)...18).map { client -> Int in
            guard case .transmit(let egress) = forwarder.send(Flag.syn, from: client) else { return 0 }
            return egress
        }
        #expect(turns == [1, 1, 2, 1, 2, 3, 1, 2, 3, 1, 1, 2, 1, 2, 3, 1, 2, 3])
        #expect(forwarder.statistics()[0].servers.map(\.connections) == [8, 6, 4])
        #expect(forwarder.statistics()[0].connections == 18)
    }

    @Test("a service for port 0 takes every port that no other service names")
    func allPorts() {
        var forwarder = Self.forwarder([.web([.at(9)], port: 0), .web([.at(1)])])
        #expect(forwarder.send(Flag.syn, from: 1, to: 80) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.syn, from: 1, to: 81) == .transmit(egress: 9))
        #expect(forwarder.send(Flag.syn, from: 1, to: 65535) == .transmit(egress: 9))
        #expect(forwarder.send(Flag.syn, from: 1, to: 0) == .transmit(egress: 9))
        #expect(forwarder.statistics().map(\.connections) == [3, 1])
        var elsewhere = TestFrame()
        elsewhere.vip = IPv4Address(192, 0, 2, 11)
        #expect(forwarder.forward(bytes: elsewhere.bytes).verdict == .notOurs)
    }

    @Test("hundreds of services are each found by their own VIP and port, and none by another's")
    func manyServices() {
        let services = (0..<600).map { index in
            VirtualService(
                name: "s\(index)", vip: IPv4Address(rawValue: 0xC000_0200 + UInt32(index / 3)),
                port: [80, 443, 0][index % 3], scheduler: .rr,
                servers: [
                    RealServer(
                        address: IPv4Address(10, 0, 0, 1), weight: 1,
                        station: LinkStation(egress: index, source: .zero, destination: .zero))
                ])
        }
        var forwarder = Self.forwarder(services, capacity: 4096)
        for index in services.indices {
            var frame = TestFrame()
            frame.vip = services[index].vip
            frame.port = services[index].port == 0 ? UInt16(1000 + index) : services[index].port
            #expect(forwarder.forward(bytes: frame.bytes).verdict == .transmit(egress: index))
        }
        var elsewhere = TestFrame()
        elsewhere.vip = IPv4Address(rawValue: 0xC000_0200 + 200)
        #expect(forwarder.forward(bytes: elsewhere.bytes).verdict == .notOurs)
    }

    @Test("sloppy lets any packet but a RST open a connection, and it counts as established")
    func sloppy() {
        var strict = Self.forwarder([.web([.at(1)])])
        #expect(strict.send(Flag.ack, from: 1) == .drop(.noFlow))
        var sloppy = Self.forwarder([.web([.at(1)])], sloppy: true)
        #expect(sloppy.send(Flag.rst, from: 1) == .drop(.noFlow))
        #expect(sloppy.send(Flag.ack, from: 1) == .transmit(egress: 1))
        #expect(sloppy.send(Flag.ack, from: 1, at: 890) == .transmit(egress: 1), "still remembered after 890 s")
        #expect(sloppy.connections == [[1, 0]])
    }

    @Test("packets and bytes are those of the IPv4 packets, without Ethernet and padding")
    func counters() {
        var forwarder = Self.forwarder([.web([.at(1), .at(2)])])
        var frame = TestFrame()
        frame.padding = 6
        _ = forwarder.forward(bytes: frame.bytes)
        frame.flags = Flag.ack
        frame.payload = 1000
        _ = forwarder.forward(bytes: frame.bytes)
        frame.timeToLive = 1
        _ = forwarder.forward(bytes: frame.bytes)
        let statistics = forwarder.statistics()[0]
        #expect((statistics.packets, statistics.bytes, statistics.connections) == (2, 1080, 1))
        #expect((statistics.servers[0].packets, statistics.servers[0].bytes) == (2, 1080))
        #expect((statistics.servers[1].packets, statistics.servers[1].bytes) == (0, 0))
    }

    @Test("each packet that is not forwarded is counted under its reason")
    func dropCounters() {
        var forwarder = Self.forwarder([.web([.at(1, weight: 0)])])
        #expect(forwarder.send(Flag.ack, from: 1) == .drop(.noFlow))
        #expect(forwarder.send(Flag.ack, from: 1) == .drop(.noFlow))
        #expect(forwarder.send(Flag.syn, from: 1, to: 81) == .drop(.noService))
        #expect(forwarder.send(Flag.syn, from: 1) == .unreachable)
        var frame = TestFrame()
        frame.timeToLive = 1
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .timeExceeded)
        #expect(DropReason.allCases.filter { forwarder.drops[$0] > 0 } == [.noService, .noFlow])
        #expect(forwarder.drops[.noFlow] == 2)
        #expect((forwarder.drops.total, forwarder.drops.unreachable, forwarder.drops.timeExceeded) == (3, 1, 1))
        #expect(DropReason.allCases.allSatisfy { DropCounters()[$0] == 0 })
    }

    @Test("a packet that may not travel further opens no flow and changes none")
    func timeToLive() {
        var forwarder = Self.forwarder([.web([.at(1), .at(2)])])
        var frame = TestFrame()
        frame.timeToLive = 1
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .timeExceeded)
        #expect(forwarder.flowCount == 0)
        #expect(forwarder.send(Flag.syn, from: frame.clientPort) == .transmit(egress: 1), "it took nobody's turn")
        frame.flags = Flag.rst
        #expect(forwarder.send(Flag.ack, from: frame.clientPort) == .transmit(egress: 1))
        #expect(forwarder.forward(bytes: frame.bytes).verdict == .timeExceeded)
        #expect(forwarder.connections == [[1, 0], [0, 0]], "the RST was not forwarded, so it reset nothing")
    }
}
