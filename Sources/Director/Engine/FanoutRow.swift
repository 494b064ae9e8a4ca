internal import PacketIO

/// The places in one interface's group of sockets. Pure: what is decided depends on who sat down and stood up, and when.
///
/// The kernel numbers a group's members in the order in which they came, and which of them gets a client's packets goes by that
/// number: so that clients keep their worker when an interface was lost and is back, the workers sit down in order, and stand up
/// once one in front of them has.
struct FanoutRow {
    /// A worker's leave to sit down, good until somebody stands up: a socket is opened meanwhile, and others are not waited for.
    struct Turn {
        /// The group to become a member of; nil: it is the first one's to make.
        let group: FanoutGroup?
        fileprivate let round: UInt64
    }

    /// How long those who sit wait for the others. After that they take all there is: new connections are better served by one that
    /// is not theirs than by nobody.
    static let patience = Duration.seconds(5)

    /// The group that those who sit are members of; nil: nobody does.
    private var group: FanoutGroup?
    private var isTaken: [Bool]
    /// How often somebody has stood up.
    private var round: UInt64 = 0
    /// Since when those who sit have been waiting; of no meaning where nobody sits.
    private var waitingSince = SuspendingClock.now

    /// Nobody sits yet.
    init(workers: Int) {
        isTaken = Array(repeating: false, count: workers)
    }

    /// Whether everybody sits.
    var isComplete: Bool { !isTaken.contains(false) }

    /// A worker's leave to sit down, which it has where everybody in front of it sits, and nobody from it on does.
    func turn(of worker: Int) -> Turn? {
        guard !isTaken[..<worker].contains(false), !isTaken[worker...].contains(true) else { return nil }
        return Turn(group: group, round: round)
    }

    /// Whether a worker has to stand up, as somebody in front of it has.
    func mustLeave(_ worker: Int) -> Bool { isTaken[..<worker].contains(false) }

    /// A worker sits down, as a member of this group.
    ///
    /// - Returns: false where it must not: its turn has passed, as somebody stood up since, or it is in another group than those in
    ///   front of it. What it has opened is to be closed then.
    mutating func take(_ worker: Int, _ turn: Turn, in group: FanoutGroup?, now: SuspendingClock.Instant) -> Bool {
        guard turn.round == round, self.turn(of: worker) != nil, self.group == nil || self.group == group else {
            return false
        }
        if worker == 0 { waitingSince = now }
        isTaken[worker] = true
        self.group = group
        return true
    }

    /// A worker has stood up, and its socket is closed.
    ///
    /// - Returns: whether it sat.
    mutating func leave(_ worker: Int, now: SuspendingClock.Instant) -> Bool {
        guard isTaken[worker] else { return false }
        if isComplete { waitingSince = now }
        isTaken[worker] = false
        round += 1
        // A group ends with its last member.
        if !isTaken.contains(true) { group = nil }
        return true
    }

    /// Whether those who sit take packets: all do, as none is another's then; or those that are missing do not come.
    func admits(now: SuspendingClock.Instant) -> Bool { isComplete || now - waitingSince >= Self.patience }
}
