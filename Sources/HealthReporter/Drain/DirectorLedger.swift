import NetworkAddress

/// What each configured director is known to have taken notice of, and when it last asked.
///
/// A director that polls the report with `since`, or gives its name as those do, says itself what it acts on, and from then
/// on nothing else counts.
/// One that only asks `/health` or `/weight` does not, or HAProxy does in a header: see `AskerNotice`. Several may ask from one
/// director's host, and the director has noticed when all of them have: HAProxy's check says nothing about keepalived beside it.
///
/// That a director acts does not mean that what it sent before has arrived: see `unsettled(of:generation:at:)`.
///
/// Time is the steady clock's, so that a wall clock that is set proves nothing.
struct DirectorLedger: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How often a director has to ask again after it was found to act.
    static let pollsMore = 2
    /// How long after that a poll that is held, or would be, stands for those.
    static let heldTime = Duration.seconds(1)
    /// How long a director is given at most to ask again.
    static let longestSettling = Duration.seconds(10)

    /// The configured directors, in the order of the configuration.
    let addresses: [IPAddress]
    /// The directors that are silent: whose duties are not judged by what they do not ask about.
    var silent: [IPAddress] = []
    private var entries: [IPAddress: DirectorRecord]
    /// The generations that tell of the drains in force, by service.
    private var drains: [String: UInt64] = [:]

    /// Starts with nobody having asked.
    init(directors: [IPAddress]) {
        var seen: Set<IPAddress> = []
        addresses = directors.map(\.unmapped).filter { seen.insert($0).inserted }
        entries = Dictionary(uniqueKeysWithValues: addresses.map { ($0, DirectorRecord()) })
    }

    /// These drains are in force, by service, with the generations that tell of them. What is known of those that were in
    /// force already stays.
    mutating func follow(_ drains: [String: UInt64]) {
        guard drains != self.drains else { return }
        for address in addresses {
            entries[address]!.keepAcknowledgements { drains[$0] != nil && drains[$0] == self.drains[$0] }
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
        entries[address]!.hear(at: now, instant)
        if let name { entries[address]!.name = name }
        if let since, since <= current {
            entries[address]!.acknowledge(since)
            for (service, generation) in drains {
                entries[address]!.count(service, generation, by: nil, isRound: true, isHeld: isHeld, at: instant)
            }
        }
        return true
    }

    /// Takes a plain answer into account, such as that of `/health/web`: whoever gets it is told about these services what
    /// generation `current` says.
    ///
    /// - Parameter out: the services of which the answer says that they want no new connections.
    /// - Returns: whether `address` is a director's.
    @discardableResult
    mutating func tell(
        _ address: IPAddress?, of services: [String], by question: PlainQuestion, out: Set<String>, current: UInt64,
        at now: Timestamp, instant: Instant = .now
    ) -> Bool {
        guard let address = address?.unmapped, entries[address] != nil else { return false }
        entries[address]!.hear(at: now, instant)
        for service in services {
            let isRound = entries[address]!
                .tell(service, current, isOut: out.contains(service), by: question, at: instant)
            if let generation = drains[service], !entries[address]!.saysItself {
                entries[address]!
                    .count(
                        service, generation, by: question.asker, isRound: isRound, isHeld: false, at: instant)
            }
        }
        return true
    }

    /// The directors that have not yet taken notice of what `generation` says of `service`, and have to.
    func uninformed(of service: String, generation: UInt64) -> [IPAddress] {
        let unconcerned = unconcerned(with: service)
        return addresses.filter { latest($0, service) < generation && !unconcerned.contains($0) }
    }

    /// The directors that have nothing to do with `service`, as far as can be told: they ask, have done so for five minutes, and
    /// never about it, whereas another does. A director that is silent may have to do with anything, and so has every director
    /// where none asks about the service.
    func unconcerned(with service: String) -> [IPAddress] {
        guard entries.values.contains(where: { $0.asks(about: service) }) else { return [] }
        return addresses.filter { address in
            guard let entry = entries[address], !silent.contains(address) else { return false }
            return entry.isAcquainted && !entry.asks(about: service)
        }
    }

    /// Whether this director ever asked about `service`.
    func asks(_ address: IPAddress, about service: String) -> Bool {
        entries[address]?.asks(about: service) ?? false
    }

    /// What directors say themselves about `service`, in words, in the order of the configuration.
    func testimony(on service: String) -> [String] {
        addresses.flatMap { address in
            (entries[address]?.words(about: service) ?? []).map { "\(address): \($0)" }
        }
    }

    /// The directors that act on the drain of `service`, and whose packets from before may still be on their way.
    ///
    /// A question that a director sends after it acted, and by the same wire, comes in behind what it forwarded before. So
    /// each is waited for until it has asked twice more: the first such question proves that it has worked off the answer
    /// before, the second that it has had one whole interval in which nothing new was on its way. Of several askers on one host
    /// it is the one by whose question all had noticed. What does not ask by
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
            let entry = entries[address] ?? DirectorRecord()
            return DirectorStatus(
                address: address, name: entry.name, lastPoll: entry.lastPoll,
                acknowledgedGeneration: entry.noticed)
        }
    }

    private func latest(_ address: IPAddress, _ service: String) -> UInt64 {
        entries[address]?.noticed(service) ?? 0
    }
}
