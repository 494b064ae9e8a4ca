internal import CLinux
internal import Glibc

/// A network namespace that lives as long as one closure.
///
/// The closure runs on a thread of its own that has left for a new namespace: its netlink, its `/proc/sys/net` and the
/// processes it starts are in there, all other threads stay where they are. Nothing is named, so nothing can be left behind.
public enum FreshNamespace {
    /// Whether this process may make namespaces (CAP_SYS_ADMIN); else the tests that need one are skipped.
    public static let isAvailable = clinux_effective_capabilities() & 1 << UInt64(CAP_SYS_ADMIN) != 0

    /// Runs `body` in a namespace in which only `lo` exists, down as it is in a new one.
    public static func run<Result>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
        try run(entering: { clinux_unshare_network() == 0 }, body)
    }

    /// The same in the namespace that `enter` takes the thread to.
    static func run<Result>(
        entering enter: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () throws -> Result
    ) throws -> Result {
        let errand = Errand(enter) { try body() }
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runErrand, Unmanaged.passRetained(errand).toOpaque())
        guard code == 0 else { throw LabError("pthread_create: \(String(cString: strerror(code)))") }
        pthread_join(thread, nil)
        guard let outcome = errand.outcome else { throw LabError("unshare: this thread could not leave its namespace") }
        guard let value = try outcome.get() as? Result else { throw LabError("the errand returned another type") }
        return value
    }
}

/// Something went wrong in a test's own machinery.
public struct LabError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String

    /// An error with this text.
    public init(_ description: String) { self.description = description }
}

/// Written by its thread, read after pthread_join: never both at once.
private final class Errand: @unchecked Sendable {
    let enter: @Sendable () -> Bool
    let body: @Sendable () throws -> Any
    var outcome: Result<Any, any Error>?

    init(_ enter: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () throws -> Any) {
        self.enter = enter
        self.body = body
    }
}

private func runErrand(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let errand = Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue()
    guard errand.enter() else { return nil }
    errand.outcome = Result { try errand.body() }
    return nil
}
