public import NetworkAddress

/// Source NAT as it should be: which servers reach the world as which address, and by which ways. Part of what
/// ``Forwarder/apply(_:outbound:now:)`` takes.
public struct Outbound: Hashable, Sendable {
    /// Servers that reach the world as one address.
    public struct Rule: Hashable, Sendable {
        /// Their networks, of one family.
        public var sources: [Prefix]
        /// What the world sees, of the same family.
        public var address: IPAddress
        /// The ports of `address` that are given out; of ICMP echo any identifier is.
        public var ports: ClosedRange<UInt16>

        /// A rule as given.
        public init(sources: [Prefix], address: IPAddress, ports: ClosedRange<UInt16>) {
            self.sources = sources
            self.address = address
            self.ports = ports
        }
    }

    /// How packets for a network leave.
    public struct Route: Hashable, Sendable {
        /// By way of whom.
        public enum Hop: Hashable, Sendable {
            /// To the destination itself, on the link of this interface, from this MAC of ours.
            case onLink(egress: Int, source: MACAddress)
            /// To a router on the link of this interface; nil: its MAC is not known now.
            case router(egress: Int, LinkStation?)
            /// By an interface that is not the caller's: packets from servers do not leave by it.
            case elsewhere
        }

        /// Where to.
        public var network: Prefix
        /// By way of whom.
        public var hop: Hop
        /// The longest IP packet that fits, in bytes.
        public var mtu: Int

        /// A route as given.
        public init(network: Prefix, hop: Hop, mtu: Int) {
            self.network = network
            self.hop = hop
            self.mtu = mtu
        }
    }

    /// The rules. Networks do not overlap; of two that do the first counts.
    public var rules: [Rule]
    /// The routes, the preferred ones first among those to the same network. The one to the smallest network decides.
    public var routes: [Route]
    /// The host's own addresses: what servers send to them is the host's own business.
    public var own: [IPAddress]

    /// None, unless told otherwise.
    public init(rules: [Rule] = [], routes: [Route] = [], own: [IPAddress] = []) {
        self.rules = rules
        self.routes = routes
        self.own = own
    }
}
