import NetworkAddress

/// Which directors are there, judged by when they last asked. A state machine without a clock of its own.
///
/// A poll that is held is a sign of life until it ends. One that asks at intervals of its own is silent after three of them,
/// so that a slow one (keepalived asks once a minute unless told otherwise) is not taken to come and go.
struct DirectorPresence: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// After how many of its own intervals a director is silent.
    static let missedIntervals = 3
    /// A longer pause than this is an absence and says nothing about how often a director asks.
    static let longestInterval = Duration.seconds(90)
    /// For how long a pause is taken for the director's interval if no such pause comes again: it may have been an absence.
    static let memory = Duration.seconds(600)

    private struct Entry: Sendable {
        /// When it last asked, or a poll of its that was held ended. At first: when the agent began to listen.
        var lastSign: Instant
        var hasAsked = false
        var heldPolls = 0
        /// The longest pause between two questions lately, and when it was seen.
        var pause = Duration.zero
        var pauseSeen: Instant

        mutating func learn(_ pause: Duration, at now: Instant) {
            guard hasAsked, heldPolls == 0, pause <= longestInterval else { return }
            guard pause >= self.pause || now - pauseSeen > memory else { return }
            (self.pause, pauseSeen) = (pause, now)
        }
    }

    /// The configured directors, in order of preference.
    let addresses: [IPAddress]
    /// After which time without a sign of life a director is silent, at least.
    let silence: Duration
    private var entries: [IPAddress: Entry]

    /// Starts with nobody having asked, and nobody silent.
    init(directors: [IPAddress], silence: Duration, now: Instant) {
        var seen: Set<IPAddress> = []
        addresses = directors.map(\.unmapped).filter { seen.insert($0).inserted }
        self.silence = silence
        entries = Dictionary(uniqueKeysWithValues: addresses.map { ($0, Entry(lastSign: now, pauseSeen: now)) })
    }

    /// A question came from `address`. One from elsewhere than a director's configured address says nothing.
    mutating func hear(_ address: IPAddress?, at now: Instant) {
        guard let address = address?.unmapped, var entry = entries[address] else { return }
        entry.learn(now - entry.lastSign, at: now)
        entry.hasAsked = true
        entry.lastSign = max(now, entry.lastSign)
        entries[address] = entry
    }

    /// A poll from `address` is held from now on: it waits for a change.
    mutating func beginHolding(_ address: IPAddress?) {
        guard let address = address?.unmapped else { return }
        entries[address]?.heldPolls += 1
    }

    /// A poll from `address` is no longer held: it was answered, or the director hung up.
    mutating func endHolding(_ address: IPAddress?, at now: Instant) {
        guard let address = address?.unmapped, var entry = entries[address], entry.heldPolls > 0 else { return }
        entry.heldPolls -= 1
        entry.lastSign = max(now, entry.lastSign)
        entries[address] = entry
    }

    /// The directors that have not given a sign of life for longer than theirs is due, in order of preference.
    func silent(at now: Instant) -> [IPAddress] {
        addresses.filter { address in
            guard let entry = entries[address], entry.heldPolls == 0 else { return false }
            return now - entry.lastSign > max(silence, entry.pause * Self.missedIntervals)
        }
    }

    /// Whether another question of `address` is to be expected soon: a poll of its is held, or it asked within the last two
    /// seconds or three of its own intervals.
    func isExpected(_ address: IPAddress, at now: Instant) -> Bool {
        guard let entry = entries[address.unmapped], entry.hasAsked else { return false }
        return entry.heldPolls > 0 || now - entry.lastSign <= max(.seconds(2), entry.pause * Self.missedIntervals)
    }

    /// Whether `address` has asked at all.
    func hasAsked(_ address: IPAddress) -> Bool { entries[address.unmapped]?.hasAsked ?? false }

    /// The directors in order of preference, those that are silent behind the others. Where all are silent, nothing is
    /// known against any of them.
    func order(at now: Instant) -> [IPAddress] {
        let silent = silent(at: now)
        return addresses.filter { !silent.contains($0) } + silent
    }
}
