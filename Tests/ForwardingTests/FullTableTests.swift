import Forwarding
import NetworkAddress
import Testing

@Suite("A full flow table")
struct FullTableTests {
    typealias Flag = TestFrame.Flag

    @Test("a flood of SYNs costs no established connection its place, and grows nothing")
    func flood() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])], capacity: 100)
        MembershipTests.open(&forwarder, 1...60)
        for client in UInt16(1000)...20_000 {
            guard case .transmit = forwarder.send(Flag.syn, from: client) else {
                Issue.record("the SYN of \(client) was not forwarded")
                return
            }
        }
        #expect(forwarder.flowCount == 100)
        for client in UInt16(1)...60 {
            #expect(forwarder.send(Flag.ack, from: client) == .transmit(egress: client % 2 == 1 ? 1 : 2))
        }
        #expect(forwarder.connections.map { $0[0] }.reduce(0, +) == 100)
        // The youngest of the flood are there, the oldest are not.
        guard case .transmit = forwarder.send(Flag.ack, from: 20_000) else {
            Issue.record("the youngest SYN was forgotten")
            return
        }
        #expect(forwarder.send(Flag.ack, from: 1000) == .drop(.noFlow))
    }

    @Test("a table full of established connections keeps them all and drops what is new")
    func established() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])], capacity: 50)
        MembershipTests.open(&forwarder, 1...50)
        _ = forwarder.send(Flag.fin | Flag.ack, from: 50)
        for client in UInt16(100)...200 { #expect(forwarder.send(Flag.syn, from: client) == .drop(.tableFull)) }
        #expect(forwarder.drops[.tableFull] == 101)
        for client in UInt16(1)...50 {
            #expect(forwarder.send(Flag.ack, from: client) == .transmit(egress: client % 2 == 1 ? 1 : 2))
        }
    }

    @Test("a SYN on a known flow needs no room")
    func reuseInFullTable() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])], capacity: 1)
        MembershipTests.open(&forwarder, 1...1)
        _ = forwarder.send(Flag.fin | Flag.ack, from: 1)
        #expect(forwarder.send(Flag.syn, from: 2) == .drop(.tableFull))
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: 2))
    }

    @Test("what has expired goes first, then the oldest in SYN_RECV, then the oldest in CLOSE")
    func order() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])], capacity: 4)
        for flags in [Flag.syn, Flag.ack] { _ = forwarder.send(flags, from: 1, at: 0) }
        for flags in [Flag.syn, Flag.ack, Flag.fin] { _ = forwarder.send(flags, from: 2, at: 0) }
        for flags in [Flag.syn, Flag.ack, Flag.rst] { _ = forwarder.send(flags, from: 3, at: 115) }
        _ = forwarder.send(Flag.syn, from: 4, at: 115)
        #expect(forwarder.flowCount == 4)
        #expect(forwarder.send(Flag.syn, from: 5, at: 120) == .transmit(egress: 1), "2 has expired")
        for flags in [Flag.ack] { _ = forwarder.send(flags, from: 5, at: 120) }
        #expect(forwarder.send(Flag.ack, from: 4, at: 120.5) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.ack, from: 2, at: 120.5) == .drop(.noFlow))
        #expect(forwarder.send(Flag.syn, from: 6, at: 121) == .transmit(egress: 1), "3 was reset")
        #expect(forwarder.send(Flag.ack, from: 3, at: 121) == .drop(.noFlow))
        #expect(forwarder.send(Flag.syn, from: 7, at: 121) == .transmit(egress: 1), "6 was in SYN_RECV")
        #expect(forwarder.send(Flag.ack, from: 6, at: 121) == .drop(.noFlow))
        #expect(forwarder.send(Flag.ack, from: 7, at: 121) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.syn, from: 8, at: 121) == .drop(.tableFull))
        #expect(forwarder.connections == [[4, 0]])
    }

    @Test("nothing is given up for a connection that no server takes")
    func noServer() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])], capacity: 2)
        for client in UInt16(1)...2 { _ = forwarder.send(Flag.syn, from: client) }
        forwarder.apply([.web([.at(1, weight: 0)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 3) == .unreachable)
        for client in UInt16(1)...2 { #expect(forwarder.send(Flag.ack, from: client) == .transmit(egress: 1)) }
    }
}
