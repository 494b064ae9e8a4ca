/// One server of a service, as a scheduler sees it.
struct Member: Equatable {
    /// Its slot in the ``ServerTable``.
    var server: UInt32
    /// Its share of new connections; 0 also while the server's MAC address is not known.
    var weight: Int
}

/// Whose turn it is among the members of a service.
struct Rotation: Equatable {
    /// The member that was picked last, or -1 before the first turn: IPVS's list head.
    var position = -1
    /// wrr: the weight that a member must have in this pass (`cw`).
    private(set) var threshold = 0
    /// wrr: where passes start (`mw`): the greatest weight, less `step - 1`, so that the last pass is for weight 1.
    private(set) var ceiling = 0
    /// wrr: by how much passes go down (`di`): the greatest common divisor of the weights.
    private(set) var step = 1

    /// The index of the member whose turn it is, and moves on; nil where none has a weight.
    mutating func next(_ scheduler: SchedulerKind, among members: UnsafeBufferPointer<Member>) -> Int? {
        switch scheduler {
        case .rr: nextInOrder(among: members)
        case .wrr: nextByWeight(among: members)
        }
    }

    /// Takes up changed members or weights, as IPVS does whenever a server is added, removed or edited: wrr starts again at
    /// the first member, in the pass it was in if that still exists (`ip_vs_wrr_dest_changed`); rr only ever needs its
    /// position put right, which is the caller's (`ip_vs_rr_del_dest`).
    mutating func membersChanged(_ scheduler: SchedulerKind, to members: [Member]) {
        guard scheduler == .wrr else { return }
        position = -1
        step = members.reduce(0) { $1.weight > 0 ? Self.greatestCommonDivisor($0, $1.weight) : $0 }
        if step == 0 { step = 1 }
        ceiling = (members.map(\.weight).max() ?? 0) - (step - 1)
        if threshold > ceiling || threshold == 0 {
            threshold = ceiling
        } else if step > 1 {
            threshold = threshold / step * step + 1
        }
    }

    /// `ip_vs_rr_schedule`: the first one with a weight after the one picked last, going round once.
    private mutating func nextInOrder(among members: UnsafeBufferPointer<Member>) -> Int? {
        var candidate = position
        for _ in 0..<members.count {
            candidate = candidate + 1 < members.count ? candidate + 1 : 0
            if members[candidate].weight > 0 {
                position = candidate
                return candidate
            }
        }
        return nil
    }

    /// `ip_vs_wrr_schedule`: the next one whose weight reaches the pass's threshold; at the end of a pass the threshold goes
    /// down by `step`, and after the last pass back up. It ends: whoever has the greatest weight is in every pass.
    private mutating func nextByWeight(among members: UnsafeBufferPointer<Member>) -> Int? {
        guard ceiling > 0 else { return nil }
        while true {
            position += 1
            if position >= members.count {
                position = 0
                threshold -= step
                if threshold <= 0 { threshold = ceiling }
            }
            if members[position].weight >= threshold { return position }
        }
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        var (left, right) = (left, right)
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }
}
