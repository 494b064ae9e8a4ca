public import NetworkAddress

/// One service's counters, and those of its servers, as `ipvsadm -L --stats` shows them. Counters only grow while the
/// service stays; packets and bytes are those of clients, for the answers do not pass here.
public struct ServiceStatistics: Hashable, Sendable {
    /// What the operator calls it.
    public var name: String
    /// The address clients talk to.
    public var vip: IPv4Address
    /// The port clients talk to; 0 = all.
    public var port: UInt16
    /// Who gets the next new connection.
    public var scheduler: SchedulerKind
    /// New connections given to a server.
    public var connections: UInt64
    /// Packets forwarded.
    public var packets: UInt64
    /// Bytes forwarded: whole IPv4 packets, without the Ethernet header and its padding.
    public var bytes: UInt64
    /// The servers, in the order of ``VirtualService/servers``.
    public var servers: [ServerStatistics]

    /// Counters as given.
    public init(
        name: String, vip: IPv4Address, port: UInt16, scheduler: SchedulerKind, connections: UInt64,
        packets: UInt64, bytes: UInt64, servers: [ServerStatistics]
    ) {
        self.name = name
        self.vip = vip
        self.port = port
        self.scheduler = scheduler
        self.connections = connections
        self.packets = packets
        self.bytes = bytes
        self.servers = servers
    }
}
