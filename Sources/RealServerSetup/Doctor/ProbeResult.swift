public import Netlink
public import NetworkAddress

/// What became of one probe: a connection opened as a client's would be, by the way the director's packets take.
public struct ProbeResult: Sendable, Hashable {
    /// What was asked.
    public var endpoint: Evidence.Endpoint
    /// How the packet went: `plain`, or `ipip from A to B`.
    public var way: String
    /// The client's address.
    public var client: IPAddress
    /// What came of it.
    public var outcome: Outcome
    /// By how much the kernel's drop counters grew meanwhile.
    public var growth: [DropCounters.Counter: UInt64]
    /// Where the answer to the client would leave by, by the kernel's word.
    public var answerLeavesBy: Evidence.Reading<RouteLookup>
    /// The index of the interface it had to leave by.
    public var interface: Int32

    /// A result made of its parts.
    public init(
        endpoint: Evidence.Endpoint, way: String, client: IPAddress, outcome: Outcome,
        growth: [DropCounters.Counter: UInt64] = [:],
        answerLeavesBy: Evidence.Reading<RouteLookup> = .unread("not asked"), interface: Int32 = 0
    ) {
        self.endpoint = endpoint
        self.way = way
        self.client = client
        self.outcome = outcome
        self.growth = growth
        self.answerLeavesBy = answerLeavesBy
        self.interface = interface
    }

    /// What came of a probe.
    public enum Outcome: Sendable, Hashable {
        /// The connection was accepted, after this time.
        case answered(Duration)
        /// Refused with a reset.
        case refused
        /// Refused with an ICMP error, in errno's words.
        case rejected(String)
        /// Nothing came back in this time.
        case silent(Duration)
        /// It could not be sent; why.
        case unsent(String)
    }
}
