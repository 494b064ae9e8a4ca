import NetworkAddress

/// What is known of the drains in force beside who has noticed: who may still have something on its way, who still sends,
/// and when they end.
struct DrainBook: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// By service, the directors that act on the drain and are given time for what they sent before.
    var settling: [String: [IPAddress]] = [:]
    /// By service, who still sends, in words.
    private(set) var alarms: [String: [String]] = [:]
    var deadlines = DrainDeadlines()
    private var late: [String: LateArrivals] = [:]

    /// Whether the drain of `service` cannot be over yet, whatever the number of connections.
    func isHeld(_ service: String) -> Bool {
        !(settling[service] ?? []).isEmpty || !(alarms[service] ?? []).isEmpty
    }

    /// From now on new connections to `services`, and to no others, are none that a director should have sent.
    mutating func watch(_ services: [String], directors: [IPAddress], at now: Instant) {
        late = late.filter { services.contains($0.key) }
        for service in services where late[service] == nil { late[service] = LateArrivals(directors: directors) }
        alarms = late.compactMapValues { $0.alarms(at: now) }.filter { !$0.value.isEmpty }
    }

    /// Takes a look at a service that is watched into account.
    ///
    /// - Returns: those that are found to send and were not before.
    mutating func look(_ look: LateArrivals.Look, at service: String, now: Instant) -> [Arrival.Sender] {
        guard late[service] != nil else { return [] }
        let new = late[service]!.look(look, at: now)
        let words = late[service]!.alarms(at: now)
        alarms[service] = words.isEmpty ? nil : words
        return new
    }
}
