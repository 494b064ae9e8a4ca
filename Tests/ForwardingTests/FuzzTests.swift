import Forwarding
import Fuzzing
import NetworkAddress
import Testing

@Suite("Random traffic")
struct FuzzTests {
    typealias Flag = TestFrame.Flag

    static let hosts = UInt8(1)...6

    static func services(_ random: inout SplitMix, all: Bool) -> [VirtualService] {
        // Every tenth time nobody may get a new connection.
        let greatest = !all && Int.random(in: 0..<10, using: &random) == 0 ? 0 : 5
        let servers = hosts.filter { _ in all || Int.random(in: 0..<4, using: &random) > 0 }.map {
            RealServer.at(
                $0, weight: Int.random(in: 0...greatest, using: &random), isResolved: Bool.random(using: &random))
        }
        // Every fourth time there is no service for all ports, and none that is not 80's.
        let others: [VirtualService] =
            all || Int.random(in: 0..<4, using: &random) > 0 ? [.web(servers.reversed(), .rr, port: 0)] : []
        return [.web(servers, .wrr)] + others
    }

    /// Noise, or a segment with up to two wrong bytes, its header checksum right more often than not; sometimes cut short.
    static func frame(_ random: inout SplitMix, from template: [UInt8]) -> [UInt8] {
        if Int.random(in: 0..<5, using: &random) == 0 {
            return (0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var frame = template
        frame[34] = UInt8.random(in: 0...1, using: &random)
        frame[35] = UInt8.random(in: 0...255, using: &random)
        frame[37] = Bool.random(using: &random) ? 80 : 81
        let usual = [
            Flag.syn, Flag.syn, Flag.ack, Flag.ack, Flag.ack, Flag.fin | Flag.ack, Flag.rst, Flag.syn | Flag.ack,
        ]
        frame[47] = usual.randomElement(using: &random) ?? 0
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            frame[Int.random(in: 0..<frame.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Int.random(in: 0..<40, using: &random) == 0 {
            frame[16] = 0
            frame[17] = 0
        }
        if Int.random(in: 0..<4, using: &random) > 0 { TestFrame.setHeaderChecksum(of: &frame) }
        return Int.random(in: 0..<8, using: &random) > 0
            ? frame : Array(frame.prefix(Int.random(in: 0...frame.count, using: &random)))
    }

    @Test("frames, most of them almost right, and servers coming and going, never upset the counters")
    func counters() {
        let run = FuzzRun(of: "the packet path", unit: .frames, usual: 200_000)
        var random = SplitMix(seed: run.seed)
        var forwarder = FlowTests.forwarder(Self.services(&random, all: true), capacity: 60)
        var verdicts: [Verdict: Int] = [:]
        var milliseconds: UInt64 = 0
        let template = TestFrame().bytes
        let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: ICMPError.longestFrame, alignment: 1)
        defer { answer.deallocate() }

        for round in 1...run.count {
            milliseconds += UInt64.random(in: 0...20, using: &random)
            let now = Ticks(milliseconds: milliseconds)
            // Memory of just the frame's length, so that reading beyond it is reading beyond an allocation.
            let bytes = Self.frame(&random, from: template)
            let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            frame.copyBytes(from: bytes)
            for error in ICMPError.allCases { _ = error.write(about: UnsafeRawBufferPointer(frame), into: answer) }
            let verdict = forwarder.forward(frame, now: now)
            verdicts[verdict, default: 0] += 1
            frame.deallocate()
            if round % 100 == 0 { forwarder.expire(now: now, budget: 10) }
            if round % 1000 == 0 { forwarder.apply(Self.services(&random, all: round % 5000 == 0), now: now) }
            guard round % 5000 == 0 else { continue }
            // All servers are there now, those that were away with the flows that led to them.
            let servers = forwarder.statistics().flatMap(\.servers)
            let connections = servers.map { $0.activeConnections + $0.inactiveConnections }
            #expect(connections.reduce(0, +) == forwarder.flowCount, "round \(round)")
            #expect(servers.allSatisfy { $0.activeConnections >= 0 && $0.inactiveConnections >= 0 })
            #expect(forwarder.flowCount <= 60)
        }

        #expect(forwarder.drops.total == UInt64(DropReason.allCases.reduce(0) { $0 + verdicts[.drop($1), default: 0] }))
        // The traffic has reached everything there is.
        #expect(Set(Self.hosts).allSatisfy { verdicts[.transmit(egress: Int($0)), default: 0] > 1000 })
        // (A full table is what FullTableTests is for: here a RST always makes room.)
        // No answer passes here, and nothing is encapsulated or leaves: WireFuzzTests, PathTests and OutboundFuzzTests are for
        // these.
        let elsewhere: Set<DropReason> = [
            .tableFull, .answerExpired, .impostor, .notEncapsulated, .untranslatable, .portsExhausted, .noRoute,
            .nextHopUnresolved,
        ]
        for reason in DropReason.allCases where !elsewhere.contains(reason) {
            #expect(verdicts[.drop(reason), default: 0] > 0, "\(reason)")
        }
        for verdict in [Verdict.notOurs, .unreachable, .timeExceeded] { #expect(verdicts[verdict, default: 0] > 0) }

        forwarder.expire(now: Ticks(milliseconds: milliseconds + 1_000_000), budget: .max)
        let left = forwarder.statistics().flatMap(\.servers).map { [$0.activeConnections, $0.inactiveConnections] }
        #expect(left.allSatisfy { $0 == [0, 0] })
        #expect(forwarder.flowCount == 0)
        let forwarded = Self.hosts.reduce(0) { $0 + verdicts[.transmit(egress: Int($1)), default: 0] }
        run.tell("\(forwarded) forwarded, \(forwarder.drops.total) dropped")
    }
}
