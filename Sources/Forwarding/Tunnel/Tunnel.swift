public import NetworkAddress

/// The way to a real server that gets its packets encapsulated.
public struct Tunnel: Hashable, Sendable {
    /// How packets are wrapped.
    public let encapsulation: Encapsulation
    /// The outer source: an address of the director's. IPv4 in IPv4-mapped form.
    public let source: IPv6Address
    /// The outer destination: the server's own address, in the family of ``source``.
    public let destination: IPv6Address

    /// A tunnel from `source` to `destination`, which are both IPv4-mapped or neither.
    public init(_ encapsulation: Encapsulation, from source: IPv6Address, to destination: IPv6Address) {
        precondition(
            (source.mappedIPv4 == nil) == (destination.mappedIPv4 == nil), "the two ends of a tunnel are of one family")
        self.encapsulation = encapsulation
        self.source = source
        self.destination = destination
    }

    /// The same between addresses as such, which are of one family.
    public init(_ encapsulation: Encapsulation, from source: IPAddress, to destination: IPAddress) {
        self.init(encapsulation, from: IPv6Address(wide: source), to: IPv6Address(wide: destination))
    }

    /// Whether the outer header is IPv6's.
    public var isIPv6: Bool { destination.mappedIPv4 == nil }

    /// By how many bytes a packet grows, whatever its own family: 20 for ipip and 6in4, 40 for 4in6 and 6in6, and 4 more for
    /// GRE, 12 more for GUE.
    public var overhead: Int { (isIPv6 ? 40 : 20) + encapsulation.shim }

    /// The longest packet that fits through, in bytes, where the link carries packets of `linkMTU`
    /// (`__ip_vs_get_out_rt` in `net/netfilter/ipvs/ip_vs_xmit.c`).
    public func innerMTU(linkMTU: Int) -> Int { linkMTU - overhead }
}
