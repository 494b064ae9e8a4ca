/// What went wrong in reporting a service's health, in words an operator can act on.
public struct ReporterError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is, for those who decide by it.
    public enum Kind: Sendable, Equatable {
        /// What was read is not what it should be.
        case malformed
        /// A file or folder could not be read or written.
        case storage
        /// An address or a socket could not be listened on.
        case listen
        /// The configuration cannot be carried out.
        case configuration
        /// A name that no service has.
        case unknownService
        /// Something in a request is not as it should be.
        case badRequest
        /// What is asked for goes against what is in force.
        case conflict
        /// More wait at once than the agent holds in memory.
        case tooManyWaiters
        /// The agent does not answer on its control socket.
        case notRunning
        /// The control socket exists and this user may not use it.
        case permission
        /// The agent answered, with a refusal.
        case refused
        /// Nothing came back in time, or the connection broke.
        case unreachable
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// What was being attempted: `write /var/lib/rsagent/admin.json`.
    public var operation: String
    /// Why it failed: `No space left on device`.
    public var cause: String
    /// What to do about it; empty where the cause says it.
    public var cure: String

    /// Creates an error.
    public init(_ kind: Kind, operation: String, cause: String, cure: String = "") {
        self.kind = kind
        self.operation = operation
        self.cause = cause
        self.cure = cure
    }

    /// One line: what failed, why, and what to do.
    public var description: String {
        "cannot \(operation): \(cause)" + (cure.isEmpty ? "" : "; \(cure)")
    }
}
