public import NetworkAddress

/// One real server's counters within a service.
public struct ServerStatistics: Hashable, Sendable {
    /// The server's own address.
    public var address: IPAddress
    /// The port packets reach it on; 0: whichever the client used.
    public var port: UInt16
    /// The weight that was applied.
    public var weight: Int
    /// Whether its MAC address is known: if not, it gets nothing.
    public var isResolved: Bool
    /// Flows in an active state (``TCPState/isActive``): SYN_RECV and ESTABLISHED.
    public var activeConnections: Int
    /// The other flows: closing or closed, and those of UDP; remembered until their timeout.
    public var inactiveConnections: Int
    /// Clients that stay with it (`ipvsadm -L --persistent-conn`).
    public var templates: Int
    /// New connections given to this server.
    public var connections: UInt64
    /// What clients sent it.
    public var inbound: Traffic
    /// What it sent to clients, where that passes here.
    public var outbound: Traffic

    /// Counters as given.
    public init(
        address: IPAddress, port: UInt16 = 0, weight: Int, isResolved: Bool, activeConnections: Int,
        inactiveConnections: Int, templates: Int = 0, connections: UInt64, inbound: Traffic = Traffic(),
        outbound: Traffic = Traffic()
    ) {
        self.address = address
        self.port = port
        self.weight = weight
        self.isResolved = isResolved
        self.activeConnections = activeConnections
        self.inactiveConnections = inactiveConnections
        self.templates = templates
        self.connections = connections
        self.inbound = inbound
        self.outbound = outbound
    }
}
