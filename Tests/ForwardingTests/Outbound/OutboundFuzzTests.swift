import Fuzzing
import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Random traffic through source NAT")
struct OutboundFuzzTests {
    typealias World = OutboundWorld

    /// A frame of some kind, from one side or the other; most of them belong together, for there are few ports.
    static func template(_ random: inout SplitMix) -> [UInt8] {
        let host = UInt8(11 + random.below(3))
        let (server, port) = ("10.0.0.\(host)", UInt16(50000 + random.below(5)))
        let remote = random.once(in: 2) ? World.remote : "203.0.113.77"
        let seen = "203.0.113.5"
        let flags: UInt8 = [0x02, 0x12, 0x10, 0x11, 0x04][random.below(5)]
        let payload = Wire.payload(random.below(40))
        let type: UInt8 = random.once(in: 2) ? 3 : 11
        let mtu = UInt32(random.below(2000))
        func error(_ source: String, _ destination: String, _ quoted: Wire.Packet) -> Wire.Packet {
            var packet = Wire.Packet()
            (packet.source, packet.destination) = (Wire.mapped(source), Wire.mapped(destination))
            return packet.icmp(type, 4, mtu, quoting: quoted.bytes)
        }
        func fragment(_ packet: Wire.Packet, _ field: UInt16) -> Wire.Packet {
            var packet = packet
            packet.fragment = field
            return packet
        }
        let question = World.udp(server, port, remote, 53, Wire.payload(16))
        let answer = World.udp(remote, 53, seen, port, Wire.payload(16))
        switch random.below(14) {
        case 0, 1: return World.inside(host, World.tcp(server, port, remote, 80, flags: flags, payload))
        case 2: return World.inside(host, World.udp(server, port, remote, 53, payload))
        case 3: return World.inside(host, World.echo(server, remote, 8, port))
        case 4: return World.inside(host, fragment(question, 0x2000))
        case 5: return World.inside(host, fragment(question, 0x0003))
        case 6: return World.inside(host, error(server, remote, World.udp(remote, 53, server, port, payload)))
        case 7: return World.inside(host, error("172.16.0.1", remote, World.udp(remote, 53, server, port, payload)))
        case 8: return World.outside(World.tcp(remote, 80, seen, port, flags: flags, payload))
        case 9: return World.outside(World.udp(remote, 53, seen, port, payload))
        case 10: return World.outside(World.echo(remote, seen, 0, port))
        case 11: return World.outside(fragment(answer, 0x2000))
        case 12: return World.outside(error("192.0.2.77", seen, World.udp(seen, port, remote, 53, payload)))
        default: return World.outside(error(remote, seen, World.echo(seen, remote, 8, port)))
        }
    }

    /// Whether the IPv4 header's checksum and that behind it are right; nil: nobody can tell.
    static func isSound(_ frame: [UInt8]) -> Bool? {
        guard frame.count >= 34, frame[14] == 0x45 else { return nil }
        let end = 14 + (Int(frame[16]) << 8 | Int(frame[17]))
        guard end <= frame.count, frame[20] & 0x3F == 0, frame[21] == 0 else { return nil }
        guard Wire.sum(frame[14..<34]) == 0xFFFF else { return false }
        let pseudo = Array(frame[26..<34]) + [0, frame[23]] + Wire.octets(end - 34, 2)
        switch frame[23] {
        case 1: return Wire.sum(frame[34..<end]) == 0xFFFF
        case 17 where end >= 42 && frame[40] == 0 && frame[41] == 0: return true
        // A datagram may say that it ends before the packet does.
        case 17 where end >= 42 && (Int(frame[38]) << 8 | Int(frame[39])) != end - 34: return nil
        case 6, 17: return Wire.sum(pseudo + frame[34..<end]) == 0xFFFF
        default: return nil
        }
    }

    @Test("nothing leaves with an inner address, nothing right is made wrong, and the counters agree with the table")
    func neverLeaks() {
        let run = FuzzRun(of: "source NAT", unit: .frames, usual: 50_000)
        var random = SplitMix(seed: run.seed)
        let outbound = World.outbound(ports: 50000...50003, mtu: 80)
        var forwarder = World.forwarder(outbound, services: [OutboundChangeTests.service], capacity: 40)
        forwarder.learn(.v4(World.neighbor), on: 1, at: World.mac(0x77), now: .seconds(0))
        var verdicts: [Verdict: Int] = [:]
        var (seconds, sound) = (0.0, 0)
        for round in 1...run.count {
            seconds += Double(Int.random(in: 0...200, using: &random)) / 1000
            var frame = Self.template(&random)
            if random.once(in: 3) {
                for _ in 0...random.below(2) { frame[14 + random.below(frame.count - 14)] = UInt8(random.below(256)) }
                if !random.once(in: 4) { TestFrame.setHeaderChecksum(of: &frame) }
            }
            if random.once(in: 50) {
                frame[22] = 1
                TestFrame.setHeaderChecksum(of: &frame)
            }
            if random.once(in: 20) { frame = Array(frame.prefix(random.below(frame.count + 1))) }
            let (verdict, bytes) = forwarder.pass(frame, at: seconds, isPartial: random.once(in: 10))
            verdicts[verdict, default: 0] += 1
            switch verdict {
            case .transmit(egress: 1):
                #expect(bytes[26] != 10, "round \(round): \(bytes[26...29]) leaves")
                // In a later piece of an echo nobody can tell what that is.
                let isLaterPiece = bytes[20] & 0x1F != 0 || bytes[21] != 0
                #expect(
                    bytes[14] != 0x45 || bytes[23] != 1 || isLaterPiece || bytes[34] == 8 || bytes[34] == 0
                        || bytes[58] != 10, "round \(round): quoted: \(frame) became \(bytes)")
                fallthrough
            case .transmit:
                guard Self.isSound(frame) == true else { break }
                let result = Self.isSound(bytes)
                if result == true { sound += 1 }
            default:
                #expect(bytes == frame, "round \(round)")
            }
            guard round % 1000 == 0 else { continue }
            forwarder.expire(now: .seconds(seconds), budget: 5)
            forwarder.apply([OutboundChangeTests.service], outbound: outbound, now: .seconds(seconds))
            let counted = forwarder.outboundStatistics()[0]
            let services = forwarder.connections.joined().reduce(0, +)
            #expect(counted.activeConnections + counted.inactiveConnections + services == forwarder.flowCount)
            #expect(counted.activeConnections >= 0 && counted.inactiveConnections >= 0 && forwarder.flowCount <= 40)
        }
        // It has reached everything there is.
        let expected: [Verdict] = [
            .transmit(egress: 0), .transmit(egress: 1), .notOurs, .timeExceeded, .split(limit: 80),
        ]
        for verdict in expected { #expect(verdicts[verdict, default: 0] > 0, "\(verdict)") }
        for reason in [.portsExhausted, .noFlow, .fragment, .untranslatable, .malformed, .noService] as [DropReason] {
            #expect(forwarder.drops[reason] > 0, "\(reason)")
        }
        #expect(sound > run.count / 10)
        forwarder.expire(now: .seconds(seconds + 2000), budget: .max)
        #expect(forwarder.flowCount == 0 && forwarder.outboundStatistics()[0].activeConnections == 0)
        #expect(forwarder.outboundStatistics()[0].inactiveConnections == 0)
        run.tell("\(verdicts[.transmit(egress: 1), default: 0]) left, \(forwarder.drops.total) dropped")
    }

    @Test("what is right in every checksum is right in every checksum when it leaves or enters")
    func soundness() {
        var random = SplitMix(seed: 7)
        var forwarder = World.forwarder(World.outbound(ports: 50000...50003))
        var sound = 0
        for round in 1...20_000 {
            let frame = Self.template(&random)
            guard Self.isSound(frame) == true else { continue }
            let (verdict, bytes) = forwarder.pass(frame, at: Double(round) / 100)
            guard case .transmit = verdict else { continue }
            #expect(Self.isSound(bytes) == true, "round \(round): \(frame) became \(bytes)")
            sound += 1
        }
        #expect(sound > 2000)
    }
}
