import Fuzzing
import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Saved flows that somebody forged")
struct SavedFlowsFuzzTests {
    @Test("whatever they are, with the right checksum, they are refused or taken over, and the counters stay right")
    func forged() {
        let run = FuzzRun(of: "saved flows", usual: 300)
        var random = SplitMix(seed: run.seed)
        let saved = SavedFlowsTests.used().save(interfaces: SavedFlowsTests.names, at: SavedFlowsTests.start)
        let end = saved.count - SavedFlows.checksumLength
        var (resumed, refused) = (0, 0)
        for round in 1...run.count {
            var bytes = Array(saved[..<end])
            for _ in 0...random.below(4) {
                bytes[12 + random.below(end - 12)] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.once(in: 8) { bytes.removeLast(random.below(end - 12)) }
            var writer = SaveWriter()
            writer.append(bytes)
            writer.append(bytes.withUnsafeBytes(SavedFlows.checksum))
            var forwarder = FlowTests.forwarder(SavedFlowsTests.services(), capacity: 6)
            let outcome = try? forwarder.resume(
                writer.bytes, interfaces: SavedFlowsTests.names, at: SavedFlowsTests.later(1), now: .seconds(0))
            if outcome == nil { refused += 1 } else { resumed += 1 }
            #expect(outcome?.flows ?? 0 == forwarder.flowCount)
            // The flows that are there are used and end as any other.
            _ = forwarder.send(TestFrame.Flag.ack, from: 40_001, to: 443)
            let open = forwarder.statistics().flatMap(\.servers)
                .reduce(0) { $0 + $1.activeConnections + $1.inactiveConnections }
            #expect(open == forwarder.flowCount, "round \(round)")
            forwarder.apply([], now: .seconds(2))
            forwarder.expire(now: Ticks(milliseconds: .max / 2), budget: .max)
        }
        #expect(resumed > run.count / 10 && refused > run.count / 10)
        run.tell("\(resumed) resumed, \(refused) refused")
    }
}
