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
    /// By service without connections to wait for, until when what is under way is left in peace.
    private var leftUntil: [String: Instant] = [:]
    /// The same, as far as it was not over at the last look.
    private(set) var timeLeft: [String: Duration] = [:]

    /// Whether the drain of `service` cannot be over yet, whatever the number of connections.
    func isHeld(_ service: String) -> Bool {
        !(settling[service] ?? []).isEmpty || !(alarms[service] ?? []).isEmpty
    }

    /// Whether the time of a service without connections to wait for is over, and had begun.
    func isTimeOver(of service: String) -> Bool { leftUntil[service] != nil && timeLeft[service] == nil }

    /// The directors act on the drains of `services`, and of no others among those without connections to wait for: from when
    /// they are first named here, each is left so long in peace.
    mutating func leave(_ services: [String: Duration], at now: Instant) {
        leftUntil = leftUntil.filter { services[$0.key] != nil }
        for (service, time) in services where leftUntil[service] == nil { leftUntil[service] = now + time }
        timeLeft = leftUntil.mapValues { $0 - now }.filter { $0.value > .zero }
    }

    /// From now on new connections to `services`, and to no others, are none that a director should have sent. By service, the
    /// directors whose own connections are checks.
    mutating func watch(_ services: [String: [IPAddress]], at now: Instant) {
        late = late.filter { services[$0.key] != nil }
        for (service, checkers) in services where late[service] == nil {
            late[service] = LateArrivals(checkers: checkers)
        }
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
