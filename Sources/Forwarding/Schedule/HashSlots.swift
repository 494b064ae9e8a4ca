import NetworkAddress

/// The 256 slots of `sh` and `dh`, each with the index of a member (`IP_VS_SH_TAB_BITS`, `IP_VS_DH_TAB_BITS`).
struct HashSlots {
    private static let count: UInt32 = 256
    private var slots: [UInt32] = []

    /// dh: gives the slots to the members in turn (`ip_vs_dh_reassign` in `ip_vs_dh.c`).
    mutating func assignInTurn(to members: [Member]) {
        assign(to: members) { _ in 1 }
    }

    /// sh: gives the slots to the members in turn, to each as many in a row as its weight says; weight 0 has one too
    /// (`ip_vs_sh_reassign` in `ip_vs_sh.c`). Members beyond the 256th slot have none.
    mutating func assignByWeight(to members: [Member]) {
        assign(to: members) { max(1, $0.weight) }
    }

    private mutating func assign(to members: [Member], turns: (Member) -> Int) {
        slots.removeAll(keepingCapacity: true)
        guard members.contains(where: { !$0.isOut }) else { return }
        slots.reserveCapacity(Int(Self.count))
        while true {
            for (index, member) in members.enumerated() where !member.isOut {
                for _ in 0..<turns(member) {
                    slots.append(UInt32(index))
                    if slots.count == Self.count { return }
                }
            }
        }
    }

    /// dh: the server of this VIP, if it may serve (`ip_vs_dh_schedule`, `ip_vs_dh_hashkey`, `hash_32` in
    /// `include/linux/hash.h`).
    func next(
        for destination: IPv6Address, among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable
    ) -> Int? {
        member(in: (Self.folded(destination) &* 0x61C8_8647) &>> 24, among: members, servers)
    }

    /// sh: the server of this client, if it may serve; with ``SchedulerOptions/fallsBack``, else that of the slots after it,
    /// going round once (`ip_vs_sh_get`, `ip_vs_sh_get_fallback`, `ip_vs_sh_hashkey`).
    func next(
        for question: ScheduleQuestion, _ options: SchedulerOptions, among members: UnsafeBufferPointer<Member>,
        _ servers: borrowing ServerTable
    ) -> Int? {
        let port = options.hashesPort ? UInt32(question.sourcePort) : 0
        let hash = (port &+ Self.folded(question.source)) &* 2_654_435_761
        if let first = member(in: hash, among: members, servers) { return first }
        guard options.fallsBack else { return nil }
        // As there: the slot's own number counts twice in where the search starts.
        for offset in 0..<Self.count {
            let slot = hash &+ hash % Self.count &+ offset
            if let other = member(in: slot, among: members, servers) { return other }
        }
        return nil
    }

    /// The member in a slot (modulo 256), if it may serve.
    private func member(
        in slot: UInt32, among members: UnsafeBufferPointer<Member>, _ servers: borrowing ServerTable
    ) -> Int? {
        guard !slots.isEmpty else { return nil }
        let index = Int(slots[Int(slot % Self.count)])
        return servers.mayServe(members[index]) ? index : nil
    }

    /// An IPv4 address itself, the four words of an IPv6 address combined.
    private static func folded(_ address: IPv6Address) -> UInt32 {
        if let v4 = address.mappedIPv4 { return v4.rawValue }
        let both = address.high ^ address.low
        return UInt32(truncatingIfNeeded: both ^ both &>> 32)
    }
}
