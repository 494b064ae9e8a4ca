public import NetworkAddress

/// What to do with a frame that ``Forwarder/forward(_:now:)`` has looked at.
public enum Verdict: Hashable, Sendable {
    /// Not IP to or from one of our VIPs, or about another forwarder's client (``Forwarder/share(_:)``): leave it alone. The frame
    /// was not changed.
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
    /// The packet is too long for the way to its server, or an answer for its client's link, and may not be fragmented: answer with the length that fits, in bytes
    /// of IP packet (RFC 1191, RFC 8201). The frame was not changed; a flow that it begins is remembered.
    case tooBig(mtu: Int)
    /// The packet is too long for that way: cut it into packets of at most `limit` bytes and give each of them
    /// to ``Forwarder/forward(_:now:)``. The frame was not changed; a flow that it begins is remembered, and its pieces go on in it.
    ///
    /// Or it is a super-packet for a tunnel: cut it into its segments, whatever `limit` says.
    case split(limit: Int)
    /// The packet is a server's to the world, and its way leads to this destination itself, on the link of that interface,
    /// whose MAC is not known: ask for it, and give the answer to ``Forwarder/learn(_:on:at:now:)``. The frame was not
    /// changed, nor was any flow; nobody keeps it.
    case unresolved(egress: Int, IPAddress)
    /// An ICMP error to the director's own end of a tunnel: give the frame to ``Forwarder/explain(_:into:now:)``. The host's own
    /// stack may have it too.
    case tunnelError
}
