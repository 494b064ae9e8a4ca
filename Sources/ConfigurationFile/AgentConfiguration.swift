public import NetworkAddress

/// What `rsagent.toml` says, checked and with every default filled in.
public struct AgentConfiguration: Sendable, Equatable {
    /// The interface that faces the director; nil: the one with the default route.
    public var interface: String?
    /// Who may poll and who may send tunnel packets, and the next hop of replies that go back through a director: in order
    /// of preference. Empty: nobody in particular is waited for when draining.
    public var directors: [IPAddress]
    /// Outer sources of tunnel packets besides ``directors``. Host bits are zero; none is a /0; no two are the same.
    public var tunnelSources: [Prefix]
    /// Whether tunnel packets are taken only from ``directors`` and ``tunnelSources``; false: from anyone.
    public var isLockedDown: Bool
    /// Whether a packet filter keeps ARP from naming the VIPs as well, as a second wall behind `arp_ignore`.
    public var isARPBlocked: Bool
    /// Whether everything this host sends goes by way of the director, not only what is from a service. True only where
    /// at least one service replies by way of a director.
    public var takesDefaultRoute: Bool
    /// Whether the network is watched for answers to ARP and neighbour discovery that name a VIP, this host's and others'.
    public var isSentinelOn: Bool
    /// Where the control socket and the journal live. Gone after a reboot, like what they record.
    public var runDirectory: String
    /// What survives a reboot: drain, maint, the report's generation.
    public var stateDirectory: String
    /// Where the report is served over TCP. Empty: the interface's own address, port 9380.
    public var reportListen: [SocketAddress]
    /// Who is answered over TCP.
    public var reportAdmission: ReportAdmission
    /// Which directors this server joins by itself, in the order of the file. Each is among ``directors``, and none comes twice.
    public var joins: [Join]
    /// How long an agent that stops waits for open connections, once the directors know: 0 s to 1 h.
    public var stopTimeout: Duration
    /// The services, in the order of the file. At least one; names are unique.
    public var services: [Service]

    /// The port of the report where nothing else is said.
    public static let defaultReportPort: UInt16 = 9380
    /// What an agent that stops waits for open connections where nothing else is said.
    public static let defaultStopTimeout = Duration.seconds(30)

    /// Creates a configuration from values that are already known to be valid.
    public init(
        interface: String? = nil,
        directors: [IPAddress] = [],
        tunnelSources: [Prefix] = [],
        isLockedDown: Bool = true,
        isARPBlocked: Bool = false,
        takesDefaultRoute: Bool = false,
        isSentinelOn: Bool = true,
        runDirectory: String = "/run/rsagent",
        stateDirectory: String = "/var/lib/rsagent",
        reportListen: [SocketAddress] = [],
        reportAdmission: ReportAdmission = ReportAdmission(),
        joins: [Join] = [],
        stopTimeout: Duration = AgentConfiguration.defaultStopTimeout,
        services: [Service]
    ) {
        self.interface = interface
        self.directors = directors
        self.tunnelSources = tunnelSources
        self.isLockedDown = isLockedDown
        self.isARPBlocked = isARPBlocked
        self.takesDefaultRoute = takesDefaultRoute
        self.isSentinelOn = isSentinelOn
        self.runDirectory = runDirectory
        self.stateDirectory = stateDirectory
        self.reportListen = reportListen
        self.reportAdmission = reportAdmission
        self.joins = joins
        self.stopTimeout = stopTimeout
        self.services = services
    }
}

extension AgentConfiguration {
    /// VIPs, a protocol and ports that this real server answers for, and how its health is judged.
    public struct Service: Sendable, Equatable {
        /// Unique in the file; letters, digits, `-`, `_` and `.`.
        public var name: String
        /// The addresses clients connect to. With `nat` the director has them, and this host must not.
        public var vips: [IPAddress]
        /// The ports clients connect to. Empty: all of them (`port = 0`).
        public var ports: [UInt16]
        /// The transport protocol.
        public var transport: TransportProtocol
        /// How the director sends packets here.
        public var forward: ForwardingMethod
        /// Which way answers go. With `nat` always by way of the director, which alone can turn them back.
        public var reply: ReplyPath
        /// What packets come wrapped in; nil unless `forward` is `tun`.
        public var tunnel: Tunneling?
        /// The port the service listens on where it is not the VIP's; nil: the same. Only with `nat` and a single port.
        public var realPort: UInt16?
        /// The scope the VIPs are placed with. Services that share a VIP agree on it. Of no meaning with `nat`.
        public var scope: AddressScope
        /// What a healthy, idle server reports: 0 to 65535, as IPVS takes it.
        public var weight: Int
        /// How the weight follows load; nil: it does not.
        public var load: LoadRules?
        /// How long the weight takes to grow to what it should be after the service came up, or was undrained: 0 s (at once)
        /// to 1 h.
        public var slowStart: Duration
        /// How long a drain leaves what is under way, once the directors act on it, where there are no connections to wait for:
        /// 0 s to 1 h. Of no meaning but to UDP.
        public var drainSettle: Duration
        /// What a connection from a director's own address is; nil: that is not known, so it is waited for as a client's and
        /// raises no alarm, as a check. Of no meaning but to TCP.
        public var directorConnections: DirectorConnections?
        /// Where HAProxy's agent-check for this service is answered, and nothing else is; not on a VIP. Nil: nowhere.
        public var agentCheck: SocketAddress?
        /// What is checked. All must pass. Empty: the service is taken to be up while its setup is sound.
        public var checks: [Check]

        /// How long a resolver waits for an answer (resolv.conf(5), `timeout`): who asked before the drain has it by then, or
        /// has given up.
        public static let defaultDrainSettle = Duration.seconds(5)

        /// Creates a service from values that are already known to be valid. `reply` and `tunnel` left out are what
        /// `forward` makes of them.
        public init(
            name: String, vips: [IPAddress], ports: [UInt16], transport: TransportProtocol = .tcp,
            forward: ForwardingMethod = .dr, reply: ReplyPath? = nil, tunnel: Tunneling? = nil,
            realPort: UInt16? = nil, scope: AddressScope = .global, weight: Int = 100,
            load: LoadRules? = nil, slowStart: Duration = .zero, drainSettle: Duration = Self.defaultDrainSettle,
            directorConnections: DirectorConnections? = nil, agentCheck: SocketAddress? = nil, checks: [Check] = []
        ) {
            self.name = name
            self.vips = vips
            self.ports = ports
            self.transport = transport
            self.forward = forward
            self.reply = reply ?? (forward == .nat ? .director : .direct)
            self.tunnel = tunnel ?? (forward == .tun ? Tunneling() : nil)
            self.realPort = realPort
            self.scope = scope
            self.weight = weight
            self.load = load
            self.slowStart = slowStart
            self.drainSettle = drainSettle
            self.directorConnections = directorConnections
            self.agentCheck = agentCheck
            self.checks = checks
        }
    }

    /// What a director wraps the packets of a service in. The outer family is that of the address they are sent to, the
    /// inner family that of the VIP: neither is configured.
    public struct Tunneling: Sendable, Hashable {
        /// The encapsulation.
        public var type: TunnelType
        /// The UDP port that packets come to: 1 to 65535. Of no meaning but to `gue`.
        public var port: UInt16

        /// The port of GUE where nothing else is said (IANA, `gue`, 6080/udp).
        public static let defaultPort: UInt16 = 6080

        /// An encapsulation, and for `gue` its port.
        public init(_ type: TunnelType = .ipip, port: UInt16 = Self.defaultPort) {
            self.type = type
            self.port = port
        }
    }
}
