import ConfigurationFile
import NIOPosix

/// When the next question is asked.
///
/// From start to start, whatever an answer takes; and each time a little off, so that many checks on many servers do not
/// fall into step. Only time that never jumps counts, not the wall clock.
struct CheckSchedule: Sendable {
    /// From the start of one question to the start of the next, on average, while nothing is about to change.
    let interval: Duration
    /// The same while something is: the latest answer disagrees with the verdict, or there is none yet.
    let fastInterval: Duration

    /// How far off a start may be, as a part of the interval.
    static let jitter = 0.05

    init(interval: Duration, fastInterval: Duration) {
        self.interval = interval
        self.fastInterval = fastInterval
    }

    init(of check: AgentConfiguration.Check) {
        self.init(interval: check.interval, fastInterval: check.fastInterval)
    }

    /// How settled a check is.
    enum Phase: Sendable, Equatable {
        /// Something is about to change.
        case changing
        /// The first answer that changes nothing.
        case firstSettled
        case settled
    }

    /// How long to wait before asking again, `elapsed` after the latest question began. Zero where it is time already:
    /// missed questions are not made up for.
    ///
    /// The first wait of a settled check is anywhere between half an interval and a whole one, which spreads checks that
    /// began together.
    func pause(_ phase: Phase, elapsed: Duration, using random: inout some RandomNumberGenerator) -> Duration {
        let jittered = Double.random(in: 1 - Self.jitter...1 + Self.jitter, using: &random)
        let next =
            switch phase {
            case .changing: fastInterval * jittered
            case .firstSettled: interval * Double.random(in: 0.5...1, using: &random)
            case .settled: interval * jittered
            }
        return max(.zero, next - elapsed)
    }
}

extension CheckSchedule {
    /// Asks at once and then again and again, until the task is cancelled.
    ///
    /// - Parameter record: takes an answer into account, and returns whether the check is settled; see `CheckHistory`.
    func run(_ checker: some Checker, record: @Sendable (CheckOutcome) async -> Bool) async {
        var random = SystemRandomNumberGenerator()
        var wasSettled = false
        let clock = ContinuousClock()
        while !Task.isCancelled {
            let start = clock.now
            let outcome = await checker.ask()
            // An answer that was cut short says nothing about the service.
            if Task.isCancelled { break }
            let isSettled = await record(outcome)
            let phase: Phase = isSettled ? (wasSettled ? .settled : .firstSettled) : .changing
            wasSettled = wasSettled || isSettled
            let pause = pause(phase, elapsed: clock.now - start, using: &random)
            try? await MultiThreadedEventLoopGroup.singleton.any().sleep(for: pause)
        }
        await checker.stop()
    }
}
