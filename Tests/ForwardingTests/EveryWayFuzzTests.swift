import Fuzzing
import NetworkAddress
import Testing

@testable import Forwarding

/// Both families, both protocols, every way of forwarding, answers that pass and answers that do not: what
/// ``FuzzTests`` asks of direct routing, in groups as the engine has them judged.
@Suite("Random traffic by every way of forwarding")
struct EveryWayFuzzTests {
    typealias Flag = TestFrame.Flag

    /// One way to a server, of which there is one on each family's VIP for each protocol: its port tells which.
    struct Way {
        let port: UInt16
        let method: ForwardMethod
        let answersReturn: Bool
        let server: IPv6Address
        let isIPv6: Bool
        /// What its server is sent goes out here, and what it sends comes in.
        let link: Int

        var vip: IPv6Address { Wire.mapped(isIPv6 ? "2001:db8::10" : "192.0.2.10") }
        var client: IPv6Address { Wire.mapped(isIPv6 ? "2001:db8:7::1" : "198.51.100.7") }
        /// NAT's servers listen elsewhere.
        var realPort: UInt16 { method == .nat ? port + 8000 : port }
    }

    static let ways: [Way] = {
        var ways: [Way] = []
        for isIPv6 in [false, true] {
            let (near, other) = isIPv6 ? ("fd00::11", "10.0.0.11") : ("10.0.0.11", "fd00::11")
            func add(_ method: ForwardMethod, _ server: String, back: Bool = false) {
                let port = UInt16(80 + ways.count)
                ways.append(
                    Way(
                        port: port, method: method, answersReturn: back, server: Wire.mapped(server), isIPv6: isIPv6,
                        link: 1 + ways.count))
            }
            add(.direct, near)
            add(.direct, near, back: true)
            add(.nat, near)
            for tunnel in TunnelTests.tunnels {
                add(.tunnel(tunnel), tunnel.isIPv6 == isIPv6 ? near : other, back: tunnel.encapsulation == .gre)
            }
        }
        return ways
    }()

    /// The services; `missing` of the servers have no weight or are not there.
    static func services(_ random: inout SplitMix, missing: Bool) -> [VirtualService] {
        ways.flatMap { way in
            Transport.allCases.map { transport in
                let station = LinkStation(
                    egress: way.link, source: MACAddress(rawValue: 0x0200_0000_0001),
                    destination: MACAddress(rawValue: 0x0200_0000_1000 | UInt64(way.link)))
                let isThere = !missing || !random.once(in: 4)
                var service = VirtualService(
                    name: "\(transport)-\(way.port)", vip: way.vip.narrow, transport: transport, port: way.port,
                    scheduler: [.rr, .wlc, .sh, .mh][way.link % 4],
                    servers: isThere
                        ? [
                            RealServer(
                                address: way.server.narrow, port: way.method == .nat ? way.realPort : 0,
                                weight: missing && random.once(in: 4) ? 0 : 1, method: way.method,
                                station: missing && random.once(in: 4) ? nil : station, mtu: 1500)
                        ] : [])
                service.answersReturn = way.answersReturn
                service.isSloppy = random.once(in: 3)
                if way.link % 3 == 0 { service.persistence = Persistence(timeout: 60_000) }
                return service
            }
        }
    }

    /// What some end sends, right in every byte: a question, its answer, or an error about either; whole or the first or a later piece.
    static func packet(_ random: inout SplitMix) -> (packet: Wire.Packet, link: Int) {
        let way = ways[random.below(ways.count)]
        let clientPort = UInt16(40000 + random.below(6))
        let isUDP = random.once(in: 3)
        let payload = Wire.payload(random.once(in: 6) ? 1380 + random.below(100) : random.below(60))
        func segment(_ source: IPv6Address, _ sourcePort: UInt16, _ destination: IPv6Address, _ port: UInt16)
            -> Wire.Packet
        {
            let flags = [Flag.syn, Flag.syn, Flag.ack, Flag.ack, Flag.syn | Flag.ack, Flag.fin | Flag.ack, Flag.rst]
            var packet = Wire.Packet(source: source, destination: destination)
            if random.once(in: 2) { packet.fragment = 0x4000 }
            if random.once(in: 20) { packet.timeToLive = UInt8(random.below(3)) }
            packet = isUDP ? packet.udp(payload) : packet.tcp(payload, flags: flags[random.below(flags.count)])
            packet.body.replaceSubrange(0..<4, with: Wire.octets(sourcePort, 2) + Wire.octets(port, 2))
            return packet.checked(.complete, at: isUDP ? 6 : 16)
        }
        let question = segment(way.client, clientPort, way.vip, way.port)
        let isTranslated = way.method == .nat
        let answer =
            isTranslated
            ? segment(way.server, way.realPort, way.client, clientPort)
            : segment(way.vip, way.port, way.client, clientPort)
        let type: UInt8 = way.isIPv6 ? 2 : 3
        let info = UInt32(random.below(1600))
        func error(_ source: IPv6Address, about quoted: Wire.Packet) -> Wire.Packet {
            Wire.Packet(source: source, destination: quoted.source)
                .icmp(type, way.isIPv6 ? 0 : 4, info, quoting: Array(quoted.bytes.prefix(64)))
        }
        let router = way.isIPv6 ? QuotedPacketTests.router.1 : QuotedPacketTests.router.0
        switch random.below(10) {
        case 0...4: return (question, 0)
        case 5, 6: return (answer, way.link)
        case 7:
            // About an answer as the client's side has it.
            return (error(router, about: segment(way.vip, way.port, way.client, clientPort)), 0)
        case 8 where isTranslated:
            return (error(way.server, about: segment(way.client, clientPort, way.server, way.realPort)), way.link)
        case 8:
            guard case .tunnel(let tunnel) = way.method else { return (error(way.server, about: question), way.link) }
            let outer = TunnelTests.encapsulated(question.frame, in: tunnel) ?? []
            let source = tunnel.isIPv6 ? QuotedPacketTests.router.1 : QuotedPacketTests.router.0
            return (
                Wire.Packet(source: source, destination: tunnel.source)
                    .icmp(tunnel.isIPv6 ? 2 : 3, tunnel.isIPv6 ? 0 : 4, info, quoting: Array(outer.dropFirst(14))),
                way.link
            )
        default:
            var piece = random.once(in: 2) ? question : answer
            if piece.isIPv6 {
                piece.firstHeader = 44
                piece.options = [piece.transport, 0, 0, random.once(in: 2) ? 1 : 9, 0, 0, 0, 5]
            } else {
                piece.fragment = random.once(in: 2) ? 0x2000 : 0x0003
            }
            return (piece, piece.destination == way.vip ? 0 : way.link)
        }
    }

    /// The frame of such a packet, from whoever is on that link.
    static func frame(_ random: inout SplitMix) -> (bytes: [UInt8], link: Int) {
        let (packet, link) = packet(&random)
        var bytes = packet.frame
        bytes.replaceSubrange(6..<12, with: Wire.octets(UInt64(0x0200_0000_1000 | link), 6))
        return (bytes, link)
    }

    /// Up to three wrong bytes, the IPv4 header's checksum right more often than not; sometimes cut short.
    static func damage(_ frame: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var frame = frame
        guard random.once(in: 3) else { return frame }
        for _ in 0...random.below(3) { frame[12 + random.below(frame.count - 12)] = UInt8(random.below(256)) }
        if frame[12] == 8, !random.once(in: 4) { TestFrame.setHeaderChecksum(of: &frame) }
        return random.once(in: 6) ? Array(frame.prefix(random.below(frame.count + 1))) : frame
    }

    @Test("nothing is read or written beyond a frame and its headroom, and the counters agree with the table")
    func everyWay() {
        let run = FuzzRun(of: "every way of forwarding", unit: .frames, usual: 100_000)
        var random = SplitMix(seed: run.seed)
        var forwarder = Forwarder(flowCapacity: 150, seed: 5)
        forwarder.apply(Self.services(&random, missing: false), now: .seconds(0))
        forwarder.setLinkMTUs([1400])
        let templates = (0..<20_000).map { _ in Self.frame(&random) }
        let (answer, pieces) = (Self.room(ICMPError.longestFrame), Self.room(1 << 17))
        defer { answer.deallocate() }
        defer { pieces.deallocate() }
        var (sent, others): ([Int: Int], Set<Verdict>) = ([:], [])
        var (told, cut, milliseconds, round) = (0, 0, UInt64(0), 0)

        while round < run.count {
            let group = GuardedFrames(
                (0..<1 + random.below(Forwarder.groupSize)).map { _ in
                    let (bytes, link) = templates[random.below(templates.count)]
                    return GuardedFrames.Input(
                        bytes: Self.damage(bytes, &random), link: link, isPartial: random.once(in: 4),
                        segmentSize: random.once(in: 20) ? 1 + random.below(1500) : 0)
                })
            defer { group.deallocate() }
            milliseconds += UInt64(random.below(200))
            let now = Ticks(milliseconds: milliseconds)
            group.judge(by: &forwarder, now: now)
            round += group.frames.count
            for index in group.frames.indices {
                let frame = group.frames[index]
                switch group.verdicts[index] {
                case .transmit(let egress): sent[egress, default: 0] += 1
                case .split(let limit):
                    guard var splitter = Splitter(frame, limit: limit), splitter.bufferLength <= pieces.count else {
                        break
                    }
                    while var piece = splitter.next(into: pieces) {
                        cut += 1
                        _ = forwarder.forward(&piece, now: now)
                    }
                case .tunnelError:
                    if let (length, _) = forwarder.explain(frame, into: answer, now: now) {
                        told += 1
                        #expect(length <= answer.count)
                    }
                case let other: others.insert(other)
                }
                if case .transmit = group.verdicts[index] { continue }
                #expect(group.isUnchanged(index), "round \(round): \(group.verdicts[index])")
            }
            #expect(group.areGuardsWhole, "round \(round)")
            if random.once(in: 10) { forwarder.expire(now: now, budget: 10) }
            guard random.once(in: 100) else { continue }
            forwarder.apply(Self.services(&random, missing: random.once(in: 2)), now: now)
            let servers = forwarder.statistics().flatMap(\.servers)
            #expect(servers.allSatisfy { $0.activeConnections >= 0 && $0.inactiveConnections >= 0 })
            #expect(forwarder.flowCount <= 300)
        }

        // It has reached everything there is: each server, and clients by those whose answers pass here.
        for link in 0...Self.ways.count { #expect(sent[link, default: 0] > 20, "interface \(link)") }
        #expect(told > 0 && cut > 0)
        for verdict in [
            Verdict.notOurs, .unreachable, .timeExceeded, .drop(.noFlow), .drop(.fragment), .drop(.martian),
        ] {
            #expect(others.contains(verdict), "\(verdict)")
        }
        #expect(others.contains { if case .tooBig = $0 { true } else { false } })
        forwarder.apply(Self.services(&random, missing: false), now: Ticks(milliseconds: milliseconds))
        let open = forwarder.statistics().flatMap(\.servers).map { $0.activeConnections + $0.inactiveConnections }
        #expect(open.reduce(0, +) == forwarder.flowCount)
        forwarder.expire(now: Ticks(milliseconds: milliseconds + 2_000_000), budget: .max)
        let left = forwarder.statistics().flatMap(\.servers).map { $0.activeConnections + $0.inactiveConnections }
        #expect(left.allSatisfy { $0 == 0 } && forwarder.flowCount == 0)
        run.tell("\(sent.values.reduce(0, +)) forwarded, \(forwarder.drops.total) dropped, \(cut) pieces, \(told) told")
    }

    private static func room(_ count: Int) -> UnsafeMutableRawBufferPointer {
        .allocate(byteCount: count, alignment: 1)
    }
}

/// Frames to be judged together, each with headroom in memory of its own, between guards that nobody may write to.
struct GuardedFrames {
    struct Input {
        let bytes: [UInt8]
        let link: Int
        let isPartial: Bool
        let segmentSize: Int
    }

    private static let (guarded, headroom) = (32, 64)
    private static let mark: UInt8 = 0xEE

    let inputs: [Input]
    private let memory: [UnsafeMutableRawBufferPointer]
    let frames: UnsafeMutableBufferPointer<Frame>
    let verdicts: UnsafeMutableBufferPointer<Verdict>

    init(_ inputs: [Input]) {
        self.inputs = inputs
        memory = inputs.map { input in
            let count = Self.guarded + Self.headroom + input.bytes.count + Self.guarded
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            memory.initializeMemory(as: UInt8.self, repeating: Self.mark)
            UnsafeMutableRawBufferPointer(rebasing: memory[(Self.guarded + Self.headroom)...]).copyBytes(
                from: input.bytes)
            return memory
        }
        frames = .allocate(capacity: inputs.count)
        frames.initialize(repeating: Frame(bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0)))
        verdicts = .allocate(capacity: inputs.count)
        verdicts.initialize(repeating: .notOurs)
        for (index, input) in inputs.enumerated() {
            let start = Self.guarded + Self.headroom
            frames[index] = Frame(
                bytes: UnsafeMutableRawBufferPointer(rebasing: memory[index][start..<start + input.bytes.count]),
                headroom: Self.headroom, isPartial: input.isPartial, segmentSize: input.segmentSize,
                ingress: input.link)
        }
    }

    func deallocate() {
        for memory in memory { memory.deallocate() }
        frames.deallocate()
        verdicts.deallocate()
    }

    /// Has all of them judged, in as many groups as it takes where some must be cut.
    func judge(by forwarder: inout Forwarder, now: Ticks) {
        var judged = 0
        while judged < frames.count {
            judged += forwarder.forward(
                UnsafeMutableBufferPointer(rebasing: frames[judged...]),
                into: UnsafeMutableBufferPointer(rebasing: verdicts[judged...]), now: now)
        }
    }

    /// Whether a frame is as it came.
    func isUnchanged(_ index: Int) -> Bool { Array(frames[index].bytes) == inputs[index].bytes }

    /// Whether nothing was written in front of the headroom nor behind the frame.
    var areGuardsWhole: Bool {
        memory.allSatisfy { memory in
            memory.prefix(Self.guarded).allSatisfy { $0 == Self.mark }
                && memory.suffix(Self.guarded).allSatisfy { $0 == Self.mark }
        }
    }
}
