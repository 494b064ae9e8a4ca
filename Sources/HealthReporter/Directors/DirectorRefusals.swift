import NetworkAddress

/// Which configured directors ask and are refused for want of the right token: they learn nothing, and to the rest of the agent
/// they are silent. A state machine without a clock of its own.
struct DirectorRefusals: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a refusal counts if no other follows: longer than any director pauses (keepalived asks once a minute).
    static let memory = DirectorPresence.longestInterval

    private var latest: [IPAddress: (words: String, time: Instant)] = [:]

    /// `director`, one of the configured ones, was refused.
    ///
    /// - Parameter words: what is wrong: `wrong token`.
    mutating func refuse(_ director: IPAddress, _ words: String, at now: Instant) {
        latest[director.unmapped] = (words, now)
    }

    /// `director` was answered.
    mutating func admit(_ director: IPAddress) { latest[director.unmapped] = nil }

    /// What is wrong with the questions of `director`; nil: nothing.
    func words(of director: IPAddress, at now: Instant = .now) -> String? {
        guard let (words, time) = latest[director.unmapped], now - time <= Self.memory else { return nil }
        return words
    }

    /// What a report warns of, sorted.
    func words(at now: Instant) -> [String] {
        latest.keys.sorted().compactMap { director in
            words(of: director, at: now).map { "director \(director) is refused: \($0)" }
        }
    }
}

extension ReportStore {
    /// A question from `address` was refused; one of a caller that is no director says nothing.
    func recordRefusal(of address: IPAddress?, _ words: String, at now: DirectorRefusals.Instant = .now) {
        guard let address = address?.unmapped, ledger.addresses.contains(address) else { return }
        refusals.refuse(address, words, at: now)
    }

    /// The configured directors as whoever operates the agent is told of them.
    var directorStatuses: [DirectorStatus] {
        ledger.statuses.map { status in
            var status = status
            status.refused = refusals.words(of: status.address)
            return status
        }
    }

    /// What a report warns of beside its services. A director that is refused is not called silent too.
    var agentWarnings: [String] {
        let silent = zip(directors.silent, directors.warnings).filter { refusals.words(of: $0.0) == nil }.map(\.1)
        return silent + conditions
    }
}
