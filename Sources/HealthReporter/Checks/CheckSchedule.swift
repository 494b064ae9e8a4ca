import NIOPosix

/// When the next question is asked.
///
/// From start to start, whatever an answer takes; and each time a little off, so that many checks on many servers do not
/// fall into step.
struct CheckSchedule: Sendable {
    /// From the start of one question to the start of the next, on average.
    let interval: Duration

    /// How far off a start may be, as a part of the interval.
    static let jitter = 0.05

    /// How long to wait before asking again, `elapsed` after the latest question began. Zero where it is time already:
    /// missed questions are not made up for.
    ///
    /// The first wait is anywhere between half an interval and a whole one, which spreads checks that began together.
    func pause(afterFirst: Bool, elapsed: Duration, using random: inout some RandomNumberGenerator) -> Duration {
        let factor =
            afterFirst
            ? Double.random(in: 0.5...1, using: &random)
            : Double.random(in: 1 - Self.jitter...1 + Self.jitter, using: &random)
        return max(.zero, interval * factor - elapsed)
    }
}

extension CheckSchedule {
    /// Asks at once and then again and again, until the task is cancelled.
    func run(_ checker: some Checker, record: @Sendable (CheckOutcome) async -> Void) async {
        var random = SystemRandomNumberGenerator()
        var isFirst = true
        let clock = ContinuousClock()
        while !Task.isCancelled {
            let start = clock.now
            let outcome = await checker.ask()
            // An answer that was cut short says nothing about the service.
            if Task.isCancelled { break }
            await record(outcome)
            let pause = pause(afterFirst: isFirst, elapsed: clock.now - start, using: &random)
            isFirst = false
            try? await MultiThreadedEventLoopGroup.singleton.any().sleep(for: pause)
        }
        await checker.stop()
    }
}
