internal import Glibc

/// Waits for a condition instead of for a time.
public enum Deadline {
    /// By how much every limit is longer than it says: a machine that others use too, and more so a guest without KVM, takes its
    /// time.
    private static let patience = Lab.isEmulated ? 10 : 3

    /// By how much longer it is than said from one look to the next: each may be a process, which in an emulated guest takes the
    /// time of what is waited for.
    private static let leisure = Lab.isEmulated ? 10 : 1

    /// Asks `condition` again and again until it gives a value; throws a `LabError` naming `what` when `limit` is over.
    public static func wait<Value>(
        for what: String, limit: Duration = .seconds(20), every interval: Duration = .milliseconds(20),
        _ condition: () async throws -> Value?
    ) async throws -> Value {
        let clock = ContinuousClock()
        let end = clock.now + limit * patience
        while true {
            if let value = try await condition() { return value }
            guard clock.now < end else { throw LabError("waited \(limit * patience) for: \(what)") }
            try await Task.sleep(for: interval * leisure)
        }
    }

    /// The same for a condition that is true or not yet.
    public static func wait(
        until what: String, limit: Duration = .seconds(20), every interval: Duration = .milliseconds(20),
        _ condition: () async throws -> Bool
    ) async throws {
        let _: Bool = try await wait(for: what, limit: limit, every: interval) { try await condition() ? true : nil }
    }

    /// The same on a thread that may block, such as a namespace's.
    public static func block(
        until what: String, limit: Duration = .seconds(20), every interval: Duration = .milliseconds(20),
        _ condition: () throws -> Bool
    ) throws {
        let clock = ContinuousClock()
        let end = clock.now + limit * patience
        while try !condition() {
            guard clock.now < end else { throw LabError("waited \(limit * patience) for: \(what)") }
            usleep(UInt32(interval * leisure / .microseconds(1)))
        }
    }
}
