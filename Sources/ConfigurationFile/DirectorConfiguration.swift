public import NetworkAddress

/// What `rsdirector.toml` says, checked and with every default filled in.
public struct DirectorConfiguration: Sendable, Equatable {
    /// The interfaces packets are taken from and sent out of. At least one.
    public var interfaces: [String]
    /// Where the control socket lives.
    public var runDirectory: String
    /// Where the status is served over TCP; nil: on the control socket only.
    public var status: SocketAddress?
    /// Whether the director answers ARP for the VIPs and announces them.
    public var ownsVIPs: Bool
    /// The services, in the order of the file. At least one; names are unique.
    public var services: [Service]

    /// Creates a configuration from values that are already known to be valid.
    public init(
        interfaces: [String], runDirectory: String = "/run/rsdirector", status: SocketAddress? = nil,
        ownsVIPs: Bool = true, services: [Service]
    ) {
        self.interfaces = interfaces
        self.runDirectory = runDirectory
        self.status = status
        self.ownsVIPs = ownsVIPs
        self.services = services
    }
}

extension DirectorConfiguration {
    /// VIPs, a protocol and a port, and the real servers behind them.
    public struct Service: Sendable, Equatable {
        /// Unique in the file; the agents know the service by the same name.
        public var name: String
        /// The addresses clients connect to.
        public var vips: [IPAddress]
        /// The port clients connect to; 0: all of them.
        public var port: UInt16
        /// The transport protocol.
        public var transport: TransportProtocol
        /// How packets reach the real servers.
        public var forward: ForwardingMethod
        /// How a server is picked for a new connection.
        public var scheduler: SchedulerName
        /// The real servers, in the order of the file. Their addresses are unique within the service.
        public var servers: [Server]

        /// Creates a service from values that are already known to be valid.
        public init(
            name: String, vips: [IPAddress], port: UInt16, transport: TransportProtocol = .tcp,
            forward: ForwardingMethod = .dr, scheduler: SchedulerName = .wrr, servers: [Server]
        ) {
            self.name = name
            self.vips = vips
            self.port = port
            self.transport = transport
            self.forward = forward
            self.scheduler = scheduler
            self.servers = servers
        }
    }

    /// One real server of a service.
    public struct Server: Sendable, Equatable {
        /// The RIP.
        public var address: IPAddress
        /// Where its agent answers, as `http://HOST:PORT`; nil: no agent, `weight` alone rules.
        public var agent: String?
        /// Multiplies what the agent reports; the weight itself where there is no agent. 0 to 65535.
        public var weight: Int
        /// After how many polls without an answer the server is taken to be down. 1 or more.
        public var fall: Int

        /// Creates a server from values that are already known to be valid.
        public init(address: IPAddress, agent: String?, weight: Int = 1, fall: Int = 3) {
            self.address = address
            self.agent = agent
            self.weight = weight
            self.fall = fall
        }
    }
}
