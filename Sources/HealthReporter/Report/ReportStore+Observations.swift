import ConfigurationFile
import NetworkAddress

extension ReportStore {
    /// Every check of every service, with what finds its history again.
    var allTargets: [(service: Int, index: Int, target: CheckTarget)] {
        checked.enumerated().flatMap { service, checked in
            checked.targets.enumerated().map { (service, $0.offset, $0.element) }
        }
    }

    /// Takes the answer to a check into account.
    ///
    /// - Returns: whether the check is settled; see `CheckHistory`.
    @discardableResult
    func record(_ outcome: CheckOutcome, service: Int, check: Int, at now: Timestamp = .now()) -> Bool {
        let before = checked[service].histories[check]
        checked[service].histories[check].record(outcome, at: now)
        let history = checked[service].histories[check]
        // Nearly every answer is as the one before, but for the time it took.
        if history.says(before) {
            measured(history.latency, service: service, check: check)
        } else {
            refresh()
        }
        return history.isSettled
    }

    /// Takes the latest audit of the host into account: problems and warnings by the service's name; a service that is not
    /// named has none.
    func record(setupProblems: [String: [String]], warnings: [String: [String]] = [:]) {
        setup = setupProblems
        self.warnings = warnings
        refresh()
    }

    /// Takes a count of connections into account; nil where they could not be counted.
    func record(connections: Int?, of service: String) { record(connections: [service: connections]) }

    /// Takes counts of connections into account, by the service's name; nil where they could not be counted.
    func record(connections counts: [String: Int?]) {
        var differs = false
        for index in checked.indices {
            guard let count = counts[checked[index].configuration.name], count != checked[index].connections else {
                continue
            }
            checked[index].connections = count
            differs = true
        }
        if differs { refresh() }
    }

    /// Takes a poll of the report into account; see `DirectorLedger`.
    ///
    /// - Parameter isHeld: whether it may be held until something changes.
    func recordPoll(
        from address: IPAddress?, name: String?, since: UInt64?, isHeld: Bool = false, at now: Timestamp = .now(),
        instant: DirectorPresence.Instant = .now
    ) {
        directors.presence.hear(address, at: instant)
        if let address { refusals.admit(address) }
        guard
            ledger.poll(
                from: address, name: name, since: since, isHeld: isHeld, current: generation, at: now,
                instant: instant)
        else { return }
        reviewAcknowledgements(at: instant)
    }

    /// Takes into account what a director has just been told, which matters to what was asked for by hand alone.
    private func reviewAcknowledgements(at instant: DirectorPresence.Instant) {
        guard !admin.services.isEmpty else { return }
        updateDrains(at: instant)
        refresh()
    }

    /// Takes a plain answer about these services into account; see `DirectorLedger`.
    func recordTold(
        _ address: IPAddress?, of names: [String], by question: PlainQuestion, at now: Timestamp = .now(),
        instant: DirectorPresence.Instant = .now
    ) {
        directors.presence.hear(address, at: instant)
        if let address { refusals.admit(address) }
        let out = Set(services.filter { $0.state != .up }.map(\.name))
        guard
            ledger.tell(
                address, of: names, by: question, out: out, current: generation, at: now, instant: instant)
        else { return }
        reviewAcknowledgements(at: instant)
    }

    /// What `/readyz` is made of: each condition in words, and whether it is met.
    var readiness: [(condition: String, met: Bool)] {
        var conditions = [("setup verified", setup != nil)]
        for service in checked {
            for (target, history) in zip(service.targets, service.histories) {
                conditions.append(("\(service.configuration.name): \(target.name) has a verdict", history.hasVerdict))
            }
        }
        return conditions
    }

    /// Announces that the agent stops: a service that is up asks for no new connections from here on. Nothing of that is
    /// kept on the disk.
    ///
    /// - Returns: the generation that says so, which nobody can have seen before.
    func announceStop() -> UInt64 {
        isStopping = true
        refresh(always: true)
        return counter.isOwed ? counter.next : generation
    }

    /// Whether another question of any director is to be expected soon.
    var hasDirectorsAsking: Bool { ledger.addresses.contains { directors.presence.isExpected($0, at: .now) } }

    /// Whether somebody is to hear of a change soon: a director that asks, or, where none is configured, whoever does.
    var isAttended: Bool { ledger.addresses.isEmpty || hasDirectorsAsking }

    /// The directors that have not yet taken notice of what `generation` says of the services they ask about, and whose next
    /// question is not overdue: who no longer asks does not hold up a stop.
    func directorsToAwait(
        generation: UInt64, at now: DirectorPresence.Instant = .now
    ) -> [IPAddress] {
        ledger.addresses.filter { address in
            directors.presence.isExpected(address, at: now)
                && checked.map(\.configuration.name).contains {
                    ledger.asks(address, about: $0)
                        && ledger.uninformed(of: $0, generation: generation).contains(address)
                }
        }
    }
}
