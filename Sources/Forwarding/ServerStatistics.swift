public import NetworkAddress

/// One real server's counters within a service.
public struct ServerStatistics: Hashable, Sendable {
    /// The server's own address.
    public var address: IPv4Address
    /// The weight that was applied.
    public var weight: Int
    /// Whether its MAC address is known: if not, it gets nothing.
    public var isResolved: Bool
    /// Flows in an active state (``TCPState/isActive``): SYN_RECV and ESTABLISHED, where only one direction is seen.
    public var activeConnections: Int
    /// The other flows: closing or closed, remembered until their timeout.
    public var inactiveConnections: Int
    /// New connections given to this server.
    public var connections: UInt64
    /// Packets forwarded to it.
    public var packets: UInt64
    /// Bytes forwarded to it: whole IPv4 packets, without the Ethernet header and its padding.
    public var bytes: UInt64

    /// Counters as given.
    public init(
        address: IPv4Address, weight: Int, isResolved: Bool, activeConnections: Int, inactiveConnections: Int,
        connections: UInt64, packets: UInt64, bytes: UInt64
    ) {
        self.address = address
        self.weight = weight
        self.isResolved = isResolved
        self.activeConnections = activeConnections
        self.inactiveConnections = inactiveConnections
        self.connections = connections
        self.packets = packets
        self.bytes = bytes
    }
}
