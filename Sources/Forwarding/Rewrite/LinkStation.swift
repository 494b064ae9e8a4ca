public import NetworkAddress

/// Where a real server is reached on the link: what direct routing writes into the Ethernet header.
public struct LinkStation: Hashable, Sendable {
    /// Which of the director's interfaces leads there: an index into the caller's own list, handed back in the verdict.
    public var egress: Int
    /// The director's MAC address on that interface.
    public var source: MACAddress
    /// The server's MAC address.
    public var destination: MACAddress

    /// A station behind the interface `egress`.
    public init(egress: Int, source: MACAddress, destination: MACAddress) {
        self.egress = egress
        self.source = source
        self.destination = destination
    }
}
