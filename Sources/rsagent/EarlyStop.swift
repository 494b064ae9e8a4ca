import Glibc
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Whether a signal has asked for an end.
private let isAsked = Atomic(false)

/// Sees to it that a change to the host, once begun, is not broken off halfway by a signal: it is short, and half of it is of
/// no use to anyone.
enum Interruption {
    /// The signals by which a person, a terminal that closes, and systemd ask for an end.
    static let signals = [SIGTERM, SIGINT, SIGHUP]

    /// Lets what is about to be done be finished: from now on these signals are not heard.
    static func ignore() {
        for number in signals { signal(number, SIG_IGN) }
    }

    /// Remembers these signals until `StopSignals` takes them over.
    static func remember() {
        for number in signals { signal(number) { _ in isAsked.store(true, ordering: .relaxed) } }
    }
}

/// Hears the signals that ask for an end: the first begins it, one more cuts its waiting short.
///
/// It must be the first service of its group, so that it is the last to stop and hears to the end.
struct StopSignals: Service {
    private let first: AsyncStream<Void>
    private let begin: AsyncStream<Void>.Continuation
    private let hurry: @Sendable () -> Void

    /// - Parameter hurry: Called for every signal after the first.
    init(hurry: @escaping @Sendable () -> Void) {
        (first, begin) = AsyncStream.makeStream()
        self.hurry = hurry
    }

    /// The service that ends with the first signal, also one that came before the group was there. To be given
    /// `.gracefullyShutdownGroup`.
    var firstSignal: EarlyStop { EarlyStop(first: first) }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        var isStopping = isAsked.load(ordering: .relaxed)
        if isStopping { begin.finish() }
        for await _ in signals.cancelOnGracefulShutdown() {
            if isStopping { hurry() }
            isStopping = true
            begin.finish()
        }
    }
}

/// Ends a service group with the first signal.
struct EarlyStop: Service {
    fileprivate let first: AsyncStream<Void>

    func run() async throws {
        for await _ in first.cancelOnGracefulShutdown() {}
    }
}
