/// The routing rules of a host, as one look at them shows.
public struct RoutingRules: Sendable {
    /// Those that a `RoutingRule` can express, both families, in the order they are asked. Those with other conditions (an
    /// interface, a mark, a destination, a range, …) or other actions than to ask a table are left out: they are not the plainer
    /// rule they would look like.
    public let whole: [RoutingRule]
    /// All rules but the three that the kernel begins with in each family: local at 0, main at 32766, default at 32767.
    private let others: [(isIPv6: Bool, priority: UInt32)]

    init(whole: [RoutingRule], others: [(isIPv6: Bool, priority: UInt32)]) {
        (self.whole, self.others) = (whole, others)
    }

    /// Whether, in a family, there are rules besides the kernel's own three and those with a priority in `known`: rules of any
    /// kind, also those that a `RoutingRule` cannot express.
    public func hasRules(isIPv6: Bool, besides known: ClosedRange<UInt32>) -> Bool {
        others.contains { $0.isIPv6 == isIPv6 && !known.contains($0.priority) }
    }
}
