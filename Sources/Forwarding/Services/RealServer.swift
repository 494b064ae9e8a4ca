public import NetworkAddress

/// A real server as it should be: part of what ``Forwarder/apply(_:now:)`` takes.
public struct RealServer: Hashable, Sendable {
    /// The server's own address (RIP). With ``port`` it is what tells servers of a service apart.
    public var address: IPAddress
    /// NAT: the port on the server; 0: the one the client used.
    public var port: UInt16
    /// The share of new connections, 0 or more; 0 = quiesced: no new connections, old ones go on (ipvsadm(8)).
    /// A negative weight counts as 0.
    public var weight: Int
    /// How packets reach it.
    public var method: ForwardMethod
    /// Where the server, or the router towards it, is reached, or nil while its MAC address is not known: it then gets no new
    /// connections, and packets of its old ones are dropped as ``DropReason/serverUnresolved``.
    public var station: LinkStation?
    /// The longest IP packet that the way to it takes, in bytes.
    public var mtu: Int
    /// From so many connections on it gets no new ones; 0: no limit (`ipvsadm --u-threshold`).
    public var upperThreshold: Int
    /// Below so many it gets new ones again; 0: below three quarters of the upper one (`ipvsadm --l-threshold`).
    public var lowerThreshold: Int

    /// A server with that address, weight and station.
    public init(
        address: IPAddress, port: UInt16 = 0, weight: Int, method: ForwardMethod = .direct, station: LinkStation?,
        mtu: Int = 65_535, upperThreshold: Int = 0, lowerThreshold: Int = 0
    ) {
        self.address = address
        self.port = port
        self.weight = weight
        self.method = method
        self.station = station
        self.mtu = mtu
        self.upperThreshold = upperThreshold
        self.lowerThreshold = lowerThreshold
    }
}
