import NetworkAddress

/// What each configured director is known to have taken notice of, and when it last asked.
///
/// A director that polls the report with `since`, or gives its name as those do, says itself what it acts on, and from then
/// on nothing else counts.
/// One that only asks `/health` or `/weight` does not: it may have to be refused several times before it acts (keepalived's
/// `retry`), or its answer may have been lost. It is taken to have noticed after four answers, or by asking again ten
/// seconds after it was first told.
///
/// That a director acts does not mean that what it sent before has arrived: see `unsettled(of:generation:at:)`.
///
/// Time is the steady clock's, so that a wall clock that is set proves nothing.
struct DirectorLedger: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// After how many plain answers a director is taken to have noticed.
    static let plainAnswers = 4
    /// How long after the first plain answer the next question shows the same.
    static let plainTime = Duration.seconds(10)
    /// How often a director has to ask again after it was found to act.
    static let pollsMore = 2
    /// How long after that a poll that is held, or would be, stands for those.
    static let heldTime = Duration.seconds(1)
    /// How long a director is given at most to ask again.
    static let longestSettling = Duration.seconds(10)

    /// Of how many generations plain answers are remembered. Forgetting older ones can only make a director be waited for
    /// longer.
    private static let plainGenerations = 8

    /// The plain answers that told the same generation.
    private struct PlainAnswers: Sendable {
        var generation: UInt64
        var count: Int
        var first: Instant
        var last: Instant
    }

    /// That a director acts on a drain, and what came after.
    private struct Acknowledgement: Sendable {
        var time: Instant
        var pollsSince = 0
        /// Whether it has polled with a wait since, and so is heard of only when something changes.
        var isHeld = false
    }

    private struct Entry: Sendable {
        var name: String?
        var lastPoll: Timestamp?
        /// The generation of a whole report that it has said it acts on; nil: it never said.
        var acknowledged: UInt64?
        /// The plain answers it was given, by service, the oldest generation first.
        var told: [String: [PlainAnswers]] = [:]
        /// The drains it acts on, by service.
        var acknowledgements: [String: Acknowledgement] = [:]

        mutating func tell(_ service: String, _ generation: UInt64, at now: Instant) {
            var answers = told[service] ?? []
            if answers.last?.generation == generation {
                answers[answers.count - 1].count += 1
                answers[answers.count - 1].last = now
            } else {
                if answers.count == plainGenerations { answers.removeFirst() }
                answers.append(PlainAnswers(generation: generation, count: 1, first: now, last: now))
            }
            told[service] = answers
        }

        /// The latest generation that it is known to have taken notice of, as far as `service` is concerned.
        func noticed(_ service: String) -> UInt64 {
            // One that gives its name polls with `since` as soon as it has had a report: until then it knows nothing.
            if saysItself { return acknowledged ?? 0 }
            guard let answers = told[service], let last = answers.last?.last else { return 0 }
            var count = 0
            for answer in answers.reversed() {
                count += answer.count
                let isOld = last - answer.first >= plainTime
                if count >= plainAnswers || isOld { return answer.generation }
            }
            return 0
        }

        var saysItself: Bool { acknowledged != nil || name != nil }

        /// After a question about `service`: whether it was the one by which it was found to act, or one more.
        mutating func count(_ service: String, _ generation: UInt64, isHeld: Bool, at now: Instant) {
            guard noticed(service) >= generation else {
                acknowledgements[service] = nil
                return
            }
            guard var present = acknowledgements[service] else {
                acknowledgements[service] = Acknowledgement(time: now, isHeld: isHeld)
                return
            }
            present.pollsSince += 1
            present.isHeld = isHeld
            acknowledgements[service] = present
        }
    }

    /// The configured directors, in the order of the configuration.
    let addresses: [IPAddress]
    private var entries: [IPAddress: Entry]
    /// The generations that tell of the drains in force, by service.
    private var drains: [String: UInt64] = [:]

    /// Starts with nobody having asked.
    init(directors: [IPAddress]) {
        var seen: Set<IPAddress> = []
        addresses = directors.map(\.unmapped).filter { seen.insert($0).inserted }
        entries = Dictionary(uniqueKeysWithValues: addresses.map { ($0, Entry()) })
    }

    /// These drains are in force, by service, with the generations that tell of them. What is known of those that were in
    /// force already stays.
    mutating func follow(_ drains: [String: UInt64]) {
        guard drains != self.drains else { return }
        for address in addresses {
            entries[address]!.acknowledgements = entries[address]!.acknowledgements.filter {
                drains[$0.key] != nil && drains[$0.key] == self.drains[$0.key]
            }
        }
        self.drains = drains
    }

    /// Takes a poll of the whole report into account. `since` acknowledges that generation, unless it has not been given
    /// yet: a director may remember another life of this agent.
    ///
    /// - Parameter isHeld: whether it may be held until something changes.
    /// - Returns: whether `address` is a director's.
    @discardableResult
    mutating func poll(
        from address: IPAddress?, name: String?, since: UInt64?, isHeld: Bool = false, current: UInt64,
        at now: Timestamp, instant: Instant = .now
    ) -> Bool {
        guard let address = address?.unmapped, entries[address] != nil else { return false }
        entries[address]!.lastPoll = now
        if let name { entries[address]!.name = name }
        if let since, since <= current {
            entries[address]!.acknowledged = max(since, entries[address]!.acknowledged ?? 0)
            for (service, generation) in drains {
                entries[address]!.count(service, generation, isHeld: isHeld, at: instant)
            }
        }
        return true
    }

    /// Takes a plain answer into account, such as that of `/health/web`: whoever gets it is told about these services what
    /// generation `current` says.
    ///
    /// - Returns: whether `address` is a director's.
    @discardableResult
    mutating func tell(
        _ address: IPAddress?, of services: [String], current: UInt64, at now: Timestamp, instant: Instant = .now
    ) -> Bool {
        guard let address = address?.unmapped, entries[address] != nil else { return false }
        entries[address]!.lastPoll = now
        for service in services {
            entries[address]!.tell(service, current, at: instant)
            if let generation = drains[service], !entries[address]!.saysItself {
                entries[address]!.count(service, generation, isHeld: false, at: instant)
            }
        }
        return true
    }

    /// The directors that have not yet taken notice of what `generation` says of `service`.
    func uninformed(of service: String, generation: UInt64) -> [IPAddress] {
        addresses.filter { latest($0, service) < generation }
    }

    /// The directors that act on the drain of `service`, and whose packets from before may still be on their way.
    ///
    /// A question that a director sends after it acted, and by the same wire, comes in behind what it forwarded before. So
    /// each is waited for until it has asked twice more: the first such question proves that it has worked off the answer
    /// before, the second that it has had one whole interval in which nothing new was on its way. What does not ask by
    /// itself is not waited for needlessly: a long poll acknowledges only what its director acts on already, and is then
    /// held until something changes, so that one second stands for the two; and nobody is waited for longer than ten
    /// seconds, which is far more than a packet lives in a queue.
    func unsettled(of service: String, at now: Instant) -> [IPAddress] {
        addresses.filter { address in
            guard let acknowledgement = entries[address]?.acknowledgements[service] else { return false }
            let age = now - acknowledgement.time
            return acknowledgement.pollsSince < Self.pollsMore && age < Self.longestSettling
                && !(acknowledgement.isHeld && age >= Self.heldTime)
        }
    }

    /// For whoever asks, in the order of the configuration.
    var statuses: [DirectorStatus] {
        addresses.map { address in
            let entry = entries[address] ?? Entry()
            return DirectorStatus(
                address: address, name: entry.name, lastPoll: entry.lastPoll,
                acknowledgedGeneration: entry.acknowledged ?? entry.told.keys.map(entry.noticed).filter { $0 > 0 }.max()
            )
        }
    }

    private func latest(_ address: IPAddress, _ service: String) -> UInt64 {
        entries[address]?.noticed(service) ?? 0
    }
}
