/// twos: the state of the power of two choices, which is where its random numbers have got to (SplitMix64 by Steele, Lea and
/// Flood). The same seed gives the same choices, so that a replay is repeatable.
struct TwoChoices {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// Of two members drawn by weight, the one with the lower overhead by weight; the first draw if they are equal
    /// (`ip_vs_twos_schedule` in `ip_vs_twos.c`).
    ///
    /// As there, a draw is from 0 up to and including the sum of the weights, and the first member has 0 and its weight.
    mutating func next(among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable) -> Int? {
        var total = 0
        for member in members where servers.mayServe(member) { total += member.weight }
        guard total > 0 else { return nil }
        let first = Self.member(at: draw(upTo: total), among: members, servers)
        let second = Self.member(at: draw(upTo: total), among: members, servers)
        let (one, other) = (members[first], members[second])
        return servers.overhead(of: one) * other.weight > servers.overhead(of: other) * one.weight ? second : first
    }

    /// The member that holds a place in the row of all weights. One of them has a weight.
    private static func member(
        at place: Int, among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable
    ) -> Int {
        var left = place
        var found = 0
        for (index, member) in members.enumerated() where servers.mayServe(member) {
            found = index
            left -= member.weight
            if left <= 0 { break }
        }
        return found
    }

    private mutating func draw(upTo greatest: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed &>> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed &>> 27) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ mixed &>> 31) % UInt64(greatest + 1))
    }
}
