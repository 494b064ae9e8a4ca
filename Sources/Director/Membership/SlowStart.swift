/// How the weight of a server grows to what it should be after it came up: linearly, in steps, from 1.
///
/// HAProxy's `slowstart`: it gives a server that was away time to warm up, and does not apply to the director's own start.
struct SlowStart: Hashable, Sendable {
    /// In how many steps a weight grows: each is a change for the engine, and for `mh` a table to build.
    static let steps = 20

    /// When the server came up.
    let start: ContinuousClock.Instant
    /// How long it takes. More than nothing.
    let duration: Duration

    /// What of `weight` is given at that time: at least 1, unless it is 0.
    func share(of weight: Int, at now: ContinuousClock.Instant) -> Int {
        weight == 0 ? 0 : max(1, weight * step(at: now) / Self.steps)
    }

    /// When the next step is due; nil: it is over.
    func nextStep(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let step = step(at: now)
        return step < Self.steps ? start + duration * (step + 1) / Self.steps : nil
    }

    /// 0 up to `steps`.
    private func step(at now: ContinuousClock.Instant) -> Int {
        guard now > start else { return 0 }
        guard now < start + duration else { return Self.steps }
        return (0..<Self.steps).last { now >= start + duration * $0 / Self.steps } ?? 0
    }
}
