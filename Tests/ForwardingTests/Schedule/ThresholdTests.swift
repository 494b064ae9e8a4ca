import Testing

@testable import Forwarding

@Suite("Thresholds of connections")
struct ThresholdTests {
    /// Whether a server is overloaded after each of these numbers of connections in turn.
    static func overloads(upper: Int, lower: Int, _ totals: [Int]) -> String {
        let book = LoadBook()
        defer { extendLifetime(book) }
        var server = Server(Farm.identity(0), load: book.open(Farm.identity(0)))
        (server.upper, server.lower) = (upper, lower)
        return totals.map { total in
            (server.active, server.inactive) = (total / 2, total - total / 2)
            server.updateOverload()
            return server.isOverloaded ? "x" : "."
        }.joined()
    }

    @Test("a server is overloaded from its upper threshold until below its lower one, or three quarters of the upper")
    func thresholds() {
        #expect(Self.overloads(upper: 0, lower: 0, [0, 1_000_000]) == "..")
        #expect(Self.overloads(upper: 10, lower: 4, [9, 10, 11, 9, 5, 4, 3, 4, 9, 10]) == ".xxxxx...x")
        #expect(Self.overloads(upper: 8, lower: 0, [7, 8, 7, 6, 5, 7, 8]) == ".xxx..x")
        // total × 4 < upper × 3: 2 × 4 < 3 × 3, and 1 × 4 < 2 × 3.
        #expect(Self.overloads(upper: 3, lower: 0, [3, 2, 3]) == "x.x")
        #expect(Self.overloads(upper: 2, lower: 0, [2, 1, 0]) == "x..")
        #expect(Self.overloads(upper: 1, lower: 0, [0, 1, 0]) == ".x.")
    }

    @Test("a server at its upper threshold gets no new connections, keeps those it has, and gets new ones again later")
    func forwarding() {
        func services(_ upper: Int) -> [VirtualService] {
            var first = RealServer.at(1)
            first.upper = upper
            return [.web([first, .at(2)])]
        }
        var forwarder = FlowTests.forwarder(services(2))
        let picks = (UInt16(1)...6).map { forwarder.send(TestFrame.Flag.syn, from: $0) }
        #expect(picks == [1, 2, 1, 2, 2, 2].map { .transmit(egress: $0) })
        #expect(forwarder.send(TestFrame.Flag.ack, from: 1) == .transmit(egress: 1))
        // Closing, not gone: it still counts.
        #expect(forwarder.send(TestFrame.Flag.ack, from: 3) == .transmit(egress: 1))
        #expect(forwarder.send(TestFrame.Flag.rst, from: 3) == .transmit(egress: 1))
        #expect(forwarder.connections[0] == [1, 1])
        #expect(forwarder.send(TestFrame.Flag.syn, from: 7) == .transmit(egress: 2))
        // CLOSE lasts 10 s. Then 1 × 4 < 2 × 3.
        forwarder.expire(now: .seconds(12), budget: 100)
        #expect(forwarder.send(TestFrame.Flag.syn, from: 8, at: 12) == .transmit(egress: 1))
        #expect(forwarder.send(TestFrame.Flag.syn, from: 9, at: 12) == .transmit(egress: 2))
        #expect(forwarder.send(TestFrame.Flag.syn, from: 10, at: 12) == .transmit(egress: 2))
        // Without the threshold, at once.
        forwarder.apply(services(0), now: .seconds(12))
        #expect(forwarder.send(TestFrame.Flag.syn, from: 11, at: 12) == .transmit(egress: 1))
    }

    @Test("a connection that only becomes inactive takes nobody below a threshold")
    func inactive() {
        var first = RealServer.at(1)
        (first.upper, first.lower) = (4, 4)
        var forwarder = FlowTests.forwarder([.web([first])])
        for client in UInt16(1)...4 { _ = forwarder.send(TestFrame.Flag.syn, from: client) }
        #expect(forwarder.send(TestFrame.Flag.syn, from: 5) == .unreachable)
        #expect(forwarder.send(TestFrame.Flag.ack, from: 1) == .transmit(egress: 1))
        #expect(forwarder.send(TestFrame.Flag.rst, from: 1) == .transmit(egress: 1))
        #expect(forwarder.connections == [[3, 1]])
        #expect(forwarder.send(TestFrame.Flag.syn, from: 5) == .unreachable)
    }
}
