internal import NetworkAddress

/// What the sentinel makes of what it hears: which VIPs this host leaks, and who else answers for them. A state machine
/// that knows nothing but the time and the claims it is given.
struct SentinelLedger: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a leak counts after it was last seen: the server stays down meanwhile, for the next who-has would leak again.
    static let leakHold = Duration.seconds(60)
    /// For how many rounds without hearing it again another answerer counts.
    static let warningRounds = 3

    private struct LeakKey: Hashable {
        var vip: IPAddress
        var interface: String
    }

    private struct Suspect: Hashable {
        var vip: IPAddress
        var mac: MACAddress
        var standing: Answerer.Standing
    }

    private let vips: [IPAddress]
    private let known: Set<IPAddress>
    private let directors: Set<IPAddress>
    /// The first leak of each kind stays the one that is told, lest the text change with every asker.
    private var leaks: [LeakKey: (leak: Leak, end: Instant)] = [:]
    private var directorMACs: [IPAddress: MACAddress] = [:]
    /// Who claimed which VIP since the last round ended.
    private var claims: [IPAddress: [MACAddress: (isAnswer: Bool, time: Instant)]] = [:]
    private var suspects: [Suspect: (interface: String, round: Int)] = [:]
    private var round = 0
    /// Who was heard in the last round.
    private(set) var answerers: [Answerer] = []

    /// Watches over `vips`; `directors` are the addresses of those who may answer for them.
    init(vips: [IPAddress], directors: [IPAddress]) {
        self.vips = Array(Set(vips)).sorted()
        known = Set(vips)
        self.directors = Set(directors)
    }

    /// This host sent a claim of its own by `interface`.
    mutating func sent(_ claim: AddressClaim, interface: String, now: Instant) {
        guard known.contains(claim.address) else { return }
        let leak =
            switch claim.form {
            case .answer(let asker):
                Leak(vip: claim.address, interface: interface, operation: .answer, recipient: asker)
            case .announcement: Leak(vip: claim.address, interface: interface, operation: .announcement)
            case .question(let target):
                Leak(vip: claim.address, interface: interface, operation: .question(about: target))
            }
        let key = LeakKey(vip: claim.address, interface: interface)
        leaks[key] = (leaks[key]?.leak ?? leak, now + Self.leakHold)
    }

    /// Another station's claim came in. `own`: this interface's MAC, to which answers to our questions are addressed.
    mutating func heard(_ claim: AddressClaim, own: MACAddress, now: Instant) {
        if directors.contains(claim.address) { directorMACs[claim.address] = claim.mac }
        guard known.contains(claim.address) else { return }
        let isAnswer = claim.form == .answer(to: own) || claims[claim.address]?[claim.mac]?.isAnswer == true
        claims[claim.address, default: [:]][claim.mac] = (isAnswer, now)
    }

    /// What the kernel knows of the neighbours: the directors among them are noted.
    mutating func learn(_ neighbors: [IPAddress: MACAddress]) {
        for (address, mac) in neighbors where directors.contains(address) && mac.isUnicast {
            directorMACs[address] = mac
        }
    }

    /// The causes of these VIPs' leaks were mended: they no longer count. One more leak, and they do again.
    mutating func settle(_ vips: Set<IPAddress>) {
        leaks = leaks.filter { !vips.contains($0.key.vip) }
    }

    /// A round of questions on `interface` is over: judges who answered.
    mutating func endRound(interface: String) {
        round += 1
        answerers = claims.flatMap { vip, heard in judge(vip, heard) }.sorted {
            ($0.vip, $0.mac.rawValue) < ($1.vip, $1.mac.rawValue)
        }
        claims = [:]
        for answerer in answerers where answerer.standing == .foreign || answerer.standing == .ambiguous {
            let suspect = Suspect(vip: answerer.vip, mac: answerer.mac, standing: answerer.standing)
            suspects[suspect] = (interface, round)
        }
        // A director that made itself known since is no suspect any more, nor is it unknown who may answer.
        let areDirectorsKnown = !directorMACs.isEmpty
        suspects = suspects.filter { suspect, last in
            round - last.round < Self.warningRounds && !isDirector(suspect.mac)
                && !(suspect.standing == .ambiguous && areDirectorsKnown)
        }
    }

    /// When something stops to count by time alone; nil: nothing does.
    var nextExpiry: Instant? { leaks.values.map(\.end).min() }

    /// Forgets what is over; what counts now.
    mutating func findings(at now: Instant) -> SentinelFindings {
        leaks = leaks.filter { $0.value.end > now }
        var findings = SentinelFindings(vips: vips)
        for (key, value) in leaks { findings.problems[key.vip, default: []].append(value.leak.description) }
        for vip in Set(suspects.keys.map(\.vip)) { findings.warnings[vip] = warnings(for: vip) }
        for vip in vips { findings.problems[vip]?.sort() }
        return findings
    }

    private func judge(
        _ vip: IPAddress, _ heard: [MACAddress: (isAnswer: Bool, time: Instant)]
    ) -> [Answerer] {
        let areDirectorsKnown = !directorMACs.isEmpty || heard.keys.contains(where: isDirector)
        // Without a director to compare with, an announcement says nothing: the director may just have changed.
        let answering = heard.values.count(where: \.isAnswer)
        return heard.map { mac, claim in
            let standing: Answerer.Standing =
                if isDirector(mac) {
                    .director
                } else if areDirectorsKnown {
                    .foreign
                } else {
                    claim.isAnswer && answering > 1 ? .ambiguous : .alone
                }
            return Answerer(vip: vip, mac: mac, lastSeen: claim.time, standing: standing)
        }
    }

    private func isDirector(_ mac: MACAddress) -> Bool {
        // VRRP's virtual MACs: 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6 (RFC 9568 §7.3).
        [0x00_005E_0001, 0x00_005E_0002].contains(mac.rawValue >> 8) || directorMACs.values.contains(mac)
    }

    private func warnings(for vip: IPAddress) -> [String] {
        let own = suspects.filter { $0.key.vip == vip }.sorted { $0.key.mac.rawValue < $1.key.mac.rawValue }
        var texts = own.filter { $0.key.standing == .foreign }.map { suspect, last in
            "another host, \(suspect.mac), answers for VIP \(vip) on \(last.interface): find it by its MAC (the switch's "
                + "table, `ip neigh`), and hide the VIP there"
        }
        let several = own.filter { $0.key.standing == .ambiguous }
        if let interface = several.first?.value.interface {
            let macs = several.map(\.key.mac.description).joined(separator: ", ")
            texts.append(
                "\(several.count) hosts answer for VIP \(vip) on \(interface), and only the director may: \(macs); find "
                    + "them by their MACs, and hide the VIP on all but the director")
        }
        return texts
    }
}
