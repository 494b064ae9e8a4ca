/// What a director answers where the server is one of a service now.
public struct JoinAnswer: Codable, Sendable, Equatable {
    /// The program and its version: `rsdirector 0.1.0`.
    public var director: String
    /// For how many seconds it stays one without asking again.
    public var leaseSeconds: Int64
    /// What came of each service, in the order of the request. At least one is not refused.
    public var services: [Service]

    /// What came of one service.
    public struct Service: Codable, Sendable, Equatable {
        /// Its name.
        public var name: String
        /// What came of it.
        public var outcome: Outcome
        /// Why, in words; empty where there is nothing to explain.
        public var reason: String

        /// What came of it.
        public init(name: String, outcome: Outcome, reason: String = "") {
            self.name = name
            self.outcome = outcome
            self.reason = reason
        }
    }

    /// What can come of it.
    public enum Outcome: String, Codable, Sendable {
        /// It is a server by this join, for as long as the lease.
        case joined
        /// It is a server already, by the director's file or by hand; the join changes nothing of it.
        case configured
        /// It is none.
        case refused
    }

    enum CodingKeys: String, CodingKey {
        case director, services
        case leaseSeconds = "lease_seconds"
    }

    /// An answer.
    public init(director: String, leaseSeconds: Int64, services: [Service]) {
        self.director = director
        self.leaseSeconds = leaseSeconds
        self.services = services
    }
}

/// Why nothing was joined or left.
public struct JoinRefusal: Error, Sendable, Equatable {
    /// What kind of refusal, by its status in HTTP (RFC 9110 §15.5).
    public var status: Int
    /// Why, for an operator to act on.
    public var reason: String

    /// A refusal.
    public init(status: Int, reason: String) {
        self.status = status
        self.reason = reason
    }
}
