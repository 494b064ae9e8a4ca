public import NetworkAddress

/// One service's counters, and those of its servers, as `ipvsadm -L --stats` shows them. Counters only grow while the
/// service stays.
public struct ServiceStatistics: Hashable, Sendable {
    /// What the operator calls it.
    public var name: String
    /// The address clients talk to.
    public var vip: IPAddress
    /// What it speaks.
    public var transport: Transport
    /// The port clients talk to; 0 = all.
    public var port: UInt16
    /// Who gets the next new connection.
    public var scheduler: SchedulerKind
    /// New connections given to a server.
    public var connections: UInt64
    /// What clients sent.
    public var inbound: Traffic
    /// What they were sent, where that passes here.
    public var outbound: Traffic
    /// The servers, in the order of ``VirtualService/servers``.
    public var servers: [ServerStatistics]

    /// Counters as given.
    public init(
        name: String, vip: IPAddress, transport: Transport = .tcp, port: UInt16, scheduler: SchedulerKind,
        connections: UInt64, inbound: Traffic = Traffic(), outbound: Traffic = Traffic(), servers: [ServerStatistics]
    ) {
        self.name = name
        self.vip = vip
        self.transport = transport
        self.port = port
        self.scheduler = scheduler
        self.connections = connections
        self.inbound = inbound
        self.outbound = outbound
        self.servers = servers
    }
}
