public import NetworkAddress

/// A real server as it should be: part of what ``Forwarder/apply(_:now:)`` takes.
public struct RealServer: Hashable, Sendable {
    /// The server's own address (RIP). With ``port`` it is what tells servers of a service apart.
    public var address: IPAddress
    /// NAT: the port on the server; 0: the one the client used.
    public var port: UInt16
    /// The share of new connections, 0 or more; 0 = quiesced: no new connections, old ones go on (ipvsadm(8)).
    /// A negative weight counts as 0, one above 65,535 as that (ipvsadm(8), `--weight`).
    public var weight: Int
    /// Whether it is out of the service and not only quiesced, as one that is down: its flows go on, but `sh`, `dh` and `mh` give
    /// its clients to others, and persistence does not keep them. ``weight`` is then of no meaning. Flows of UDP go on until their
    /// timeout and are not renewed, or where ``VirtualService/expiresOrphans`` until their next datagram.
    public var isOut: Bool
    /// Whether nothing was heard of it yet, neither good nor bad: new clients go to the others, as if it were out, but its flows go
    /// on as ever, and whom persistence leads to it waits for it: his packets are dropped as ``DropReason/serverUnresolved`` for
    /// that moment. ``weight`` is then of no meaning; one that is out is not awaited.
    public var isAwaited: Bool
    /// How packets reach it.
    public var method: ForwardMethod
    /// Where the server, or the router towards it, is reached, or nil while its MAC address is not known: it then gets no new
    /// connections, and packets of its old ones, and of clients whom persistence leads to it, are dropped as
    /// ``DropReason/serverUnresolved``.
    public var station: LinkStation?
    /// The longest IP packet that the way to it takes, in bytes.
    public var mtu: Int
    /// The upper threshold (`--u-threshold` of ipvsadm(8)): from this many connections on, active or not, the server gets no new
    /// ones, until they are fewer than ``lower``. 0: without a limit.
    public var upper: Int
    /// The lower threshold (`--l-threshold`), at most ``upper``. 0: three quarters of ``upper``, as IPVS has it.
    public var lower: Int

    /// A server with that address, weight and station.
    public init(
        address: IPAddress, port: UInt16 = 0, weight: Int, isOut: Bool = false, isAwaited: Bool = false,
        method: ForwardMethod = .direct, station: LinkStation?, mtu: Int = 65_535, upper: Int = 0, lower: Int = 0
    ) {
        self.address = address
        self.port = port
        self.weight = weight
        self.isOut = isOut
        self.isAwaited = isAwaited
        self.method = method
        self.station = station
        self.mtu = mtu
        self.upper = upper
        self.lower = lower
    }
}
