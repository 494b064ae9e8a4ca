import Forwarding
import NetworkAddress
import Testing

/// Two forwarders that know of each other's connections.
@Suite("A book of loads")
struct LoadBookTests {
    typealias Flag = TestFrame.Flag

    static func forwarder(_ book: LoadBook, _ service: VirtualService) -> Forwarder {
        var forwarder = Forwarder(flowCapacity: 100, seed: 42, loads: book)
        forwarder.apply([service], now: .seconds(0))
        return forwarder
    }

    @Test(
        "least connections are least over both", arguments: [SchedulerKind.lc, .wlc, .sed, .nq])
    func leastConnections(_ scheduler: SchedulerKind) {
        let book = LoadBook()
        let service = VirtualService.web([.at(1), .at(2), .at(3)], scheduler)
        var one = Self.forwarder(book, service)
        var two = Self.forwarder(book, service)
        let picks = (UInt16(1)...3).flatMap { client in
            [one.send(Flag.syn, from: client), two.send(Flag.syn, from: client)]
        }
        #expect(picks == [1, 2, 3, 1, 2, 3].map { .transmit(egress: $0) })
        // Each tells its own.
        #expect(one.connections == [[1, 0], [1, 0], [1, 0]] && two.connections == [[1, 0], [1, 0], [1, 0]])
    }

    @Test("a threshold is one of both, and what one forgets makes room for the other")
    func thresholds() {
        var server = RealServer.at(1)
        (server.upper, server.lower) = (2, 2)
        let book = LoadBook()
        let service = VirtualService.web([server])
        var one = Self.forwarder(book, service)
        var two = Self.forwarder(book, service)
        #expect(one.send(Flag.syn, from: 1) == .transmit(egress: 1))
        #expect(two.send(Flag.syn, from: 2) == .transmit(egress: 1))
        #expect(one.send(Flag.syn, from: 3) == .unreachable && two.send(Flag.syn, from: 4) == .unreachable)
        one.expire(now: .seconds(1000), budget: 10)
        #expect(two.send(Flag.syn, from: 5) == .transmit(egress: 1))
        #expect(one.send(Flag.syn, from: 6, at: 1000) == .unreachable)
    }

    @Test("a forwarder that goes takes its connections out of the book, and so does a server that is taken out")
    func end() {
        let book = LoadBook()
        let service = VirtualService.web([.at(1), .at(2)], .lc)
        var one = Self.forwarder(book, service)
        do {
            var two = Self.forwarder(book, service)
            #expect(two.send(Flag.syn, from: 1) == .transmit(egress: 1))
        }
        #expect(one.send(Flag.syn, from: 1) == .transmit(egress: 1))
        one.apply([.web([.at(2)], .lc)], now: .seconds(1))
        // Forgotten with its connection's time, and with nobody left who knows it; then it begins with nothing.
        one.apply([.web([.at(1), .at(2)], .lc)], now: .seconds(10_000))
        #expect(one.send(Flag.syn, from: 2, at: 10_000) == .transmit(egress: 1))
        #expect(one.send(Flag.syn, from: 3, at: 10_000) == .transmit(egress: 2))
    }
}
