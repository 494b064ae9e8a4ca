internal import Glibc
internal import Lab
internal import Synchronization

@testable internal import Director

/// What the engine told, for a test's thread to look at.
final class Events: Sendable {
    private let events = Mutex<[EngineEvent]>([])

    func add(_ event: EngineEvent) {
        events.withLock { $0.append(event) }
    }

    var all: [EngineEvent] { events.withLock { $0 } }
}

/// A deadline for what a test waits for.
enum Deadline {
    /// Waits until `condition` holds, and throws with these words where it does not within 20 s.
    static func wait(_ words: String, _ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(20)
        while try !condition() {
            guard ContinuousClock.now < end else { throw LabError("not within 20 s: \(words)") }
            usleep(2000)
        }
    }
}

/// The result of an asynchronous operation, waited for on a thread that is not one of Swift's: a test's own.
@discardableResult
func waitFor<Result: Sendable>(_ operation: @escaping @Sendable () async -> Result) -> Result {
    let result = Box<Result>()
    Task { result.value.withLock { [outcome = await operation()] in $0 = outcome } }
    while true {
        if let value = result.value.withLock({ $0 }) { return value }
        usleep(500)
    }
}

private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}
