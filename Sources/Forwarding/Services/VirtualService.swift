public import NetworkAddress

/// The transport protocols that services have.
public enum Transport: UInt8, Hashable, Sendable, CaseIterable {
    case tcp = 6
    case udp = 17
}

/// How long a client stays with its server (`ipvsadm -p`).
public struct Persistence: Hashable, Sendable {
    /// For how many milliseconds after its last new connection.
    public var timeout: UInt64
    /// How many leading bits of an IPv4 client's address tell clients apart, 1 to 32 (`-M`).
    public var prefixLength4: Int
    /// The same for IPv6, 1 to 128.
    public var prefixLength6: Int

    /// Clients are told apart by their whole address unless told otherwise.
    public init(timeout: UInt64, prefixLength4: Int = 32, prefixLength6: Int = 128) {
        self.timeout = timeout
        self.prefixLength4 = prefixLength4
        self.prefixLength6 = prefixLength6
    }
}

/// A service as it should be: one VIP, protocol and port, and the servers behind it. ``Forwarder/apply(_:now:)`` takes a list.
public struct VirtualService: Hashable, Sendable {
    /// What the operator calls it; only repeated in ``ServiceStatistics``.
    public var name: String
    /// The address clients talk to.
    public var vip: IPAddress
    /// What it speaks.
    public var transport: Transport
    /// The port clients talk to, or 0 for all ports that no other service of this VIP and protocol names.
    public var port: UInt16
    /// Who gets the next new connection.
    public var scheduler: SchedulerKind
    /// How `sh` and `mh` choose.
    public var options: SchedulerOptions
    /// Whether a client stays with its server; nil: each connection is scheduled by itself.
    public var persistence: Persistence?
    /// Whether a known client of a server with weight 0 is scheduled anew (`expire_quiescent_template`); otherwise it stays.
    public var expiresQuiescentTemplates: Bool
    /// Whether a flow whose server was taken out is forgotten at its next packet, so that the client's next try is scheduled
    /// anew (`expire_nodest_conn`); otherwise its packets are dropped until it expires.
    public var expiresOrphans: Bool
    /// Whether any packet but a RST may open a flow, as after a takeover from another director (`sloppy_tcp`). Otherwise only
    /// a SYN does.
    public var isSloppy: Bool
    /// Whether the servers' answers to clients come back through the director (direct routing, tunnelling; in NAT they
    /// always do).
    public var answersReturn: Bool
    /// The servers, in the order in which they take turns. Of two with one address and port the first counts.
    public var servers: [RealServer]

    /// A service on `vip` and `port`.
    public init(
        name: String, vip: IPAddress, transport: Transport = .tcp, port: UInt16, scheduler: SchedulerKind,
        options: SchedulerOptions = SchedulerOptions(), persistence: Persistence? = nil,
        expiresQuiescentTemplates: Bool = false, expiresOrphans: Bool = false,
        isSloppy: Bool = false, answersReturn: Bool = false, servers: [RealServer]
    ) {
        self.name = name
        self.vip = vip
        self.transport = transport
        self.port = port
        self.scheduler = scheduler
        self.options = options
        self.persistence = persistence
        self.expiresQuiescentTemplates = expiresQuiescentTemplates
        self.expiresOrphans = expiresOrphans
        self.isSloppy = isSloppy
        self.answersReturn = answersReturn
        self.servers = servers
    }
}
