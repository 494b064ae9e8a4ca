/// What `rsdirector.toml` says, checked and with every default filled in.
public struct DirectorConfiguration: Sendable, Equatable {
    /// The interfaces packets are taken from and sent out of. At least one.
    public var interfaces: [String]
    /// Where the control socket lives.
    public var runDirectory: String
    /// Where the status is served over TCP; nil: on the control socket only. Not on a VIP.
    public var status: SocketAddress?
    /// Whether the director answers ARP and neighbour discovery for the VIPs and announces them.
    public var ownsVIPs: Bool
    /// How many flows there is room for, in memory that is taken at the start and never grows: 1,024 to 67,108,864.
    public var flows: Int
    /// How many threads forward packets, 1 to 64; nil: one for each core that the director may run on.
    public var workers: Int?
    /// When a flow is forgotten that no packet comes for.
    public var timeouts: Timeouts
    /// How agents are asked where a server does not say otherwise, and those that join by themselves.
    public var agent: AgentDefaults
    /// How agents join by themselves; nil: they do not.
    public var join: Join?
    /// The services, in the order of the file. At least one; names are unique.
    public var services: [Service]
    /// Source NAT for the servers, in the order of the file. The networks do not overlap.
    public var outbound: [Outbound]

    /// How many flows there is room for where nothing else is said.
    public static let defaultFlows = 1 << 20

    /// Creates a configuration from values that are already known to be valid.
    public init(
        interfaces: [String], runDirectory: String = "/run/rsdirector", status: SocketAddress? = nil,
        ownsVIPs: Bool = true, flows: Int = Self.defaultFlows, workers: Int? = nil,
        timeouts: Timeouts = Timeouts(), agent: AgentDefaults = AgentDefaults(), join: Join? = nil,
        services: [Service], outbound: [Outbound] = []
    ) {
        self.interfaces = interfaces
        self.runDirectory = runDirectory
        self.status = status
        self.ownsVIPs = ownsVIPs
        self.flows = flows
        self.workers = workers
        self.timeouts = timeouts
        self.agent = agent
        self.join = join
        self.services = services
        self.outbound = outbound
    }
}
