/// Who gets a service's next new connection, and what is remembered for that.
///
/// All memory is allocated in ``membersChanged(to:)``: ``next(for:among:servers:now:)`` allocates nothing. Building the table of
/// `mh` takes milliseconds for a thousand servers; changes of weight from and to 0 do not build it again.
struct Scheduler: ~Copyable {
    let kind: SchedulerKind
    var options: SchedulerOptions
    private var members: [Member] = []
    private var rotation = Rotation()
    private var slots = HashSlots()
    private var maglev = Maglev()
    private var locality = Locality()
    private var choices: TwoChoices

    /// A scheduler without members.
    ///
    /// - Parameter seed: where the random numbers of `twos` start; nothing else is random.
    init(_ kind: SchedulerKind, options: SchedulerOptions = SchedulerOptions(), seed: UInt64) {
        self.kind = kind
        self.options = options
        choices = TwoChoices(seed: seed)
    }

    /// The index of the member that gets this new connection, or nil where none may.
    ///
    /// - Parameters:
    ///   - members: those that ``membersChanged(to:)`` was told of last.
    ///   - servers: where their connections are counted.
    ///   - now: the time in milliseconds. It does not run backwards.
    mutating func next(
        for question: ScheduleQuestion, among members: UnsafeBufferPointer<Member>, servers: borrowing ServerTable,
        now: UInt64
    ) -> Int? {
        precondition(members.count == self.members.count, "the scheduler was not told that its members changed")
        return switch kind {
        case .rr: rotation.nextInOrder(among: members, servers)
        case .wrr: rotation.nextByWeight(among: members, servers)
        case .lc: members.leastConnections(servers)
        case .wlc: members.leastWeightedConnections(servers)
        case .sed: members.shortestDelay(servers)
        case .nq: members.idleOrShortestDelay(servers)
        case .sh: slots.next(for: question, options, among: members, servers)
        case .dh: slots.next(for: question.destination, among: members, servers)
        case .mh: maglev.next(for: question, options, among: members, servers)
        case .fo: members.heaviest(servers)
        case .ovf: members.heaviestWithRoom(servers)
        case .lblc: locality.nextWithoutReplication(among: members, servers, now: now)
        case .lblcr: locality.nextWithReplication(among: members, servers, now: now)
        case .twos: choices.next(among: members, servers)
        }
    }

    /// Takes up changed members or weights, as IPVS does whenever a server is added, removed or edited. The same members again
    /// change nothing. No two of them have the same server.
    mutating func membersChanged(to members: [Member]) {
        guard members != self.members else { return }
        switch kind {
        case .rr: rotation.keepPlace(from: self.members, to: members)
        case .wrr: rotation.startAgain(with: members)
        case .sh: slots.assignByWeight(to: members)
        case .dh: slots.assignInTurn(to: members)
        case .mh: maglev.membersChanged(to: members)
        case .lblc, .lblcr: locality.membersChanged(from: self.members, to: members)
        case .lc, .wlc, .sed, .nq, .fo, .ovf, .twos: break
        }
        self.members = members
    }
}
