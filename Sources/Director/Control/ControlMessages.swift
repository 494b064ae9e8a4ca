public import NetworkAddress

/// What is asked for about one server, on the control socket: `{"service":"web","address":"10.0.0.14","weight":2}`.
public struct ServerRequest: Codable, Sendable, Equatable {
    /// The service's name.
    public var service: String
    /// The server's own address.
    public var address: IPAddress
    /// Its weight, 0 to 65535; nil: 1 for a new server, and as it is for others.
    public var weight: Int?
    /// With NAT the port on the server; nil: the VIP's for a new server, and as it is for others.
    public var port: UInt16?
    /// Whether a new server has an agent, which is asked as `[agent]` says; nil: it has.
    public var agent: Bool?

    /// Asks about the server of that address; nil leaves a thing as it is.
    public init(service: String, address: IPAddress, weight: Int? = nil, port: UInt16? = nil, agent: Bool? = nil) {
        self.service = service
        self.address = address
        self.weight = weight
        self.port = port
        self.agent = agent
    }
}

/// What came of it.
public struct ControlAnswer: Codable, Sendable, Equatable {
    /// What is different now, a line each; empty: nothing.
    public var changes: [String]
    /// What the file says otherwise and only a restart brings about, a line each.
    public var needsRestart: [String]

    /// An answer.
    public init(changes: [String], needsRestart: [String] = []) {
        self.changes = changes
        self.needsRestart = needsRestart
    }

    enum CodingKeys: String, CodingKey {
        case changes
        case needsRestart = "needs_restart"
    }
}

/// The body of a refusal.
struct ControlError: Codable {
    var error: String
}
