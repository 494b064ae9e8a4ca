public import NetworkAddress

/// What this host is asked to be ready for.
public struct SetupRequest: Sendable, Hashable {
    /// The VIPs that packets are sent to by direct routing. IPv4, each once.
    public var directRoutingVIPs: [IPv4Address]

    /// A request for these VIPs. An address named twice (two services on one VIP) counts once.
    public init(directRoutingVIPs: [IPv4Address]) {
        var seen: Set<IPv4Address> = []
        self.directRoutingVIPs = directRoutingVIPs.filter { seen.insert($0).inserted }
    }
}
