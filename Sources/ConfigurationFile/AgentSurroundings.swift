internal import NetworkAddress

/// What a file says elsewhere that bears on one service: at its top, and in the services before.
struct AgentSurroundings {
    /// The directors, each where it is written.
    let directors: [(node: Node, address: IPAddress)]
    /// Whether `directors` can be read in full. If not, nobody can say which family lacks one.
    let areDirectorsWhole: Bool
    /// Whether the lock-down, if there is one, lets the tunnel packets of anybody in.
    let admitsTunnelPackets: Bool
    /// The names so far, each where it is written.
    var names: [String: Node] = [:]
    /// Which service has which VIP and port.
    var claims = Claims()
    /// What the services so far make of their VIPs.
    var placements = Placements()
    /// Who listens where so far.
    var listeners = Listeners()
    /// Whether `[report]` says where to listen; else it is the interface's own address, which is not known here.
    var isReportElsewhere = false
    /// Where the agent checks so far are answered, each where it is written.
    var agentChecks: [(node: Node, address: IPAddress)] = []
    /// Whether the answers of a service go by way of a director, or may, for all that can be read.
    var hasRepliesByDirector = false
}
