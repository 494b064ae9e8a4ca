/// What to do with a frame that ``Forwarder/forward(_:now:)`` has looked at.
public enum Verdict: Hashable, Sendable {
    /// Not IPv4 for one of our VIPs: leave it alone. The frame was not changed.
    case notOurs
    /// The frame was rewritten in place: send it through this interface, an index into the caller's list
    /// (``LinkStation/egress``).
    case transmit(egress: Int)
    /// Send nothing. The frame was not changed.
    case drop(DropReason)
    /// The service has no server for a new connection: answer with ``ICMPError/portUnreachable``, as IPVS does, also
    /// for TCP (`ip_vs_leave` in `net/netfilter/ipvs/ip_vs_core.c`). The frame was not changed.
    case unreachable
    /// The packet may not travel further: answer with ``ICMPError/timeExceeded`` (`decrement_ttl` in
    /// `net/netfilter/ipvs/ip_vs_xmit.c`). The frame was not changed, nor was any flow.
    case timeExceeded
}
