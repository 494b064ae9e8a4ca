internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// One VIP on one interface: who may have it, by IPv4 Address Conflict Detection (RFC 5227) or IPv6 Duplicate Address
/// Detection (RFC 4862 §5.4), as a state machine that knows nothing but the time and the messages it is given.
///
/// ```
///  silent (own_vip = false)
///  waiting ─► probing (IPv4 ×3, IPv6 ×1) ─► announcing (×2, ×3) ─► owned          each step after a delay
///     ▲          │ somebody has it                                   │ somebody says it has it: defend, once in 10 s
///     └─ taken ◄─┘
/// ```
/// While announcing and owned, every request for the VIP is answered with the interface's MAC, nothing else ever is. The
/// real servers hold the VIP too, but hide it: one that does not is a conflict like any other. For IPv6 no RFC says how to
/// defend an address or when to try again after a conflict; IPv4's rules are as good there.
struct VIPOwnership: Sendable {
    /// Where the VIP stands.
    enum State: Hashable, Sendable {
        /// Not ours to answer for: somebody else sees to that.
        case silent
        /// `sent` of the probes are out.
        case probing(sent: Int)
        /// Ours; `sent` of the announcements are out.
        case announcing(sent: Int)
        /// Ours.
        case owned
        /// The station with this MAC has it.
        case taken(by: MACAddress)
    }

    /// RFC 5227 §1.1, in milliseconds.
    static let defendInterval = 10_000
    /// After a conflict, the next try; with some more at random, lest two directors that start at once meet forever.
    static let retryWait = 10_000...12_000
    /// RFC 5227 asks for at least this after `maximumConflicts`.
    static let retryWaitLimited = 60_000...62_000
    static let maximumConflicts = 10

    let vip: IPAddress
    let mac: MACAddress
    private(set) var state: State
    /// Who last said it has the VIP while it was ours; nil: nobody did within the last minute.
    private(set) var contender: MACAddress?
    private let timing: ClaimTiming
    private var due: Ticks
    private var conflicts = 0
    private var lastDefence: Ticks?
    private var lastContention: Ticks?

    /// Starts now. `owns`: false to leave the VIP to others and stay silent.
    init(
        vip: IPAddress, mac: MACAddress, owns: Bool, now: Ticks, using random: inout some RandomNumberGenerator
    ) {
        self.vip = vip
        self.mac = mac
        state = owns ? .probing(sent: 0) : .silent
        timing = ClaimTiming(for: vip)
        due = now + Int.random(in: 0...timing.probeWait, using: &random)
    }

    /// Whether requests for the VIP are answered.
    var isOwned: Bool {
        switch state {
        case .announcing, .owned: true
        case .silent, .probing, .taken: false
        }
    }

    /// What the time alone brings about. To be called often: ten times a second is enough.
    mutating func advance(to now: Ticks, using random: inout some RandomNumberGenerator) -> [ResolutionAction] {
        if let last = lastContention, now >= last + 60_000 {
            contender = nil
            lastContention = nil
        }
        guard now >= due else { return [] }
        switch state {
        case .silent, .owned:
            return []
        case .taken:
            state = .probing(sent: 0)
            return advance(to: now, using: &random)
        case .probing(let sent) where sent < timing.probeCount:
            state = .probing(sent: sent + 1)
            due =
                now
                + (sent + 1 < timing.probeCount
                    ? Int.random(in: timing.probeInterval, using: &random) : timing.announceWait)
            return [.sendToGroup(.probe(vip, from: mac))]
        case .probing:
            state = .announcing(sent: 1)
            due = now + timing.announceInterval
            conflicts = 0
            return [.sendToGroup(.announcement(vip, from: mac)), .report(.claimed(vip))]
        case .announcing(let sent):
            state = sent + 1 < timing.announceCount ? .announcing(sent: sent + 1) : .owned
            due = now + timing.announceInterval
            return [.sendToGroup(.announcement(vip, from: mac))]
        }
    }

    /// What a message that arrived on the interface brings about.
    mutating func receive(
        _ message: NeighborMessage, now: Ticks, using random: inout some RandomNumberGenerator
    ) -> [ResolutionAction] {
        // Our own, come back through a loop: no conflict (RFC 5227 §2.1.1, RFC 7527 §2).
        guard message.mac != mac else { return [] }
        switch state {
        case .silent, .taken: return []
        case .probing: return giveWay(to: message, now: now, using: &random)
        case .announcing, .owned: break
        }
        if message.claimed == vip { return defend(against: message.mac, now: now) }
        guard message.asked == vip, let answer = message.answer(from: mac) else { return [] }
        return [.send(answer.message, to: answer.destination)]
    }

    /// RFC 5227 §2.1.1, RFC 4862 §5.4.3, §5.4.4: somebody has the VIP, or probes for it at the same time as we do.
    private mutating func giveWay(
        to message: NeighborMessage, now: Ticks, using random: inout some RandomNumberGenerator
    ) -> [ResolutionAction] {
        guard message.claimed == vip || message.content == .probe(vip) else { return [] }
        conflicts += 1
        let wait = Int.random(
            in: conflicts < Self.maximumConflicts ? Self.retryWait : Self.retryWaitLimited, using: &random)
        state = .taken(by: message.mac)
        due = now + wait
        return [.report(.notClaimed(vip, holder: message.mac, retrySeconds: (wait + 999) / 1000))]
    }

    /// RFC 5227 §2.4 (c): a director never gives up what it serves, but speaks only once in 10 s.
    private mutating func defend(against contender: MACAddress, now: Ticks) -> [ResolutionAction] {
        let isNews = self.contender != contender
        self.contender = contender
        lastContention = now
        var actions: [ResolutionAction] = isNews ? [.report(.contested(vip, by: contender))] : []
        if lastDefence.map({ now >= $0 + Self.defendInterval }) ?? true {
            lastDefence = now
            actions.append(.sendToGroup(.announcement(vip, from: mac)))
        }
        return actions
    }
}

extension Ticks {
    /// So many milliseconds later.
    static func + (moment: Ticks, milliseconds: Int) -> Ticks {
        Ticks(milliseconds: moment.milliseconds &+ UInt64(milliseconds))
    }
}
