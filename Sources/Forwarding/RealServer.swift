public import NetworkAddress

/// A real server as it should be: part of what ``Forwarder/apply(_:now:)`` takes.
public struct RealServer: Hashable, Sendable {
    /// The server's own address (RIP). Within a service it is what tells servers apart.
    public var address: IPv4Address
    /// The share of new connections, 0 or more; 0 = quiesced: no new connections, old ones go on (ipvsadm(8)).
    /// A negative weight counts as 0.
    public var weight: Int
    /// Where the server is reached, or nil while its MAC address is not known: it then gets no new connections, and
    /// packets of its old ones are dropped as ``DropReason/serverUnresolved``.
    public var station: LinkStation?

    /// A server with that address, weight and station.
    public init(address: IPv4Address, weight: Int, station: LinkStation?) {
        self.address = address
        self.weight = weight
        self.station = station
    }
}
