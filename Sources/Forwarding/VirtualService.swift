public import NetworkAddress

/// A TCP service as it should be: one VIP and port, and the servers behind it. ``Forwarder/apply(_:now:)`` takes a list.
public struct VirtualService: Hashable, Sendable {
    /// What the operator calls it; only repeated in ``ServiceStatistics``.
    public var name: String
    /// The address clients talk to.
    public var vip: IPv4Address
    /// The port clients talk to, or 0 for all ports that no other service of this VIP names.
    public var port: UInt16
    /// Who gets the next new connection.
    public var scheduler: SchedulerKind
    /// How `sh` and `mh` choose.
    public var options: SchedulerOptions
    /// The servers, in the order in which they take turns. Of two with one address the first counts.
    public var servers: [RealServer]

    /// A service on `vip` and `port`.
    public init(
        name: String, vip: IPv4Address, port: UInt16, scheduler: SchedulerKind,
        options: SchedulerOptions = SchedulerOptions(), servers: [RealServer]
    ) {
        self.name = name
        self.vip = vip
        self.port = port
        self.scheduler = scheduler
        self.options = options
        self.servers = servers
    }
}
