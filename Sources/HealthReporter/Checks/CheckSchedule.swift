import ConfigurationFile
import NIOCore
import NIOPosix

/// When the next question is asked.
///
/// From start to start, whatever an answer takes; and each time a little off, so that many checks on many servers do not
/// fall into step. Only time that never jumps counts, not the wall clock. Pauses of half a second and more end with the nearest
/// `Beat`: questions of one host that are due at nearly the same time are one wake-up. Where `rounds` are given, those of one
/// interval are asked together.
struct CheckSchedule: Sendable {
    /// From the start of one question to the start of the next, on average, while nothing is about to change.
    let interval: Duration
    /// The same while something is: the latest answer disagrees with the verdict, or there is none yet.
    let fastInterval: Duration
    /// Nil: it has a time of its own.
    let rounds: Rounds?

    /// How far off a start may be, as a part of the interval.
    static let jitter = 0.05
    /// The same as factors.
    static let jitters = 1 - jitter...1 + jitter

    init(interval: Duration, fastInterval: Duration, rounds: Rounds? = nil) {
        self.interval = interval
        self.fastInterval = fastInterval
        self.rounds = interval < Beat.shortestWait ? nil : rounds
    }

    init(of check: AgentConfiguration.Check) {
        self.init(
            interval: check.interval, fastInterval: check.fastInterval, rounds: check.kind.costsLittle ? .own : nil)
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
        let jittered = Double.random(in: Self.jitters, using: &random)
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
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let place = rounds?.join(every: interval)
        while !Task.isCancelled {
            let (start, deadline) = (clock.now, NIODeadline.now())
            let outcome = await checker.ask()
            // An answer that was cut short says nothing about the service.
            if Task.isCancelled { break }
            let isSettled = await record(outcome)
            let phase: Phase = isSettled ? (wasSettled ? .settled : .firstSettled) : .changing
            wasSettled = wasSettled || isSettled
            if isSettled, let place {
                try? await loop.sleep(until: place.next(after: deadline, using: &random))
            } else {
                try? await loop.sleep(for: pause(phase, elapsed: clock.now - start, using: &random))
            }
        }
        await checker.stop()
    }
}

extension AgentConfiguration.Check.Kind {
    /// Whether it is nothing but a few packets.
    fileprivate var costsLittle: Bool {
        switch self {
        case .http(let http): http.tls == nil
        case .grpc(_, let tls): tls == nil
        case .tcp, .udp: true
        case .tls, .exec, .systemd, .file: false
        }
    }
}
