public import NetworkAddress

/// The interface that faces the director, as the sentinel's questions leave by it.
public struct SentinelSegment: Hashable, Sendable {
    /// The interface's index.
    public var index: Int32
    /// The interface's name.
    public var name: String
    /// The interface's MAC.
    public var mac: MACAddress
    /// An address of this host on the segment, none of the VIPs: questions are asked in its name. nil: no IPv4 questions.
    public var ipv4: IPv4Address?
    /// The link-local address of the interface, or another that is not a VIP. nil: no IPv6 questions.
    public var ipv6: IPv6Address?
    /// What the kernel knows of the segment's neighbours. Equivalent to: `ip neigh show dev NAME`.
    public var neighbors: [IPAddress: MACAddress]

    /// An interface as it is now.
    public init(
        index: Int32, name: String, mac: MACAddress, ipv4: IPv4Address?, ipv6: IPv6Address?,
        neighbors: [IPAddress: MACAddress] = [:]
    ) {
        self.index = index
        self.name = name
        self.mac = mac
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.neighbors = neighbors
    }
}
