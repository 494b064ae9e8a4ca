import Glibc
import ServiceLifecycle
import Synchronization

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

    /// Remembers these signals until a service group takes them over.
    static func remember() {
        for number in signals { signal(number) { _ in isAsked.store(true, ordering: .relaxed) } }
    }
}

/// Ends a service group at once where a signal came before it was there. To be given `.gracefullyShutdownGroup`.
struct EarlyStop: Service {
    func run() async throws {
        if isAsked.load(ordering: .relaxed) { return }
        try await gracefulShutdown()
    }
}
