/// lblc and lblcr: the servers that the VIP had. IPVS keeps them for each destination that a service has; ours has one VIP, so
/// one entry is all there is.
struct Locality {
    /// After this many milliseconds without a new connection the VIP's servers are forgotten, and after this long without a
    /// change a set of several loses one: a day (`DEFAULT_EXPIRATION` in `ip_vs_lblc.c` and `ip_vs_lblcr.c`).
    static let expiration: UInt64 = 24 * 60 * 60 * 1000

    /// Indices of members, the newest first; at most one for lblc. There is room for all, so that it never allocates.
    private(set) var set: [UInt32] = []
    private var lastUsed: UInt64 = 0
    private var lastChanged: UInt64 = 0

    /// Takes up changed members: who is gone is no longer in the set.
    mutating func membersChanged(from old: [Member], to new: [Member]) {
        let index = Dictionary(uniqueKeysWithValues: zip(new.map(\.server), new.indices.map { UInt32($0) }))
        set = set.compactMap { index[old[Int($0)].server] }
        set.reserveCapacity(new.count)
    }

    /// lblc: the server that the VIP had last, else the one that wlc picks (`ip_vs_lblc_schedule`).
    ///
    /// The kernel does not look at the upper threshold of the server it had last; here that is kept too, as ipvsadm(8) says of
    /// `--u-threshold`.
    mutating func nextWithoutReplication(
        among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable, now: UInt64
    ) -> Int? {
        forgetIfUnused(now)
        if let last = set.first.map(Int.init), servers.mayServe(members[last]),
            !Self.shouldMove(from: last, among: members, servers)
        {
            return last
        }
        guard let least = members.leastWeightedConnections(servers) else { return nil }
        set.removeAll(keepingCapacity: true)
        set.append(UInt32(least))
        return least
    }

    /// lblcr: the one of the VIP's servers with the least overhead by weight; where there is none, or it is overloaded, the one
    /// that wlc picks from all, which then is one of the VIP's (`ip_vs_lblcr_schedule`).
    mutating func nextWithReplication(
        among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable, now: UInt64
    ) -> Int? {
        forgetIfUnused(now)
        let known = leastLoaded(among: members, servers)
        if set.count > 1, Self.milliseconds(from: lastChanged, to: now) > Self.expiration,
            let most = mostLoaded(among: members, servers)
        {
            set.remove(at: most)
            lastChanged = now
        }
        if let known, !Self.shouldMove(from: known, among: members, servers) { return known }
        guard let least = members.leastWeightedConnections(servers) else { return nil }
        if !set.contains(UInt32(least)) {
            set.insert(UInt32(least), at: 0)
            lastChanged = now
        }
        return least
    }

    private mutating func forgetIfUnused(_ now: UInt64) {
        if Self.milliseconds(from: lastUsed, to: now) >= Self.expiration { set.removeAll(keepingCapacity: true) }
        lastUsed = now
    }

    /// The member of the set with the least overhead by weight (`ip_vs_dest_set_min`).
    private func leastLoaded(among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable) -> Int? {
        var least = Least()
        for index in set {
            let member = members[Int(index)]
            guard servers.mayServe(member) else { continue }
            least.consider(Int(index), cost: servers.overhead(of: member), weight: member.weight)
        }
        return least.index
    }

    /// Where in the set the one with the greatest overhead by weight is, upper thresholds aside (`ip_vs_dest_set_max`).
    private func mostLoaded(among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable) -> Int? {
        var most: (place: Int, cost: Int, weight: Int)?
        for (place, index) in set.enumerated() where members[Int(index)].weight > 0 {
            let member = members[Int(index)]
            let cost = servers.overhead(of: member)
            if let most, most.cost * member.weight >= cost * most.weight { continue }
            most = (place, cost, member.weight)
        }
        return most?.place
    }

    /// Whether a server has more active connections than its weight while another has less than half of its own
    /// (`is_overloaded` in both files).
    private static func shouldMove(
        from index: Int, among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable
    ) -> Bool {
        guard servers.active(on: members[index]) > members[index].weight else { return false }
        for other in members where servers.active(on: other) * 2 < other.weight { return true }
        return false
    }

    /// 0 where the clock ran backwards.
    private static func milliseconds(from start: UInt64, to end: UInt64) -> UInt64 {
        end > start ? end - start : 0
    }
}
