internal import Glibc

/// What kept the director from its work, in words an operator can act on.
public struct DirectorError: Error, Hashable, Sendable {
    /// What was being attempted: `listen on /run/rsdirector/control.sock`.
    public var operation: String
    /// Why it failed.
    public var cause: String
    /// What to do about it; empty where the cause says it.
    public var cure: String

    /// Creates an error.
    public init(operation: String, cause: String, cure: String = "") {
        self.operation = operation
        self.cause = cause
        self.cure = cure
    }
}

extension DirectorError: CustomStringConvertible {
    /// One line: what failed, why, and what to do.
    public var description: String {
        "cannot \(operation): \(cause)" + (cure.isEmpty ? "" : "; \(cure)")
    }
}

extension DirectorError {
    /// What the system calls the error with this errno.
    static func words(_ number: CInt) -> String { String(cString: strerror(number)) }
}
