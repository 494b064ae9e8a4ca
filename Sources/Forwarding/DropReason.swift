/// Why a packet for one of our VIPs, or a server's to the world, is dropped without an answer.
public enum DropReason: UInt8, Error, Hashable, Sendable, CaseIterable {
    /// The headers contradict themselves or what was captured (RFC 1812 §5.2.2, RFC 9293 §3.1), or the IPv4 header
    /// checksum is wrong.
    case malformed
    /// The IPv4 total length is 0: a super-packet longer than 65,535 bytes ("BIG TCP"), whose length nobody can check.
    /// Keep the interface's `gso_ipv4_max_size` and `gro_ipv4_max_size` at 65,536.
    case oversized
    /// A fragment without ports whose first one was not seen: it would say where to.
    case fragment
    /// The source cannot be a single host's address, or it is the VIP itself (RFC 1812 §5.3.7).
    case martian
    /// The VIP is ours, but no service has this protocol and port.
    case noService
    /// Not the first packet of a connection, and no flow is known for it.
    case noFlow
    /// The flow's server was taken out of the service. IPVS drops silently by default too (`expire_nodest_conn` = 0,
    /// `ip_vs_in` in `net/netfilter/ipvs/ip_vs_core.c`).
    case serverRemoved
    /// The server of the flow, or the one that persistence leads the client to, has no known MAC address now or is awaited
    /// (``RealServer/isAwaited``); or no server may get a new connection, and one of them would but for that.
    case serverUnresolved
    /// A new connection, but the flow table holds nothing that may be given up for it.
    case tableFull
    /// A server's answer whose TTL has run out.
    case answerExpired
    /// An answer in a VIP's name from another MAC than its flow's server has: somebody else's, or that server's, which is reached
    /// by another way than it sends.
    case impostor
    /// A packet that cannot be encapsulated: longer than an outer header can say.
    case notEncapsulated
    /// A server's packet to the world that has neither ports nor an echo's identifier.
    case untranslatable
    /// A server's packet to the world for which there is no port: all that may be given out, or as many as are tried, are
    /// taken by flows to the same remote end.
    case portsExhausted
    /// A server's packet to the world, and no route leads there by the director's interfaces.
    case noRoute
    /// A server's packet to the world, and the MAC of the router or the neighbour that it goes to is not known now.
    case nextHopUnresolved
}
