/// What an agent asks for its server in one service.
struct JoinWish: Hashable, Codable, Sendable {
    /// Multiplies what the agent reports: 0 to 65535.
    var weight: Int
    /// With NAT the port on the server, 1 to 65535; nil: the VIP's.
    var port: UInt16?
    /// Where at the server's address its agent answers.
    var agentPort: UInt16

    init(weight: Int = 1, port: UInt16? = nil, agentPort: UInt16) {
        (self.weight, self.port, self.agentPort) = (weight, port, agentPort)
    }

    enum CodingKeys: String, CodingKey {
        case weight, port
        case agentPort = "agent_port"
    }
}

/// A server that joined, as its agent asked for it.
struct JoinedServer: Hashable, Codable, Sendable {
    var key: LeaseBook.Key
    var wish: JoinWish

    enum CodingKeys: String, CodingKey {
        case key = "server"
        case wish = "asked"
    }
}
