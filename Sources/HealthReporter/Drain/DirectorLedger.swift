import NetworkAddress

/// What each configured director is known to have taken notice of, and when it last asked.
///
/// A director that polls the report with `since`, or gives its name as those do, says itself what it acts on, and from then
/// on nothing else counts.
/// One that only asks `/health` or `/weight` does not: it may have to be refused several times before it acts (keepalived's
/// `retry`), or its answer may have been lost. It is taken to have noticed after four answers, or by asking again ten
/// seconds after it was first told.
struct DirectorLedger: Sendable {
    /// After how many plain answers a director is taken to have noticed.
    static let plainAnswers = 4
    /// How many seconds after the first plain answer the next question shows the same.
    static let plainSeconds: Int64 = 10

    /// Of how many generations plain answers are remembered. Forgetting older ones can only make a director be waited for
    /// longer.
    private static let plainGenerations = 8

    /// The plain answers that told the same generation.
    private struct PlainAnswers: Sendable {
        var generation: UInt64
        var count: Int
        var first: Timestamp
        var last: Timestamp
    }

    private struct Entry: Sendable {
        var name: String?
        var lastPoll: Timestamp?
        /// The generation of a whole report that it has said it acts on; nil: it never said.
        var acknowledged: UInt64?
        /// The plain answers it was given, by service, the oldest generation first.
        var told: [String: [PlainAnswers]] = [:]

        mutating func tell(_ service: String, _ generation: UInt64, at now: Timestamp) {
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
            if acknowledged != nil || name != nil { return acknowledged ?? 0 }
            guard let answers = told[service], let last = answers.last?.last else { return 0 }
            var count = 0
            for answer in answers.reversed() {
                count += answer.count
                let isOld = answer.first.adding(seconds: plainSeconds) <= last
                if count >= plainAnswers || isOld { return answer.generation }
            }
            return 0
        }
    }

    /// The configured directors, in the order of the configuration.
    let addresses: [IPAddress]
    private var entries: [IPAddress: Entry]

    /// Starts with nobody having asked.
    init(directors: [IPAddress]) {
        var seen: Set<IPAddress> = []
        addresses = directors.map(\.unmapped).filter { seen.insert($0).inserted }
        entries = Dictionary(uniqueKeysWithValues: addresses.map { ($0, Entry()) })
    }

    /// Takes a poll of the whole report into account. `since` acknowledges that generation, unless it has not been given
    /// yet: a director may remember another life of this agent.
    ///
    /// - Returns: whether `address` is a director's.
    @discardableResult
    mutating func poll(
        from address: IPAddress?, name: String?, since: UInt64?, current: UInt64, at now: Timestamp
    ) -> Bool {
        guard let address = address?.unmapped, entries[address] != nil else { return false }
        entries[address]!.lastPoll = now
        if let name { entries[address]!.name = name }
        if let since, since <= current {
            entries[address]!.acknowledged = max(since, entries[address]!.acknowledged ?? 0)
        }
        return true
    }

    /// Takes a plain answer into account, such as that of `/health/web`: whoever gets it is told about these services what
    /// generation `current` says.
    ///
    /// - Returns: whether `address` is a director's.
    @discardableResult
    mutating func tell(_ address: IPAddress?, of services: [String], current: UInt64, at now: Timestamp) -> Bool {
        guard let address = address?.unmapped, entries[address] != nil else { return false }
        entries[address]!.lastPoll = now
        for service in services { entries[address]!.tell(service, current, at: now) }
        return true
    }

    /// The directors that have not yet taken notice of what `generation` says of `service`.
    func uninformed(of service: String, generation: UInt64) -> [IPAddress] {
        addresses.filter { latest($0, service) < generation }
    }

    /// The directors that asked no earlier than `moment` and have not yet taken notice of what `generation` says of `service`.
    func uninformed(of service: String, generation: UInt64, activeSince moment: Timestamp) -> [IPAddress] {
        uninformed(of: service, generation: generation).filter { entries[$0]?.lastPoll.map { $0 >= moment } ?? false }
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
