import Forwarding
import Fuzzing
import NetworkAddress
import Testing

@Suite("Frames judged together")
struct GroupTests {
    private static let services: [VirtualService] = {
        var tunnel = RealServer.at(4)
        tunnel.method = .tunnel(
            Tunnel(.ipip, from: .v4(IPv4Address(10, 0, 0, 254)), to: .v4(IPv4Address(10, 0, 0, 4))))
        var tunnelled = VirtualService.web([tunnel], port: 81)
        tunnelled.answersReturn = true
        var ipv6 = VirtualService.web([], port: 80)
        ipv6.vip = .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 10))
        var server6 = RealServer.at(5)
        server6.address = .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 5))
        ipv6.servers = [server6]
        var translated = VirtualService.web([.nat(3, port: 8080)])
        translated.vip = .v4(IPv4Address(192, 0, 2, 11))
        // Answers to both are alike.
        var alike = translated
        alike.vip = .v4(IPv4Address(192, 0, 2, 12))
        return [.web([.at(1), .at(2)], .wrr), tunnelled, ipv6, translated, alike]
    }()

    /// A SYN or what follows, to one of the services or from a server behind translation, often of a flow that was met before.
    private static func frame(_ random: inout SplitMix) -> [UInt8] {
        var frame = TestFrame()
        frame.clientPort = UInt16(random.below(40))
        frame.flags = random.once(in: 3) ? TestFrame.Flag.syn : TestFrame.Flag.ack
        switch random.below(8) {
        case 0: return FuzzTests.frame(&random, from: frame.bytes)
        case 1:
            frame.port = 81
            return frame.bytes
        case 2:
            frame.vip = IPv4Address(192, 0, 2, UInt8(11 + random.below(2)))
            return frame.bytes
        case 3:
            // The answer to one of those.
            (frame.client, frame.vip) = (IPv4Address(10, 0, 0, 3), frame.client)
            (frame.clientPort, frame.port) = (8080, frame.clientPort)
            return frame.bytes
        case 4:
            let segment = frame.bytes[34...]
            return Array(frame.bytes[..<12]) + [0x86, 0xDD, 0x60, 0, 0, 0, 0, UInt8(segment.count), 6, 64]
                + [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [99]
                + [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [10] + segment
        default: return frame.bytes
        }
    }

    /// What became of frames: verdicts, and the bytes that would be sent.
    private struct Outcome: Equatable {
        var verdicts: [Verdict] = []
        var bytes: [[UInt8]] = []
    }

    /// Gives `forwarder` these frames, each in memory of its own with headroom in front and nothing behind.
    private static func judge(_ frames: [[UInt8]], together: Bool, by forwarder: inout Forwarder, now: Ticks) -> Outcome
    {
        let headroom = 64
        let memory = frames.map { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: headroom + bytes.count, alignment: 1)
            UnsafeMutableRawBufferPointer(rebasing: memory[headroom...]).copyBytes(from: bytes)
            return memory
        }
        defer { for memory in memory { memory.deallocate() } }
        var held = memory.map {
            Frame(bytes: UnsafeMutableRawBufferPointer(rebasing: $0[headroom...]), headroom: headroom)
        }
        var verdicts = [Verdict](repeating: .notOurs, count: held.count)
        held.withUnsafeMutableBufferPointer { held in
            verdicts.withUnsafeMutableBufferPointer { verdicts in
                if together {
                    var judged = 0
                    while judged < held.count {
                        judged += forwarder.forward(
                            UnsafeMutableBufferPointer(rebasing: held[judged...]),
                            into: UnsafeMutableBufferPointer(rebasing: verdicts[judged...]), now: now)
                    }
                } else {
                    for index in held.indices { verdicts[index] = forwarder.forward(&held[index], now: now) }
                }
            }
        }
        return Outcome(verdicts: verdicts, bytes: held.map { Array($0.bytes) })
    }

    @Test("each gets what it would get by itself, whatever comes together")
    func equality() {
        var random = SplitMix(seed: 22)
        var one = Forwarder(flowCapacity: 60, seed: 7)
        var other = Forwarder(flowCapacity: 60, seed: 7)
        one.apply(Self.services, now: .seconds(0))
        other.apply(Self.services, now: .seconds(0))
        var verdicts: Set<Verdict> = []
        for round in 1...2000 {
            let frames = (0..<random.below(Forwarder.groupSize + 1)).map { _ in Self.frame(&random) }
            let now = Ticks(milliseconds: UInt64(round) * 10)
            let together = Self.judge(frames, together: true, by: &one, now: now)
            #expect(together == Self.judge(frames, together: false, by: &other, now: now))
            verdicts.formUnion(together.verdicts)
        }
        #expect(one.statistics() == other.statistics() && one.flowCount == other.flowCount)
        #expect(one.drops.total == other.drops.total)
        // By every service, and back to clients, who are behind interface 0.
        for egress in 0...5 { #expect(verdicts.contains(.transmit(egress: egress)), "interface \(egress)") }
        #expect(verdicts.contains(.drop(.noFlow)) && verdicts.contains(.notOurs))
    }
}
