/// Whose turn it is among the members of a service: the state of `rr` and `wrr`.
struct Rotation: Equatable {
    /// The member that was picked last, or -1 before the first turn: IPVS's list head.
    private(set) var position = -1
    /// wrr: the weight that a member must have in this pass (`cw`).
    private(set) var threshold = 0
    /// wrr: where passes start (`mw`): the greatest weight, less `step - 1`, so that the last pass is for weight 1.
    private(set) var ceiling = 0
    /// wrr: by how much passes go down (`di`): the greatest common divisor of the weights.
    private(set) var step = 1

    /// rr: takes up changed members. It goes on after the one it picked last, or where that one was taken out, after the
    /// nearest one before it that is still there (`ip_vs_rr_del_dest` in `ip_vs_rr.c`).
    mutating func keepPlace(from old: [Member], to new: [Member]) {
        guard position >= 0 else { return }
        let index = Dictionary(uniqueKeysWithValues: zip(new.map(\.server), new.indices))
        position = old[...position].reversed().lazy.compactMap { index[$0.server] }.first ?? -1
    }

    /// wrr: takes up changed members or weights. It starts again at the first member, in the pass it was in if that still
    /// exists (`ip_vs_wrr_dest_changed` in `ip_vs_wrr.c`).
    mutating func startAgain(with members: [Member]) {
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

    /// rr: the first that may serve after the one picked last, going round once (`ip_vs_rr_schedule`).
    mutating func nextInOrder(among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable) -> Int? {
        var candidate = position
        for _ in 0..<members.count {
            candidate = candidate + 1 < members.count ? candidate + 1 : 0
            if servers.mayServe(members[candidate]) {
                position = candidate
                return candidate
            }
        }
        return nil
    }

    /// wrr: the next that may serve and whose weight reaches the pass's threshold; at the end of a pass the threshold goes down
    /// by `step`, and after the last pass back up (`ip_vs_wrr_schedule`).
    ///
    /// It ends: the last pass is for weight 1, so once such a pass has met every member and picked none, none may serve.
    mutating func nextByWeight(among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable) -> Int? {
        guard ceiling > 0 else { return nil }
        var refusedInLastPass = 0
        while refusedInLastPass < members.count {
            position += 1
            if position >= members.count {
                position = 0
                threshold -= step
                if threshold <= 0 { threshold = ceiling }
            }
            if members[position].weight >= threshold, servers.mayServe(members[position]) { return position }
            refusedInLastPass = threshold <= step ? refusedInLastPass + 1 : 0
        }
        return nil
    }

    private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
        var (left, right) = (left, right)
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }
}
