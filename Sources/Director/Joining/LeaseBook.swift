internal import NetworkAddress

/// Until when the servers that joined by themselves stay without being heard of. A value without a clock of its own.
struct LeaseBook: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// A server of a service.
    struct Key: Hashable, Codable, Sendable {
        var service: String
        var address: IPAddress
    }

    /// What a server asked for, and until when it has it.
    struct Lease: Sendable {
        var end: Instant
        /// What its agent asked for last: what is set by hand since then stays.
        var wish: JoinWish
    }

    /// Looked at less often than this, the director did not run, and nobody could renew.
    static let longestPause = Duration.seconds(2)
    /// A lease is at least as long at the director's own start: agents that found it away wait for up to ten seconds before they
    /// ask again.
    static let atTheStart = Duration.seconds(30)

    private(set) var leases: [Key: Lease] = [:]
    private var looked: Instant
    /// No lease ends before; nil: there is none.
    private var soonest: Instant?

    /// Nobody has joined.
    init(at now: Instant) { looked = now }

    /// A server joined, or is still there.
    mutating func renew(_ key: Key, for duration: Duration, _ wish: JoinWish, at now: Instant) {
        let end = now + duration
        leases[key] = Lease(end: end, wish: wish)
        soonest = min(soonest ?? end, end)
    }

    /// A server is none any more.
    mutating func end(_ key: Key) { leases[key] = nil }

    /// Forgets those that are not among these.
    mutating func keep(only keys: Set<Key>) { leases = leases.filter { keys.contains($0.key) } }

    /// Takes those out whose lease has run out, in the order of service and address. The time in which the director was stopped
    /// counts against nobody.
    mutating func expire(at now: Instant) -> [Key] {
        let pause = now - looked
        looked = now
        if pause > Self.longestPause {
            for key in leases.keys { leases[key]?.end += pause }
            soonest = soonest.map { $0 + pause }
        }
        // Looked at ten times a second, and nearly always for nothing.
        guard let soonest, soonest <= now else { return [] }
        let over = leases.filter { $0.value.end <= now }.map(\.key)
        for key in over { leases[key] = nil }
        self.soonest = leases.values.lazy.map(\.end).min()
        return over.sorted { ($0.service, $0.address) < ($1.service, $1.address) }
    }
}
