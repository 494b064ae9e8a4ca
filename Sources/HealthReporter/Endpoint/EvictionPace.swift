/// How fast connections may make way for others: a bucket of tokens, without a clock of its own.
///
/// Somebody who opens connections anew as fast as they are closed would keep the agent at that and at nothing else. So a listener
/// whose newcomers cost others their place is not asked for the next ones for a while: they wait in the kernel's queue, which
/// costs nothing. Who finds room never waits.
struct EvictionPace: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How many may follow one another at once: a quarter of one address's part. Whoever was just taken in is the last of those on
    /// which nothing was asked to go, and his question has been read by the time that the rest have.
    static let burst = 16
    /// From one to the next, on average: at a tenth of a millisecond for each that is a fifth of a core at most. Who waits behind a
    /// whole queue, of 256, waits for an eighth of a second.
    static let interval = Duration.microseconds(500)

    /// When the bucket will be full again; before `now`: it is.
    private var isFull: Instant

    /// A full bucket.
    init(at now: Instant) { isFull = now }

    /// Somebody had to make way, or was turned away.
    mutating func take(at now: Instant) { isFull = max(isFull, now) + Self.interval }

    /// How long to take no newcomers in; nil: there is no need to wait.
    func pause(at now: Instant) -> Duration? {
        let pause = isFull - now - Self.interval * Self.burst
        return pause > .zero ? pause : nil
    }
}
