public import NetworkAddress

/// The counters of one ``Outbound/Rule``. They only grow while the rule stays.
public struct OutboundStatistics: Hashable, Sendable {
    /// What the world sees.
    public var address: IPAddress
    /// The ports that are given out.
    public var ports: ClosedRange<UInt16>
    /// The servers' networks.
    public var sources: [Prefix]
    /// Flows in an active state (``TCPState/isActive``).
    public var activeConnections: Int
    /// The other flows: closing or closed, and those of UDP and ICMP echo.
    public var inactiveConnections: Int
    /// Flows that were opened.
    public var connections: UInt64
    /// What came in from the world for servers.
    public var inbound: Traffic
    /// What servers sent to the world.
    public var outbound: Traffic

    /// Counters as given.
    public init(
        address: IPAddress, ports: ClosedRange<UInt16>, sources: [Prefix], activeConnections: Int,
        inactiveConnections: Int, connections: UInt64, inbound: Traffic = Traffic(), outbound: Traffic = Traffic()
    ) {
        self.address = address
        self.ports = ports
        self.sources = sources
        self.activeConnections = activeConnections
        self.inactiveConnections = inactiveConnections
        self.connections = connections
        self.inbound = inbound
        self.outbound = outbound
    }
}
