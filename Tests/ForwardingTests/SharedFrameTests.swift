import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Frames that several forwarders are given")
struct SharedFrameTests {
    /// Two forwarders: those of clients with an even address, and those of all others.
    struct Pair: ~Copyable {
        var even: Forwarder
        var odd: Forwarder

        init(_ service: (inout VirtualService) -> Void = { _ in }) {
            even = PathTests.forwarder(.direct, service)
            odd = PathTests.forwarder(.direct, service)
            even.share { $0.map(Self.isEven) ?? true }
            odd.share { !($0.map(Self.isEven) ?? true) }
        }

        static func isEven(_ client: IPAddress) -> Bool {
            switch client {
            case .v4(let address): address.rawValue & 1 == 0
            case .v6(let address): address.low & 1 == 0
            }
        }

        /// The verdicts of both on one frame.
        mutating func judge(_ bytes: [UInt8], isShared: Bool = true) -> [Verdict] {
            [Self.judge(&even, bytes, isShared), Self.judge(&odd, bytes, isShared)]
        }

        private static func judge(_ forwarder: inout Forwarder, _ bytes: [UInt8], _ isShared: Bool) -> Verdict {
            withFrame(bytes, headroom: 64) { frame in
                frame.isShared = isShared
                return forwarder.forward(&frame, now: .seconds(1))
            }
        }

        var dropped: [UInt64] { [even.drops.total, odd.drops.total] }
    }

    /// What a router tells the VIP of a packet to this client.
    static func error(about question: Wire.Packet) -> [UInt8] {
        let answer = PathTests.answer(to: question, from: (question.destination, 80))
        var error = question
        error.source = Wire.mapped(question.isIPv6 ? "2001:db8:99::1" : "203.0.113.99")
        error.fragment = 0
        return
            (question.isIPv6 ? error.icmp(1, 4, 0, quoting: answer.bytes) : error.icmp(3, 3, 0, quoting: answer.bytes))
            .frame
    }

    /// Clients' SYNs, of both families, from an even address and from an odd one.
    static let questions = [Wire.Packet(), .ipv6()].flatMap { packet in
        (0..<2).map { last in
            var packet = packet
            packet.source = IPv6Address(high: packet.source.high, low: packet.source.low & ~1 | UInt64(last))
            return packet.tcp([], flags: 2)
        }
    }

    @Test(
        "an error is forwarded by the one that has the flow; without one it is counted once, by whose client it is about"
    )
    func errors() {
        var pair = Pair()
        for (index, question) in Self.questions.enumerated() {
            let own = index % 2
            let before = pair.dropped
            let unknown: [Verdict] = own == 0 ? [.drop(.noFlow), .notOurs] : [.notOurs, .drop(.noFlow)]
            #expect(pair.judge(Self.error(about: question)) == unknown)
            #expect(pair.dropped == [before[0] + (own == 0 ? 1 : 0), before[1] + (own == 1 ? 1 : 0)])
            // Its client connects, to the one whose it is.
            let counted = pair.dropped
            let verdict = withFrame(question.frame, headroom: 64) { frame in
                own == 0 ? pair.even.forward(&frame, now: .seconds(1)) : pair.odd.forward(&frame, now: .seconds(1))
            }
            #expect(verdict == .transmit(egress: 1))
            #expect(pair.judge(Self.error(about: question)) == (own == 0 ? [verdict, .notOurs] : [.notOurs, verdict]))
            #expect(pair.dropped == counted)
        }
    }

    @Test("one that tells of nobody is counted once, too, and a frame that one alone was given by that one")
    func others() {
        var pair = Pair()
        var quoteless = Wire.Packet().icmp(3, 3, 0, quoting: [0x45])
        #expect(pair.judge(quoteless.frame) == [.drop(.noService), .notOurs])
        quoteless.source = quoteless.destination
        #expect(pair.judge(quoteless.frame) == [.drop(.martian), .notOurs])
        #expect(pair.dropped == [2, 0])
        let error = Self.error(about: Self.questions[0])
        #expect(pair.judge(error, isShared: false) == [.drop(.noFlow), .drop(.noFlow)])
    }

    @Test("an error from a server's side is about the client that it quotes as its sender")
    func fromServers() {
        // Nothing leaves here but for source NAT: only there the lack of a flow is a drop.
        let remote = OutboundWorld.v4.remote
        var world = OutboundWorld.v4.forwarder()
        let quoted = OutboundWorld.tcp(remote, 80, "10.0.0.11", 40001, flags: 0x10, [])
        var error = quoted
        error.source = Wire.mapped("10.0.0.11")
        error.destination = Wire.mapped(remote)
        let frame = OutboundWorld.inside(11, error.icmp(3, 3, 0, quoting: quoted.bytes))
        for isMine in [true, false] {
            world.share { isMine == ($0 == IPAddress(remote)) }
            let verdict = withFrame(frame, headroom: 64) { frame in
                frame.isShared = true
                return world.forward(&frame, now: .seconds(1))
            }
            #expect(verdict == (isMine ? .drop(.noFlow) : .notOurs))
        }
    }
}
