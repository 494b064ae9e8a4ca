import NetworkAddress
import Testing

@testable import Forwarding

@Suite("The record of a flow")
struct FlowRecordTests {
    private static func flow() -> Flow<IPv4FlowKey> {
        Flow(
            key: IPv4FlowKey(client: 1, vip: 2, clientPort: 3, port: 4, transport: 6), state: .udp, server: 5,
            insidePort: 6, inside: 7)
    }

    @Test("what shares a word keeps out of each other's way")
    func sharedWord() {
        for deadline: UInt64 in [0, 1, 0xFFFF_FFFF, 0x1_0000_0000, 0x1234_5678_9ABC, 0x1FFF_FFFF_FFFF] {
            for (isAnswered, isOutbound) in [(false, false), (true, false), (false, true), (true, true)] {
                var flow = Self.flow()
                flow.isAnswered = isAnswered
                flow.hasAnswers = isAnswered != isOutbound
                flow.deadline = deadline
                flow.isOutbound = isOutbound
                #expect(flow.deadline == deadline)
                #expect((flow.isAnswered, flow.isOutbound) == (isAnswered, isOutbound))
                #expect(flow.hasAnswers == (isAnswered != isOutbound))
                flow.deadline = 0
                flow.hasAnswers = isAnswered
                (flow.isAnswered, flow.isOutbound) = (!isAnswered, !isOutbound)
                #expect(flow.deadline == 0)
                #expect((flow.isAnswered, flow.isOutbound) == (!isAnswered, !isOutbound))
                #expect(flow.hasAnswers == isAnswered)
                #expect((flow.station, flow.server, flow.insidePort, flow.inside) == (StationTable.none, 5, 6, 7))
            }
        }
    }

    @Test(
        "a deadline at the end of time is the last moment there is, not an early one",
        arguments: [0x2000_0000_0000, UInt64.max])
    func endOfTime(deadline: UInt64) {
        var flow = Self.flow()
        flow.isAnswered = true
        flow.deadline = deadline
        #expect(flow.deadline == 0x1FFF_FFFF_FFFF)
        #expect(flow.isAnswered && !flow.isOutbound)
    }
}
