public import NetworkAddress

/// A real server as it should be: part of what ``Forwarder/apply(_:now:)`` takes.
public struct RealServer: Hashable, Sendable {
    /// The server's own address (RIP). Within a service it is what tells servers apart.
    public var address: IPv4Address
    /// The share of new connections, 0 or more; 0 = quiesced: no new connections, old ones go on (ipvsadm(8)).
    /// A negative weight counts as 0, one above 65,535 as that (ipvsadm(8), `--weight`).
    public var weight: Int
    /// Where the server is reached, or nil while its MAC address is not known: it then gets no new connections, and
    /// packets of its old ones are dropped as ``DropReason/serverUnresolved``.
    public var station: LinkStation?

    /// The upper threshold (`--u-threshold` of ipvsadm(8)): from this many connections on, active or not, the server gets no new
    /// ones, until they are fewer than ``lower``. 0: without a limit.
    public var upper: Int
    /// The lower threshold (`--l-threshold`), at most ``upper``. 0: three quarters of ``upper``, as IPVS has it.
    public var lower: Int

    /// A server with that address, weight and station, and with thresholds if it is to have any.
    public init(address: IPv4Address, weight: Int, station: LinkStation?, upper: Int = 0, lower: Int = 0) {
        self.address = address
        self.weight = weight
        self.station = station
        self.upper = upper
        self.lower = lower
    }
}
