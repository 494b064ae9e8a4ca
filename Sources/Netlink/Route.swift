public import NetworkAddress

/// A unicast route with one next hop.
public struct Route: Hashable, Sendable, Codable {
    /// Where to; `0.0.0.0/0` or `::/0` for the default route.
    public var destination: Prefix
    /// By way of whom, or nil: on the link.
    public var gateway: IPAddress?
    /// The index of the interface it leaves by.
    public var interface: Int32
    /// The routing table: 254 is main.
    public var table: UInt32
    /// The metric (`RTA_PRIORITY`). The kernel turns 0 into 1024 for IPv6.
    public var metric: UInt32

    /// A route made of its parts.
    public init(destination: Prefix, gateway: IPAddress?, interface: Int32, table: UInt32, metric: UInt32 = 0) {
        self.destination = destination
        self.gateway = gateway
        self.interface = interface
        self.table = table
        self.metric = metric
    }
}

/// A rule that says which routing table decides (ip-rule(8)). All of its conditions must hold.
public struct RoutingRule: Hashable, Sendable, Codable {
    /// Which family's packets: `AF_INET` or `AF_INET6`.
    public var isIPv6: Bool
    /// Rules are asked in the order of this number, smallest first. main is at 32766.
    public var priority: UInt32
    /// Where the packet comes from, or nil: anywhere.
    public var source: Prefix?
    /// Its IP protocol, or nil: any.
    public var transport: UInt8?
    /// Its source port, 1 to 65534 (the kernel takes no rule for 65535), or nil: any.
    public var sourcePort: UInt16?
    /// The table that is asked.
    public var table: UInt32
    /// Answers of the table with a prefix no longer than this do not count (`suppress_prefixlength`), or nil: all count.
    public var suppressedPrefixLength: Int?

    /// A rule made of its parts.
    public init(
        isIPv6: Bool, priority: UInt32, source: Prefix? = nil, transport: UInt8? = nil, sourcePort: UInt16? = nil,
        table: UInt32, suppressedPrefixLength: Int? = nil
    ) {
        self.isIPv6 = isIPv6
        self.priority = priority
        self.source = source
        self.transport = transport
        self.sourcePort = sourcePort
        self.table = table
        self.suppressedPrefixLength = suppressedPrefixLength
    }
}
