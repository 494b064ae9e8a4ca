/// The schedulers that look at loads and weights alone and remember nothing. Each gives an index, or nil where none may serve.
extension UnsafeBufferPointer<Member> {
    /// lc: the lowest overhead, whatever the weight (`ip_vs_lc_schedule` in `ip_vs_lc.c`).
    func leastConnections(_ servers: borrowing ServerTable) -> Int? {
        var least: (index: Int, cost: Int)?
        for (index, member) in enumerated() where servers.mayServe(member) {
            let cost = servers.overhead(of: member)
            if let best = least, best.cost <= cost { continue }
            least = (index, cost)
        }
        return least?.index
    }

    /// wlc: the lowest overhead by weight (`ip_vs_wlc_schedule` in `ip_vs_wlc.c`).
    func leastWeightedConnections(_ servers: borrowing ServerTable) -> Int? {
        var least = Least()
        for (index, member) in enumerated() where servers.mayServe(member) {
            least.consider(index, cost: servers.overhead(of: member), weight: member.weight)
        }
        return least.index
    }

    /// sed: the fewest active connections by weight, with the one to come (`ip_vs_sed_schedule` in `ip_vs_sed.c`).
    func shortestDelay(_ servers: borrowing ServerTable) -> Int? {
        var least = Least()
        for (index, member) in enumerated() where servers.mayServe(member) {
            least.consider(index, cost: servers.active(on: member) + 1, weight: member.weight)
        }
        return least.index
    }

    /// nq: the first without active connections, else as ``shortestDelay(_:)`` (`ip_vs_nq_schedule` in `ip_vs_nq.c`).
    func idleOrShortestDelay(_ servers: borrowing ServerTable) -> Int? {
        for (index, member) in enumerated() where servers.mayServe(member) && servers.active(on: member) == 0 {
            return index
        }
        return shortestDelay(servers)
    }

    /// fo: the greatest weight (`ip_vs_fo_schedule` in `ip_vs_fo.c`).
    func heaviest(_ servers: borrowing ServerTable) -> Int? {
        var greatest: Int?
        for (index, member) in enumerated() where servers.mayServe(member) {
            if let best = greatest, self[best].weight >= member.weight { continue }
            greatest = index
        }
        return greatest
    }

    /// ovf: the greatest weight among those with no more active connections than their weight (`ip_vs_ovf_schedule` in
    /// `ip_vs_ovf.c`).
    func heaviestWithRoom(_ servers: borrowing ServerTable) -> Int? {
        var greatest: Int?
        for (index, member) in enumerated()
        where servers.mayServe(member) && servers.active(on: member) <= member.weight {
            if let best = greatest, self[best].weight >= member.weight { continue }
            greatest = index
        }
        return greatest
    }
}

/// The member with the least cost by weight so far; of equals the first. Costs are compared crosswise (c₁·w₂ < c₂·w₁), so there
/// is no division and nothing is rounded.
struct Least {
    private(set) var index: Int?
    private var cost = 0
    private var weight = 1

    /// Takes this one instead if it is better. `weight` is above 0.
    mutating func consider(_ index: Int, cost: Int, weight: Int) {
        guard self.index == nil || cost * self.weight < self.cost * weight else { return }
        (self.index, self.cost, self.weight) = (index, cost, weight)
    }
}
