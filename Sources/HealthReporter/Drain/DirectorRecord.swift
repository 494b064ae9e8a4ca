/// What one configured director is known to have taken notice of; see `DirectorLedger`.
struct DirectorRecord: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How many askers on a director's host are told apart for each service.
    static let mostAskers = 64
    /// How long a director must have asked without an absence before what it never asked about counts as not its own: more than
    /// three intervals of the slowest.
    static let acquaintance = Duration.seconds(300)

    /// That a director acts on a drain, and what came after.
    struct Acknowledgement: Sendable {
        var time: Instant
        /// Whose question showed it; nil: a poll with `since`.
        var asker: PlainQuestion.Asker?
        var pollsSince = 0
        /// Whether it has polled with a wait since, and so is heard of only when something changes.
        var isHeld = false
    }

    var name: String?
    private(set) var lastPoll: Timestamp?
    /// The generation of a whole report that it has said it acts on; nil: it never said.
    private(set) var acknowledged: UInt64?
    /// The drains it acts on, by service.
    private(set) var acknowledgements: [String: Acknowledgement] = [:]
    /// Those that ask plainly, by service. A service that was asked about once stays.
    private var askers: [String: [PlainQuestion.Asker: AskerNotice]] = [:]
    private var askingSince: Instant?
    private var lastAsked: Instant?

    /// A question came in.
    mutating func hear(at now: Timestamp, _ instant: Instant) {
        if lastAsked.map({ instant - $0 > AskerNotice.longestInterval }) ?? true { askingSince = instant }
        (lastPoll, lastAsked) = (now, instant)
    }

    /// It says that it acts on this generation.
    mutating func acknowledge(_ generation: UInt64) { acknowledged = max(generation, acknowledged ?? 0) }

    /// It is given a plain answer.
    ///
    /// - Returns: as `AskerNotice.tell`.
    mutating func tell(
        _ service: String, _ generation: UInt64, isOut: Bool, by question: PlainQuestion, at now: Instant
    ) -> Bool {
        var present = (askers[service] ?? [:]).filter { !$0.value.isGone(at: now) }
        let hasRoom = present[question.asker] != nil || present.count < Self.mostAskers
        let isRound = present[hasRoom ? question.asker : .others, default: AskerNotice()]
            .tell(generation, isOut: isOut, by: question, at: now)
        askers[service] = present
        return isRound
    }

    /// The latest generation that it is known to have taken notice of, as far as `service` is concerned: of several askers, what
    /// all have.
    func noticed(_ service: String) -> UInt64 {
        // One that gives its name polls with `since` as soon as it has had a report: until then it knows nothing.
        if saysItself { return acknowledged ?? 0 }
        return (askers[service] ?? [:]).values.filter(\.isSteady).map(\.noticed).min() ?? 0
    }

    /// The same of any service; nil: of none.
    var noticed: UInt64? { acknowledged ?? askers.keys.map(noticed).filter { $0 > 0 }.max() }

    /// Whether it says itself which generation it acts on.
    var saysItself: Bool { acknowledged != nil || name != nil }

    /// Whether it ever asked about `service`.
    func asks(about service: String) -> Bool { saysItself || askers[service] != nil }

    /// Whether it has asked for so long that it would have asked about everything it has to do with.
    var isAcquainted: Bool {
        guard let askingSince, let lastAsked else { return false }
        return lastAsked - askingSince >= Self.acquaintance
    }

    /// What its askers say themselves about `service`, in words, sorted.
    func words(about service: String) -> [String] {
        saysItself ? [] : (askers[service] ?? [:]).values.compactMap(\.state?.words).sorted()
    }

    /// Keeps what is known of these drains, and of no others.
    mutating func keepAcknowledgements(of services: (String) -> Bool) {
        acknowledgements = acknowledgements.filter { services($0.key) }
    }

    /// After a question about `service`: whether it was the one by which it was found to act, or one more of the same asker in
    /// another round.
    mutating func count(
        _ service: String, _ generation: UInt64, by asker: PlainQuestion.Asker?, isRound: Bool, isHeld: Bool,
        at now: Instant
    ) {
        guard noticed(service) >= generation else {
            acknowledgements[service] = nil
            return
        }
        guard var present = acknowledgements[service] else {
            acknowledgements[service] = Acknowledgement(time: now, asker: asker, isHeld: isHeld)
            return
        }
        guard isRound, asker == nil || asker == present.asker else { return }
        present.pollsSince += 1
        present.isHeld = isHeld
        acknowledgements[service] = present
    }
}
