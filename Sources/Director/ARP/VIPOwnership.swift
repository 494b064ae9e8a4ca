internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// One VIP on one interface: who may have it, by IPv4 Address Conflict Detection (RFC 5227), as a state machine that
/// knows nothing but the time and the ARP messages it is given.
///
/// ```
///  silent (own_vip = false)
///  waiting ─► probing ×3 ─► announcing ×2 ─► owned          each step after a delay
///     ▲          │ somebody has it                │ somebody says it has it: defend, once in 10 s
///     └─ taken ◄─┘
/// ```
/// While announcing and owned, every request for the VIP is answered with the interface's MAC, nothing else ever is. The
/// real servers hold the VIP too, but hide it: one that does not is a conflict like any other.
struct VIPOwnership: Sendable {
    /// Where the VIP stands.
    enum State: Hashable, Sendable {
        /// Not ours to answer for: somebody else sees to that.
        case silent
        /// `sent` of the three probes are out.
        case probing(sent: Int)
        /// Ours; `sent` of the two announcements are out.
        case announcing(sent: Int)
        /// Ours.
        case owned
        /// The station with this MAC has it.
        case taken(by: MACAddress)
    }

    /// RFC 5227 §1.1, in milliseconds and times.
    static let probeWait = 1000
    static let probeCount = 3
    static let probeInterval = 1000...2000
    static let announceWait = 2000
    static let announceCount = 2
    static let announceInterval = 2000
    static let defendInterval = 10_000
    /// After a conflict, the next try; with some more at random, lest two directors that start at once meet forever.
    static let retryWait = 10_000...12_000
    /// RFC 5227 asks for at least this after `maximumConflicts`.
    static let retryWaitLimited = 60_000...62_000
    static let maximumConflicts = 10

    let vip: IPv4Address
    let mac: MACAddress
    private(set) var state: State
    /// Who last said it has the VIP while it was ours; nil: nobody did within the last minute.
    private(set) var contender: MACAddress?
    private var due: Ticks
    private var conflicts = 0
    private var lastDefence: Ticks?
    private var lastContention: Ticks?

    /// Starts now. `owns`: false to leave the VIP to others and stay silent.
    init(
        vip: IPv4Address, mac: MACAddress, owns: Bool, now: Ticks, using random: inout some RandomNumberGenerator
    ) {
        self.vip = vip
        self.mac = mac
        state = owns ? .probing(sent: 0) : .silent
        due = now + Int.random(in: 0...Self.probeWait, using: &random)
    }

    /// Whether requests for the VIP are answered.
    var isOwned: Bool {
        switch state {
        case .announcing, .owned: true
        case .silent, .probing, .taken: false
        }
    }

    /// What the time alone brings about. To be called often: ten times a second is enough.
    mutating func advance(to now: Ticks, using random: inout some RandomNumberGenerator) -> [ARPAction] {
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
        case .probing(let sent) where sent < Self.probeCount:
            state = .probing(sent: sent + 1)
            due =
                now
                + (sent + 1 < Self.probeCount
                    ? Int.random(in: Self.probeInterval, using: &random) : Self.announceWait)
            return [.send(.probe(vip, from: mac), to: .broadcast)]
        case .probing:
            state = .announcing(sent: 1)
            due = now + Self.announceInterval
            conflicts = 0
            return [.send(.announcement(vip, from: mac), to: .broadcast), .report(.claimed(vip))]
        case .announcing(let sent):
            state = sent + 1 < Self.announceCount ? .announcing(sent: sent + 1) : .owned
            due = now + Self.announceInterval
            return [.send(.announcement(vip, from: mac), to: .broadcast)]
        }
    }

    /// What a message that arrived on the interface brings about.
    mutating func receive(
        _ message: ARPMessage, now: Ticks, using random: inout some RandomNumberGenerator
    ) -> [ARPAction] {
        // Our own, come back through a loop: no conflict (RFC 5227 §2.1.1).
        guard message.senderMAC != mac else { return [] }
        switch state {
        case .silent, .taken: return []
        case .probing: return giveWay(to: message, now: now, using: &random)
        case .announcing, .owned: break
        }
        if message.sender == vip { return defend(against: message.senderMAC, now: now) }
        guard message.operation == .request, message.target == vip else { return [] }
        return [.send(message.answer(from: mac), to: message.senderMAC)]
    }

    /// RFC 5227 §2.1.1: somebody has the VIP, or probes for it at the same time as we do.
    private mutating func giveWay(
        to message: ARPMessage, now: Ticks, using random: inout some RandomNumberGenerator
    ) -> [ARPAction] {
        let isProbe = message.operation == .request && message.sender == .any && message.target == vip
        guard message.sender == vip || isProbe else { return [] }
        conflicts += 1
        let wait = Int.random(
            in: conflicts < Self.maximumConflicts ? Self.retryWait : Self.retryWaitLimited, using: &random)
        state = .taken(by: message.senderMAC)
        due = now + wait
        return [.report(.notClaimed(vip, holder: message.senderMAC, retrySeconds: (wait + 999) / 1000))]
    }

    /// RFC 5227 §2.4 (c): a director never gives up what it serves, but speaks only once in 10 s.
    private mutating func defend(against contender: MACAddress, now: Ticks) -> [ARPAction] {
        let isNews = self.contender != contender
        self.contender = contender
        lastContention = now
        var actions: [ARPAction] = isNews ? [.report(.contested(vip, by: contender))] : []
        if lastDefence.map({ now >= $0 + Self.defendInterval }) ?? true {
            lastDefence = now
            actions.append(.send(.announcement(vip, from: mac), to: .broadcast))
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
