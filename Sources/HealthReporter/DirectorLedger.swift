import NetworkAddress

/// What each configured director has been told, and when it last asked.
struct DirectorLedger: Sendable {
    private struct Entry: Sendable {
        var name: String?
        var lastPoll: Timestamp?
        /// The generation of a whole report that it has shown to have received.
        var acknowledged: UInt64?
        /// The generation of the latest answer about one service it was given.
        var told: [String: UInt64] = [:]
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

    /// Takes a plain answer into account, such as that of `/health/web`: whoever gets it has been told about these
    /// services what generation `current` says.
    ///
    /// - Returns: whether `address` is a director's.
    @discardableResult
    mutating func tell(_ address: IPAddress?, of services: [String], current: UInt64, at now: Timestamp) -> Bool {
        guard let address = address?.unmapped, entries[address] != nil else { return false }
        entries[address]!.lastPoll = now
        for service in services { entries[address]!.told[service] = current }
        return true
    }

    /// The directors that have not yet been told what `generation` says of `service`.
    func uninformed(of service: String, generation: UInt64) -> [IPAddress] {
        addresses.filter { latest($0, service) < generation }
    }

    /// The directors that asked no earlier than `moment` and have not yet been told what `generation` says of `service`.
    func uninformed(of service: String, generation: UInt64, activeSince moment: Timestamp) -> [IPAddress] {
        uninformed(of: service, generation: generation).filter { entries[$0]?.lastPoll.map { $0 >= moment } ?? false }
    }

    /// For whoever asks, in the order of the configuration.
    var statuses: [DirectorStatus] {
        addresses.map { address in
            let entry = entries[address] ?? Entry()
            return DirectorStatus(
                address: address, name: entry.name, lastPoll: entry.lastPoll,
                acknowledgedGeneration: ([entry.acknowledged].compactMap { $0 } + entry.told.values).max())
        }
    }

    private func latest(_ address: IPAddress, _ service: String) -> UInt64 {
        max(entries[address]?.acknowledged ?? 0, entries[address]?.told[service] ?? 0)
    }
}
