import NetworkAddress
import PacketIO
import Testing

@testable import RealServerSetup

@Suite("what the sentinel reads and writes")
struct SentinelFrameTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let vip6 = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x12_3456)
    static let source = IPv6Address(high: 0xFE80_0000_0000_0000, low: 0x11)
    static let own = MACAddress(rawValue: 0x0200_0000_0011)
    static let other = MACAddress(rawValue: 0x0200_0000_00BB)

    static func claim(_ message: ARPMessage) -> AddressClaim? {
        var bytes = [UInt8](repeating: 0, count: ARPMessage.frameLength)
        bytes.withUnsafeMutableBytes { message.write(to: .broadcast, into: $0) }
        return claim(bytes)
    }

    static func claim(_ bytes: [UInt8]) -> AddressClaim? { bytes.withUnsafeBytes { AddressClaim(frame: $0) } }

    /// An advertisement of `vip6` at 02:00:00:00:00:bb, solicited, from the station 02:00:00:00:00:0a.
    static let advertisement: [UInt8] =
        [2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x0A, 0x86, 0xDD, 0x60, 0, 0, 0, 0, 32, 58, 255]
        + [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBB]
        + [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11]
        + [136, 0, 0, 0, 0x60, 0, 0, 0, 0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56]
        + [2, 1, 2, 0, 0, 0, 0, 0xBB]

    @Test("an ARP reply is an answer, gratuitous ARP of either kind an announcement, a probe no claim")
    func arp() {
        let question = ARPMessage.request(Self.vip, from: Self.own, IPv4Address(10, 0, 0, 11))
        #expect(
            Self.claim(question.answer(from: Self.other))
                == AddressClaim(address: .v4(Self.vip), mac: Self.other, form: .answer(to: Self.own)))
        #expect(Self.claim(.announcement(Self.vip, from: Self.other))?.form == .announcement)
        var reply = question.answer(from: Self.other)
        reply.target = Self.vip
        #expect(Self.claim(reply)?.form == .announcement)
        #expect(Self.claim(.probe(Self.vip, from: Self.other)) == nil)
        #expect(
            Self.claim(question)
                == AddressClaim(
                    address: .v4(IPv4Address(10, 0, 0, 11)), mac: Self.own, form: .question(about: Self.vip)))
    }

    @Test("a solicited advertisement is an answer, with the MAC of its option, else of its sender")
    func advertisement() {
        #expect(
            Self.claim(Self.advertisement)
                == AddressClaim(address: .v6(Self.vip6), mac: Self.other, form: .answer(to: Self.own)))
        var plain = Array(Self.advertisement.dropLast(8))
        plain[19] = 24
        #expect(Self.claim(plain)?.mac == MACAddress(rawValue: 0x0200_0000_000A))
        var unsolicited = Self.advertisement
        unsolicited[58] = 0x20
        #expect(Self.claim(unsolicited)?.form == .announcement)
    }

    @Test("an advertisement that was forwarded, or is none, is no claim", arguments: [12, 20, 21, 54, 55])
    func notAdvertisement(offset: Int) {
        var frame = Self.advertisement
        frame[offset] ^= 1
        #expect(Self.claim(frame) == nil)
    }

    @Test("frames cut short anywhere, with options of any length, are read within their bounds")
    func damaged() {
        for count in 0..<Self.advertisement.count { _ = Self.claim(Array(Self.advertisement.prefix(count))) }
        for length in UInt8.min...UInt8.max {
            var frame = Self.advertisement
            frame[79] = length
            #expect(Self.claim(frame)?.mac == (length == 1 ? Self.other : MACAddress(rawValue: 0x0200_0000_000A)))
            frame[79] = 1
            frame[19] = length
            _ = Self.claim(frame)
        }
        #expect(Self.claim(Array(Self.advertisement.prefix(77))) == nil)
    }

    @Test("a solicitation is what RFC 4861 says, byte for byte")
    func solicitation() {
        let expected: [UInt8] =
            [0x33, 0x33, 0xFF, 0x12, 0x34, 0x56, 2, 0, 0, 0, 0, 0x11, 0x86, 0xDD, 0x60, 0, 0, 0, 0, 32, 58, 255]
            + [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11]
            + [0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0x12, 0x34, 0x56]
            + [135, 0, 0xE2, 0x72, 0, 0, 0, 0, 0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56]
            + [1, 1, 2, 0, 0, 0, 0, 0x11]
        #expect(NeighborDiscovery.solicitation(for: Self.vip6, from: Self.own, Self.source) == expected)
    }

    @Test("a round asks for each address 20 ms apart, waits for answers, and comes again after the interval")
    func schedule() {
        let addresses = (1...3).map { IPAddress.v4(IPv4Address(192, 0, 2, $0)) }
        var random = SystemRandomNumberGenerator()
        let start = ContinuousClock.now
        var schedule = ProbeSchedule(targets: addresses, interval: .seconds(10), now: start)
        var steps: [(ProbeSchedule.Step, Duration)] = []
        while steps.count < 6 {
            let now = schedule.due
            while case let step = schedule.advance(to: now, using: &random), step != .rest {
                steps.append((step, now - start))
            }
        }
        #expect(steps.prefix(5).map(\.0) == [.begin] + addresses.map { .ask($0) } + [.end])
        #expect(steps.prefix(5).map(\.1) == [.zero, .zero, .milliseconds(20), .milliseconds(40), .milliseconds(1040)])
        #expect(steps[5].0 == .begin && (Duration.seconds(9)...(.seconds(11))).contains(steps[5].1))
    }

    @Test("a thousand addresses take 20 s, whatever the interval, and what was late is not made up for")
    func pace() {
        let addresses = (0..<1000).map { IPAddress.v4(IPv4Address(rawValue: 0xC000_0200 + $0)) }
        var random = SystemRandomNumberGenerator()
        let start = ContinuousClock.now
        var schedule = ProbeSchedule(targets: addresses, interval: .seconds(10), now: start)
        #expect(schedule.advance(to: start, using: &random) == .begin)
        let late = start + .seconds(5)
        #expect(schedule.advance(to: late, using: &random) == .ask(addresses[0]))
        #expect(schedule.advance(to: late, using: &random) == .rest)
        var asked = 1
        while schedule.advance(to: schedule.due, using: &random) != .end { asked += 1 }
        #expect(asked == 1000)
        #expect(schedule.due - late >= .milliseconds(20) * 999)
    }
}
