import Fuzzing
import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Random traffic through source NAT")
struct OutboundFuzzTests {
    typealias World = OutboundWorld

    /// A frame of some kind, from one side or the other; most of them belong together, for there are few ports.
    static func template(_ world: World, _ random: inout SplitMix) -> [UInt8] {
        let host = UInt8(11 + random.below(3))
        let (server, port) = (world.server(host), UInt16(50000 + random.below(5)))
        let remote = random.once(in: 2) ? world.remote : world.onLink(77)
        let seen = world.seen
        let flags: UInt8 = [0x02, 0x12, 0x10, 0x11, 0x04][random.below(5)]
        let payload = Wire.payload(random.below(40))
        let type: UInt8 = random.once(in: 2) ? world.isIPv6 ? 2 : 3 : world.isIPv6 ? 3 : 11
        let mtu = UInt32(random.below(2000))
        func error(_ source: String, _ destination: String, _ quoted: Wire.Packet) -> Wire.Packet {
            var packet = Wire.Packet()
            (packet.source, packet.destination) = (Wire.mapped(source), Wire.mapped(destination))
            return packet.icmp(type, 4, mtu, quoting: quoted.bytes)
        }
        let question = World.udp(server, port, remote, 53, Wire.payload(16))
        let answer = World.udp(remote, 53, seen, port, Wire.payload(16))
        switch random.below(14) {
        case 0, 1: return World.inside(host, World.tcp(server, port, remote, 80, flags: flags, payload))
        case 2: return World.inside(host, World.udp(server, port, remote, 53, payload))
        case 3: return World.inside(host, World.echo(server, remote, port))
        case 4: return World.inside(host, question.fragmented(at: 0, hasMore: true))
        case 5: return World.inside(host, question.fragmented(at: 24, hasMore: false))
        case 6: return World.inside(host, error(server, remote, World.udp(remote, 53, server, port, payload)))
        case 7:
            let router = world.isIPv6 ? "fd00:1::1" : "172.16.0.1"
            return World.inside(host, error(router, remote, World.udp(remote, 53, server, port, payload)))
        case 8: return World.outside(World.tcp(remote, 80, seen, port, flags: flags, payload))
        case 9: return World.outside(World.udp(remote, 53, seen, port, payload))
        case 10: return World.outside(World.echo(remote, seen, port, isReply: true))
        case 11: return World.outside(answer.fragmented(at: 0, hasMore: true))
        case 12: return World.outside(error(world.far(77), seen, World.udp(seen, port, remote, 53, payload)))
        default: return World.outside(error(remote, seen, World.echo(seen, remote, port)))
        }
    }

    /// Whether the IPv4 header's checksum and that behind it are right; nil: nobody can tell.
    static func isSound(_ frame: [UInt8]) -> Bool? {
        let isIPv6 = frame.count >= 54 && frame[12] == 0x86 && frame[14] >> 4 == 6
        let (body, transport) = isIPv6 ? (54, frame[20]) : (34, frame.count >= 34 ? frame[23] : 0)
        guard frame.count >= body, isIPv6 || frame[14] == 0x45 else { return nil }
        let end = isIPv6 ? 54 + frame.number(at: 18) : 14 + frame.number(at: 16)
        guard end <= frame.count, isIPv6 || (frame[20] & 0x3F == 0 && frame[21] == 0) else { return nil }
        guard isIPv6 || Wire.sum(frame[14..<34]) == 0xFFFF else { return false }
        let pseudo = Array(frame[(isIPv6 ? 22 : 26)..<body]) + [0, transport] + Wire.octets(end - body, 2)
        switch transport {
        case 1 where !isIPv6: return Wire.sum(frame[34..<end]) == 0xFFFF
        case 17 where end >= body + 8 && frame.number(at: body + 6) == 0: return true
        // A datagram may say that it ends before the packet does.
        case 17 where end >= body + 8 && frame.number(at: body + 4) != end - body: return nil
        case 6, 17: return Wire.sum(pseudo + frame[body..<end]) == 0xFFFF
        case 58 where isIPv6: return Wire.sum(pseudo + frame[body..<end]) == 0xFFFF
        default: return nil
        }
    }

    /// Whether a server's own address is where one has no business to be on the way out: as the sender, or as whom a quoted packet
    /// was sent to.
    static func leaks(_ frame: [UInt8]) -> Bool {
        guard frame.number(at: 12) == 0x86DD else {
            // In a later piece of an echo nobody can tell what that is.
            let isLaterPiece = frame[20] & 0x1F != 0 || frame[21] != 0
            let isError = frame[23] == 1 && !isLaterPiece && frame[34] != 8 && frame[34] != 0
            return frame[26] == 10 || (frame[14] == 0x45 && isError && frame[58] == 10)
        }
        let servers: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0x0A, 0, 0]
        let isError = frame[20] == 58 && frame[54] < 128
        return frame[22..<30].elementsEqual(servers) || (isError && frame[86..<94].elementsEqual(servers))
    }

    @Test("nothing leaves with an inner address, nothing right is made wrong, and the counters agree with the table")
    func neverLeaks() {
        let run = FuzzRun(of: "source NAT", unit: .frames, usual: 50_000)
        var random = SplitMix(seed: run.seed)
        let outbound = World.both.map { $0.outbound(ports: 50000...50003, mtu: 80) }.joined
        let services = World.both.map(\.service)
        var forwarder = World.v4.forwarder(outbound, services: services, capacity: 40)
        for world in World.both { forwarder.learn(world.neighbor, on: 1, at: World.mac(0x77), now: .seconds(0)) }
        var verdicts: [Verdict: Int] = [:]
        var (seconds, sound) = (0.0, 0)
        for round in 1...run.count {
            seconds += Double(Int.random(in: 0...200, using: &random)) / 1000
            let world = World.both[random.below(2)]
            var frame = Self.template(world, &random)
            if random.once(in: 3) {
                for _ in 0...random.below(2) { frame[14 + random.below(frame.count - 14)] = UInt8(random.below(256)) }
                if !world.isIPv6, !random.once(in: 4) { TestFrame.setHeaderChecksum(of: &frame) }
            }
            if random.once(in: 50) {
                frame[world.isIPv6 ? 21 : 22] = 1
                if !world.isIPv6 { TestFrame.setHeaderChecksum(of: &frame) }
            }
            if random.once(in: 20) { frame = Array(frame.prefix(random.below(frame.count + 1))) }
            let (verdict, bytes) = forwarder.pass(frame, at: seconds, isPartial: random.once(in: 10))
            verdicts[verdict, default: 0] += 1
            switch verdict {
            case .transmit(egress: 1):
                #expect(!Self.leaks(bytes), "round \(round): \(frame) became \(bytes)")
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
            forwarder.apply(services, outbound: outbound, now: .seconds(seconds))
            let counted = forwarder.outboundStatistics().flatMap { [$0.activeConnections, $0.inactiveConnections] }
            let served = forwarder.connections.joined().reduce(0, +)
            #expect(counted.reduce(served, +) == forwarder.flowCount)
            #expect(counted.count == 4 && counted.allSatisfy { $0 >= 0 } && forwarder.flowCount <= 80)
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
        let left = forwarder.outboundStatistics().map { $0.activeConnections + $0.inactiveConnections }
        #expect(forwarder.flowCount == 0 && left == [0, 0])
        run.tell("\(verdicts[.transmit(egress: 1), default: 0]) left, \(forwarder.drops.total) dropped")
    }

    @Test(
        "what is right in every checksum is right in every checksum when it leaves or enters", arguments: World.both)
    func soundness(_ world: World) {
        var random = SplitMix(seed: 7)
        var forwarder = world.forwarder(world.outbound(ports: 50000...50003))
        var sound = 0
        for round in 1...20_000 {
            let frame = Self.template(world, &random)
            guard Self.isSound(frame) == true else { continue }
            let (verdict, bytes) = forwarder.pass(frame, at: Double(round) / 100)
            guard case .transmit = verdict else { continue }
            #expect(Self.isSound(bytes) == true, "round \(round): \(frame) became \(bytes)")
            sound += 1
        }
        #expect(sound > 2000)
    }
}

extension [UInt8] {
    fileprivate func number(at place: Int) -> Int { Int(self[place]) << 8 | Int(self[place + 1]) }
}

extension [Outbound] {
    /// All of them in one.
    fileprivate var joined: Outbound {
        Outbound(rules: flatMap(\.rules), routes: flatMap(\.routes), own: flatMap(\.own))
    }
}

extension Wire.Packet {
    /// Says of itself that it is such a fragment, of IPv6 in an extension header.
    fileprivate func fragmented(at offset: UInt16, hasMore: Bool) -> Wire.Packet {
        var packet = self
        guard isIPv6 else {
            packet.fragment = (hasMore ? 0x2000 : 0) | offset / 8
            return packet
        }
        packet.firstHeader = 44
        packet.options = [transport, 0] + Wire.octets(offset | (hasMore ? 1 : 0), 2) + Wire.octets(UInt32(0x1234), 4)
        return packet
    }
}
