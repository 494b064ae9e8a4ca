internal import NetworkAddress

/// When the sentinel asks for which address: a round at every interval, spread out, and a while to wait for the last
/// answer. Knows nothing but the time it is given.
///
/// ```
///   ├ ask, ask, ask … one each 20 ms ┤ wait 1 s ┤ judge ├──── rest ────┤ ask …
/// ```
struct ProbeSchedule: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What is due.
    enum Step: Hashable, Sendable {
        /// Nothing until `due`.
        case rest
        /// A round begins: look at the interface.
        case begin
        /// Ask for this address.
        case ask(IPAddress)
        /// The answers are in: judge.
        case end
    }

    /// The pace: at most 50 questions a second.
    static let spacing = Duration.milliseconds(20)
    /// How long to wait for answers after the last question, at most. A neighbour answers within milliseconds.
    static let patience = Duration.seconds(1)

    private let targets: [IPAddress]
    private let interval: Duration
    private var next = -1
    private var roundStart: Instant
    /// When there is something to do.
    private(set) var due: Instant

    /// The first round begins now. `interval` is from one round's begin to the next one's, where the questions leave time.
    init(targets: [IPAddress], interval: Duration, now: Instant) {
        self.targets = targets
        self.interval = interval
        roundStart = now
        due = now
    }

    /// What is due now; to be called until it is `.rest`.
    mutating func advance(to now: Instant, using random: inout some RandomNumberGenerator) -> Step {
        guard now >= due else { return .rest }
        if next < 0 {
            next = 0
            roundStart = now
            return .begin
        }
        if next < targets.count {
            let target = targets[next]
            next += 1
            // From now, not from when it was due: what was late is not made up for in a burst.
            due = now + (next < targets.count ? Self.spacing : min(Self.patience, interval / 2))
            return .ask(target)
        }
        next = -1
        // Many servers start at once after a power cut: a tenth more or less keeps them from asking in step for ever.
        let rest = interval * Double.random(in: 0.9...1.1, using: &random)
        due = max(now + Self.spacing, roundStart + rest)
        return .end
    }
}
