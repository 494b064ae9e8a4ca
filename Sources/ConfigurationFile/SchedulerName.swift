/// Which scheduler picks a server, by IPVS's names (ipvsadm(8), scheduling-method).
public enum SchedulerName: String, Sendable, Codable, CaseIterable {
    /// Round robin: one after the other, whatever their weights.
    case rr
    /// Weighted round robin.
    case wrr
    /// Least connections, whatever the weights.
    case lc
    /// Weighted least connections.
    case wlc
    /// Shortest expected delay.
    case sed
    /// Never queue: an idle server, else the shortest expected delay.
    case nq
    /// Source hashing: by the client's address.
    case sh
    /// Destination hashing: by the VIP.
    case dh
    /// Maglev hashing: by the client's address, on every director alike; few clients move when a server leaves.
    case mh
    /// Weighted failover: the heaviest server that is up gets everything.
    case fo
    /// Weighted overflow: the heaviest until it has as many connections as its weight says, then the next.
    case ovf
    /// Locality-based least connections: by the VIP, to a less loaded server where that one is overloaded.
    case lblc
    /// Locality-based least connections with a set of servers for each VIP.
    case lblcr
    /// Power of two choices: the less loaded of two drawn by weight.
    case twos

    /// Whether it hashes clients, and so takes ``SchedulerFlag``s.
    public var takesFlags: Bool { self == .sh || self == .mh }
}

/// How a scheduler that hashes clients does it (ipvsadm(8), `--sched-flags`).
public enum SchedulerFlag: String, Sendable, Codable, CaseIterable {
    /// By the client's port as well: `sh-port`, `mh-port`.
    case port
    /// Where the server of a client takes nothing new, the client gets another one: `sh-fallback`, `mh-fallback`. Without
    /// it the client gets none.
    case fallback
}
