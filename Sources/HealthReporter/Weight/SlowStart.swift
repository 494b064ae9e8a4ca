/// How much of its weight a service gets that has just come up: a small share at first, all of it after a while.
///
/// In steps, since each is a change that every director has to act on.
struct SlowStart: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Zero: all of it at once.
    let duration: Duration
    /// In how many steps, at least 2.
    let steps: Int
    private var began: Instant?

    init(duration: Duration, steps: Int) {
        self.duration = duration
        self.steps = max(2, steps)
    }

    mutating func begin(at now: Instant) {
        began = duration > .zero ? now : nil
    }

    /// The share, above 0 and below 1; nil: all of it.
    func share(at now: Instant) -> Double? {
        guard let began, now - began < duration else { return nil }
        let passed = max(0, (now - began) / duration)
        // Nobody can warm up on nothing: the first step is there from the start.
        return max(1, (passed * Double(steps)).rounded(.down)) / Double(steps)
    }
}
