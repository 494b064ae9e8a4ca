import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("the sentinel's ledger")
struct SentinelLedgerTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let other = IPAddress.v6(IPv6Address("2001:db8::10") ?? .any)
    static let dip = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    static let own = MACAddress(rawValue: 0x0200_0000_0011)
    static let director = MACAddress(rawValue: 0x0200_0000_0001)
    static let stranger = MACAddress(rawValue: 0x0200_0000_00BB)
    static let another = MACAddress(rawValue: 0x0200_0000_00CC)
    static let start = ContinuousClock.now

    var ledger = SentinelLedger(vips: [vip, other], directors: [dip])

    static func claim(
        _ address: IPAddress = vip, by mac: MACAddress, _ form: AddressClaim.Form = .answer(to: own)
    ) -> AddressClaim {
        AddressClaim(address: address, mac: mac, form: form)
    }

    /// A round in which these stations answer for the VIP.
    mutating func round(_ macs: MACAddress...) -> [String] {
        for mac in macs { ledger.heard(Self.claim(by: mac), own: Self.own, now: Self.start) }
        ledger.endRound(interface: "eth0")
        return ledger.findings(at: Self.start).warnings[Self.vip] ?? ["no list"]
    }

    mutating func problems(after seconds: Double = 0, of vip: IPAddress = vip) -> [String] {
        ledger.findings(at: Self.start + .seconds(seconds)).problems[vip] ?? ["no list"]
    }

    @Test("a leak is told with interface, VIP and asker, of the VIP it concerns alone")
    mutating func leak() {
        ledger.sent(Self.claim(by: Self.own, .answer(to: Self.stranger)), interface: "eth0", now: Self.start)
        let problems = problems()
        #expect(problems.count == 1)
        #expect(
            problems.first?.hasPrefix(
                "eth0 answered who-has for VIP 192.0.2.10 (asked by 02:00:00:00:00:bb): this host leaks the VIP")
                == true)
        #expect(self.problems(of: Self.other).isEmpty)
        #expect(ledger.findings(at: Self.start).warnings == [Self.vip: [], Self.other: []])
    }

    @Test("a leak counts for 60 s after the last time, in the words of the first")
    mutating func hold() {
        ledger.sent(Self.claim(by: Self.own, .answer(to: Self.stranger)), interface: "eth0", now: Self.start)
        let first = problems()
        ledger.sent(
            Self.claim(by: Self.own, .answer(to: Self.another)), interface: "eth0", now: Self.start + .seconds(50))
        #expect(ledger.nextExpiry == Self.start + .seconds(110))
        #expect(problems(after: 109.9) == first)
        #expect(problems(after: 110).isEmpty)
        #expect(ledger.nextExpiry == nil)
    }

    @Test("each interface that leaks is told")
    mutating func interfaces() {
        for name in ["eth1", "eth0"] {
            ledger.sent(Self.claim(by: Self.own, .answer(to: Self.stranger)), interface: name, now: Self.start)
        }
        #expect(problems().map { $0.prefix(4) } == ["eth0", "eth1"])
    }

    @Test("a mended leak no longer counts, and counts again when it is seen again")
    mutating func settle() {
        let claim = Self.claim(by: Self.own, .announcement)
        ledger.sent(claim, interface: "eth0", now: Self.start)
        ledger.settle([Self.other])
        #expect(problems().count == 1)
        ledger.settle([Self.vip])
        #expect(problems().isEmpty)
        ledger.sent(claim, interface: "eth0", now: Self.start)
        #expect(problems().first?.hasPrefix("eth0 announced VIP 192.0.2.10") == true)
    }

    @Test("each way of leaking is told in its own words")
    mutating func words() {
        ledger.sent(
            Self.claim(by: Self.own, .question(about: IPv4Address(10, 0, 0, 7))), interface: "a", now: Self.start)
        ledger.sent(Self.claim(Self.other, by: Self.own), interface: "b", now: Self.start)
        #expect(problems().first?.contains("asked for 10.0.0.7 in the name of VIP 192.0.2.10") == true)
        #expect(
            problems(of: Self.other).first?.contains("answered a neighbour solicitation for VIP 2001:db8::10") == true)
    }

    @Test("what is said of other addresses is none of its business")
    mutating func otherAddresses() {
        let rip = IPAddress.v4(IPv4Address(10, 0, 0, 11))
        ledger.sent(Self.claim(rip, by: Self.own), interface: "eth0", now: Self.start)
        ledger.heard(Self.claim(rip, by: Self.stranger), own: Self.own, now: Self.start)
        #expect(round().isEmpty && problems().isEmpty && ledger.answerers.isEmpty)
    }

    @Test("a director may answer, another host is named by its MAC for three rounds")
    mutating func foreign() {
        ledger.learn([Self.dip: Self.director, .v4(IPv4Address(10, 0, 0, 2)): Self.stranger])
        #expect(round(Self.director).isEmpty)
        let warnings = round(Self.director, Self.stranger)
        #expect(warnings.count == 1)
        #expect(
            warnings.first?.hasPrefix("another host, 02:00:00:00:00:bb, answers for VIP 192.0.2.10 on eth0: find it")
                == true)
        #expect(ledger.answerers.map(\.standing) == [.director, .foreign])
        #expect(round(Self.director) == warnings)
        #expect(round(Self.director) == warnings)
        #expect(round(Self.director).isEmpty)
    }

    @Test("with a director known, one that only announces the VIP is named too")
    mutating func announcer() {
        ledger.heard(Self.claim(Self.dip, by: Self.director), own: Self.own, now: Self.start)
        ledger.heard(Self.claim(by: Self.stranger, .announcement), own: Self.own, now: Self.start)
        #expect(round().count == 1)
    }

    @Test("VRRP's virtual MACs are a director's", arguments: [0x0000_5E00_0107, 0x0000_5E00_02FF] as [UInt64])
    mutating func vrrp(raw: UInt64) {
        #expect(round(MACAddress(rawValue: raw)).isEmpty)
        let warnings = round(MACAddress(rawValue: raw), Self.stranger)
        #expect(warnings.count == 1 && warnings.first?.contains("02:00:00:00:00:bb") == true)
    }

    @Test("a MAC that only looks like VRRP's is not", arguments: [0x0000_5E00_0307, 0x0100_5E00_0107] as [UInt64])
    mutating func notVRRP(raw: UInt64) {
        ledger.learn([Self.dip: Self.director])
        #expect(round(MACAddress(rawValue: raw)).count == 1)
    }

    @Test("with no director on the segment, one that answers alone may be it, even after a change of director")
    mutating func alone() {
        #expect(round(Self.stranger).isEmpty)
        #expect(ledger.answerers.map(\.standing) == [.alone])
        // The old one answered, the new one announces itself within the same round.
        ledger.heard(Self.claim(by: Self.another, .announcement), own: Self.own, now: Self.start)
        #expect(round(Self.stranger).isEmpty)
        #expect(round(Self.another).isEmpty)
    }

    @Test("with no director on the segment, two that answer are one too many, until the director is known")
    mutating func ambiguous() {
        let warnings = round(Self.stranger, Self.another)
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("2 hosts answer for VIP 192.0.2.10 on eth0") == true)
        #expect(warnings.first?.contains("02:00:00:00:00:bb, 02:00:00:00:00:cc") == true)
        #expect(round() == warnings)
        ledger.learn([Self.dip: Self.another])
        #expect(round(Self.another).isEmpty)
    }

    @Test("a director that makes itself known later is no suspect any more")
    mutating func lateDirector() {
        ledger = SentinelLedger(vips: [Self.vip], directors: [Self.dip, .v4(IPv4Address(10, 0, 0, 2))])
        ledger.learn([Self.dip: Self.director])
        #expect(round(Self.another).count == 1)
        ledger.heard(
            Self.claim(.v4(IPv4Address(10, 0, 0, 2)), by: Self.another), own: Self.own, now: Self.start)
        #expect(round().isEmpty)
    }

    @Test("a director whose hardware was replaced keeps its right under the new MAC, and the old MAC loses it")
    mutating func replaced() {
        ledger.learn([Self.dip: Self.stranger])
        ledger.heard(Self.claim(Self.dip, by: Self.director), own: Self.own, now: Self.start)
        #expect(round(Self.director).isEmpty)
        #expect(round(Self.stranger).count == 1)
    }
}
