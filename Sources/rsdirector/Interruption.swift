import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP, for a command that has something to clear away first.
enum Interruption {
    private static let noted = Atomic<CInt>(0)
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    /// From now on they end nothing, and are noted.
    static func note() {
        // Made here: a signal's handler may not be the first to need it.
        noted.store(0, ordering: .relaxed)
        for number in signals {
            signal(number) { Interruption.noted.store($0, ordering: .relaxed) }
        }
    }

    /// Whether one came.
    static var isNoted: Bool { noted.load(ordering: .relaxed) != 0 }

    /// Ends the process as the one that came would have; else they end it again from now on.
    static func obey() {
        for number in signals { signal(number, SIG_DFL) }
        // Not raise(3): commands run on threads on which signals are blocked.
        if isNoted { kill(getpid(), noted.load(ordering: .relaxed)) }
    }
}
