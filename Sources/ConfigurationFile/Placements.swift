internal import NetworkAddress

/// What services make of their VIPs, so that those that share one agree.
struct Placements {
    /// What one service makes of a VIP.
    struct Placement {
        let service: String
        let line: Int
        let method: ForwardingMethod
        /// Nil: not placed on this host, or wrong and reported.
        let scope: AddressScope?
    }

    /// The first service of each VIP, and the first of those that say a scope.
    private var first: [IPAddress: Placement] = [:]
    private var firstWithScope: [IPAddress: Placement] = [:]

    /// Notes what a service makes of `vip`, and reports where another one makes something else of it.
    mutating func place(
        _ vip: IPAddress, at node: Node, scopeAt scopeNode: Node?, _ placement: Placement, _ findings: Findings
    ) {
        if let other = first[vip], (other.method == .nat) != (placement.method == .nat) {
            let here = "forward = \(quoted(placement.method.rawValue))"
            let there = "\(other.service) (line \(other.line)) has forward = \(quoted(other.method.rawValue))"
            let wrong =
                placement.method == .nat
                ? "\(vip) is the director's alone with \(here), but \(there), which puts it on this host"
                : "\(vip) is put on this host with \(here), but \(there), where it is the director's alone"
            findings.report(node, wrong, "give one of the two another VIP, or the other's forward")
        }
        if let scope = placement.scope, let other = firstWithScope[vip], let theirs = other.scope, theirs != scope {
            let wrong =
                "\(vip) has the scope \(quoted(theirs.rawValue)) for \(other.service) (line \(other.line)) already"
            let cure = "write the same scope in both: scope = \"global\", which it is if you leave it out, or \"host\""
            findings.report(scopeNode ?? node, wrong, cure)
        }
        if first[vip] == nil { first[vip] = placement }
        if placement.scope != nil, firstWithScope[vip] == nil { firstWithScope[vip] = placement }
    }
}
