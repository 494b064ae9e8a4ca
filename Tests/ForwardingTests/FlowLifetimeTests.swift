import Forwarding
import NetworkAddress
import Testing

@Suite("How long flows live")
struct FlowLifetimeTests {
    typealias Flag = TestFrame.Flag

    /// The packets that lead to a state, and how long IPVS remembers it, in seconds.
    static let lives: [(name: String, flags: [UInt8], timeout: Double, isActive: Bool)] = [
        ("SYN_RECV", [Flag.syn], 60, true),
        ("SYN_RECV, after a RST", [Flag.syn, Flag.rst], 60, true),
        ("SYN_RECV, after a SYN-ACK on a closed one", [Flag.syn, Flag.ack, Flag.rst, Flag.syn | Flag.ack], 60, true),
        ("ESTABLISHED", [Flag.syn, Flag.ack], 900, true),
        ("ESTABLISHED, after a stray SYN", [Flag.syn, Flag.ack, Flag.syn], 900, true),
        ("FIN_WAIT", [Flag.syn, Flag.ack, Flag.fin | Flag.ack], 120, false),
        ("FIN_WAIT, after the last ACK", [Flag.syn, Flag.ack, Flag.fin | Flag.ack, Flag.ack], 120, false),
        ("TIME_WAIT", [Flag.syn, Flag.fin | Flag.ack], 120, false),
        ("CLOSE", [Flag.syn, Flag.ack, Flag.rst], 10, false),
        ("CLOSE, after a packet without flags", [Flag.syn, Flag.ack, 0], 10, false),
    ]

    @Test("a flow is remembered for its state's timeout, to the millisecond", arguments: lives.indices)
    func timeout(index: Int) {
        let life = Self.lives[index]
        let end = 100 + life.timeout
        for isInTime in [true, false] {
            var forwarder = FlowTests.forwarder([.web([.at(1)])])
            for flags in life.flags {
                #expect(forwarder.send(flags, from: 1, at: 100) == .transmit(egress: 1), "\(life.name)")
            }
            #expect(forwarder.connections == [life.isActive ? [1, 0] : [0, 1]], "\(life.name)")
            let probe = forwarder.send(Flag.ack, from: 1, at: isInTime ? end - 0.001 : end)
            #expect(probe == (isInTime ? .transmit(egress: 1) : .drop(.noFlow)), "\(life.name)")
            #expect(forwarder.flowCount == (isInTime ? 1 : 0), "\(life.name)")
            if !isInTime { #expect(forwarder.connections == [[0, 0]], "\(life.name)") }
        }
    }

    @Test("each packet starts the timeout again")
    func renewal() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        #expect(forwarder.send(Flag.syn, from: 1, at: 0) == .transmit(egress: 1))
        for minute in 0..<100 {
            #expect(forwarder.send(Flag.ack, from: 1, at: Double(minute) * 899) == .transmit(egress: 1))
        }
    }

    @Test("the sweep brings the counters down without traffic, no further than its budget")
    func sweep() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        for client in UInt16(1)...10 { _ = forwarder.send(Flag.syn, from: client, at: 0) }
        for client in UInt16(1)...4 { _ = forwarder.send(Flag.ack, from: client, at: 0) }
        for client in UInt16(1)...2 { _ = forwarder.send(Flag.fin | Flag.ack, from: client, at: 0) }
        #expect(forwarder.connections == [[4, 1], [4, 1]])
        forwarder.expire(now: .seconds(59.999), budget: 100)
        #expect(forwarder.connections == [[4, 1], [4, 1]])
        forwarder.expire(now: .seconds(60), budget: 4)
        #expect(forwarder.flowCount == 6)
        forwarder.expire(now: .seconds(60), budget: 4)
        #expect(forwarder.connections == [[1, 1], [1, 1]])
        forwarder.expire(now: .seconds(120), budget: 4)
        #expect(forwarder.connections == [[1, 0], [1, 0]])
        forwarder.expire(now: .seconds(900), budget: 0)
        #expect(forwarder.connections == [[1, 0], [1, 0]])
        forwarder.expire(now: .seconds(900), budget: 4)
        #expect(forwarder.connections == [[0, 0], [0, 0]])
        #expect(forwarder.flowCount == 0)
    }

    @Test("a clock that runs backwards revives nothing and ends nothing early")
    func clock() {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        #expect(forwarder.send(Flag.syn, from: 1, at: 100) == .transmit(egress: 1))
        #expect(forwarder.send(Flag.syn, from: 2, at: 50) == .transmit(egress: 2))
        forwarder.expire(now: .seconds(159.999), budget: 10)
        #expect(forwarder.flowCount == 2)
        #expect(forwarder.send(Flag.syn, from: 2, at: 159.999) == .transmit(egress: 2), "not ended at 110 s")
        forwarder.expire(now: .seconds(160), budget: 10)
        #expect(forwarder.flowCount == 1)
        #expect(forwarder.send(Flag.ack, from: 1, at: 100) == .drop(.noFlow), "not revived")
    }

    @Test(
        "a SYN on a finished connection is scheduled anew, on an open one it is not",
        arguments: [
            ([Flag.syn], false), ([Flag.syn, Flag.ack], false),
            ([Flag.syn, Flag.ack, Flag.fin | Flag.ack], true),
            ([Flag.syn, Flag.fin | Flag.ack], true),
            ([Flag.syn, Flag.ack, Flag.rst], true),
        ])
    func reuse(flags: [UInt8], isScheduledAnew: Bool) {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])])
        for flags in flags { #expect(forwarder.send(flags, from: 1) == .transmit(egress: 1)) }
        #expect(forwarder.send(Flag.syn, from: 1) == .transmit(egress: isScheduledAnew ? 2 : 1))
        #expect(forwarder.connections == (isScheduledAnew ? [[0, 0], [1, 0]] : [[1, 0], [0, 0]]))
        #expect(forwarder.flowCount == 1)
    }

    @Test("a finished connection reopened while no server takes any is refused and forgotten")
    func reuseWithoutServer() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])])
        for flags in [Flag.syn, Flag.ack, Flag.rst] { _ = forwarder.send(flags, from: 1) }
        forwarder.apply([.web([.at(1, weight: 0)])], now: .seconds(1))
        #expect(forwarder.send(Flag.syn, from: 1) == .unreachable)
        #expect(forwarder.flowCount == 0)
        #expect(forwarder.connections == [[0, 0]])
    }
}
