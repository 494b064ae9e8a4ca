public import NetworkAddress

extension DirectorConfiguration {
    /// VIPs, a protocol and a port, and the real servers behind them: one virtual service of IPVS for each VIP.
    public struct Service: Sendable, Equatable {
        /// Unique in the file; the agents know the service by the same name.
        public var name: String
        /// The addresses clients connect to, of either family or of both. At least one.
        public var vips: [IPAddress]
        /// The port clients connect to; 0: all of them.
        public var port: UInt16
        /// The transport protocol.
        public var transport: TransportProtocol
        /// How packets reach the real servers.
        public var forward: ForwardingMethod
        /// Which way answers go. With `nat` always by way of the director, which alone can turn them back.
        public var reply: ReplyPath
        /// What packets are wrapped in; nil unless `forward` is `tun`.
        public var tunnel: AgentConfiguration.Tunneling?
        /// How a server is picked for a new connection.
        public var scheduler: SchedulerName
        /// How `scheduler` does it. Empty unless ``SchedulerName/takesFlags``.
        public var schedulerFlags: Set<SchedulerFlag>
        /// Which clients stay with their server; nil: each connection is scheduled by itself.
        public var persistence: Persistence?
        /// What becomes of a connection whose server is no longer in the service.
        public var removedConnections: RemovedConnections
        /// Whether a TCP packet that belongs to no flow and opens none is scheduled as if it did (`sloppy_tcp` of IPVS). Of no
        /// meaning to UDP.
        public var isSloppy: Bool
        /// Who answers while too few servers are up: at most one for each family with `dr` and `nat`, one in all with `tun`. Empty:
        /// nobody.
        public var sorryServers: [SorryServer]
        /// How many servers must be up for them to get the connections, and what makes that no back and forth.
        public var quorum: Quorum
        /// How long the weight of a server takes to grow to what it should be after it came up: 0 s (at once) to 1 h.
        public var slowStart: Duration
        /// For how long the last word of an agent that fell silent holds, from the moment its server would be down: 0 s
        /// (the server is down) to 1 d.
        public var lastWord: Duration
        /// What ``Server/rise`` is where a server does not say, and of those that come at run time: 1 to 1000.
        public var rise: Int
        /// What ``Server/fall`` is where a server does not say, and of those that come at run time: 1 to 1000.
        public var fall: Int
        /// What ``Server/checks`` are where a server has no agent and does not say.
        public var checks: [AgentConfiguration.Check]
        /// The real servers, in the order of the file. Their addresses are unique within the service. Empty only where agents
        /// may join.
        public var servers: [Server]

        /// Creates a service from values that are already known to be valid. `reply` and `tunnel` left out are what
        /// `forward` makes of them.
        public init(
            name: String, vips: [IPAddress], port: UInt16, transport: TransportProtocol = .tcp,
            forward: ForwardingMethod = .dr, reply: ReplyPath? = nil, tunnel: AgentConfiguration.Tunneling? = nil,
            scheduler: SchedulerName = .wrr, schedulerFlags: Set<SchedulerFlag> = [], persistence: Persistence? = nil,
            removedConnections: RemovedConnections = .hold, isSloppy: Bool = false, sorryServers: [SorryServer] = [],
            quorum: Quorum = Quorum(), slowStart: Duration = .zero, lastWord: Duration = .zero, rise: Int = 1,
            fall: Int = 3, checks: [AgentConfiguration.Check] = [], servers: [Server]
        ) {
            self.name = name
            self.vips = vips
            self.port = port
            self.transport = transport
            self.forward = forward
            self.reply = reply ?? (forward == .nat ? .director : .direct)
            self.tunnel = tunnel ?? (forward == .tun ? AgentConfiguration.Tunneling() : nil)
            self.scheduler = scheduler
            self.schedulerFlags = schedulerFlags
            self.persistence = persistence
            self.removedConnections = removedConnections
            self.isSloppy = isSloppy
            self.sorryServers = sorryServers
            self.quorum = quorum
            self.slowStart = slowStart
            self.lastWord = lastWord
            self.rise = rise
            self.fall = fall
            self.checks = checks
            self.servers = servers
        }
    }

    /// What becomes of a connection whose server is no longer in the service (`expire_nodest_conn` of IPVS).
    public enum RemovedConnections: String, Sendable, CaseIterable {
        /// Its packets are dropped in silence, and it goes on should the server come back: 0 of IPVS.
        case hold
        /// It is forgotten with its next packet, which is a new one's: 1 of IPVS.
        case forget
    }
}
