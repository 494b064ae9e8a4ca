import Logging
import Synchronization

/// Logs what fails again and again when it is another failure, and else once a minute with how often it came: a disk that is
/// full is tried many times a second, and who reads the log has seen it.
///
/// Whoever uses it names what failed by a short list of its own, so that it cannot grow.
final class FailureLog: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How often the same failure is logged.
    static let interval = Duration.seconds(60)

    private struct Failure {
        var words: String
        var told: Instant
        /// How often it came since it was told.
        var count = 0
    }

    private let logger: Logger
    private let failures = Mutex<[String: Failure]>([:])

    init(_ logger: Logger) { self.logger = logger }

    /// `subject` has failed.
    ///
    /// - Parameter words: the line to log: the same words for the same failure.
    func failed(_ subject: String, _ words: String, level: Logger.Level = .warning, at now: Instant = .now) {
        let repeats: Int? = failures.withLock { failures in
            guard var failure = failures[subject], failure.words == words else {
                failures[subject] = Failure(words: words, told: now)
                return 0
            }
            failure.count += 1
            defer { failures[subject] = failure }
            guard now - failure.told >= Self.interval else { return nil }
            defer { (failure.told, failure.count) = (now, 0) }
            return failure.count
        }
        guard let repeats else { return }
        logger.log(level: level, "\(words)\(repeats == 0 ? "" : " (\(repeats) more times since this was last said)")")
    }

    /// `subject` works. The next failure is another one.
    func succeeded(_ subject: String) {
        failures.withLock { $0[subject] = nil }
    }
}
