import NIOCore

/// Moments at which what need not be exact happens together, so that one wake-up does for all of it: on an idle machine that is most
/// of what a question costs.
///
/// They are `interval` apart, and lie elsewhere on every host: agents that started together do not ask in step.
struct Beat: Sendable {
    /// From one beat to the next.
    static let interval = Duration.milliseconds(50)
    /// Who waits so long or longer waits for a beat, which moves the end by a twentieth at most.
    static let shortestWait = interval * 10
    /// This process's.
    static let own = Beat(phase: .nanoseconds(.random(in: 0..<TimeAmount(interval).nanoseconds)))

    private let phase: UInt64

    /// - Parameter phase: how long after the clock's beginning the first beat is; less than `interval`, and not negative.
    init(phase: TimeAmount) { self.phase = UInt64(phase.nanoseconds) }

    private static var length: UInt64 { UInt64(TimeAmount(interval).nanoseconds) }

    /// The first beat after `time`.
    func next(after time: NIODeadline) -> NIODeadline {
        // A clock that is younger than one interval has had no beat.
        guard time.uptimeNanoseconds >= phase else { return .uptimeNanoseconds(phase) }
        return .uptimeNanoseconds(time.uptimeNanoseconds - (time.uptimeNanoseconds - phase) % Self.length + Self.length)
    }

    /// The beat that is nearest to the end of a wait: up to half an interval before it, or behind. The end itself where the wait is
    /// short.
    func end(of wait: Duration, from now: NIODeadline) -> NIODeadline {
        let end = now + TimeAmount(wait)
        return wait < Self.shortestWait ? end : next(after: end - TimeAmount(Self.interval / 2))
    }
}
