import NetworkAddress

/// mh: Maglev's table (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4), as
/// IPVS's `ip_vs_mh.c` uses it: a client hashes to a cell, and the cell holds a server.
///
/// Directors that are given the same servers with the same weights, in whatever order, have the same table: servers take
/// their turns in the order of their identities, and the hash has a fixed key. (Hash keys that everybody knows let a client
/// choose its server, no more.) When one server leaves, few cells but its own change hands.
///
/// A server whose weight becomes 0 keeps its cells (`last_weight` in `__ip_vs_update_dest`), so that nobody else's clients
/// move when it is drained and when it is back. One that had no weight since it was added has none,
/// and neither has one that is out of the service (``Member/isOut``). One whose MAC address is not known yet has its cells
/// (``Member/assigned``): a director that was just started sends no client to another server than the ones that run do.
///
/// It differs from the kernel in four ways. The table's size is the paper's. Turns are shared out as credit, see
/// ``fill(_:by:)``: the kernel gives a server all turns of a round in a row, which leaves the last servers without any once the
/// weights add up to more than the table holds. An address is hashed whole instead of folded to 32 bits. And see
/// ``next(for:_:among:_:)`` for how a server is found for a client whose own may get none.
struct Maglev {
    /// How many cells there are: a prime, the paper's small table. Shares are right to about one part in
    /// `size / servers`; the kernel's advice of 100 cells a server holds for 655 of them. Servers beyond this many have none.
    static let size = 65_537

    /// What the table depends on, in the order of the members.
    private struct Place: Equatable {
        var identity: Member.Identity
        /// The latest weight above 0, or 0 if it never had one.
        var weight: Int
    }

    private var places: [Place] = []
    /// By the server's slot, its latest weight above 0.
    private var lastWeights: [UInt32: Int] = [:]
    /// In each cell the index of a member; empty if no member ever had a weight.
    private(set) var cells: [UInt32] = []

    /// Takes up changed members or weights. The table is built again where any weight but 0 or any identity changed.
    mutating func membersChanged(to members: [Member]) {
        var weights: [UInt32: Int] = [:]
        for member in members {
            weights[member.server] =
                member.isOut ? 0 : member.assigned > 0 ? member.assigned : lastWeights[member.server] ?? 0
        }
        lastWeights = weights
        let places = members.map { Place(identity: $0.identity, weight: weights[$0.server] ?? 0) }
        guard places != self.places else { return }
        self.places = places
        let wanted = places.indices.filter { places[$0].weight > 0 }
        fill(wanted.sorted { places[$0].identity < places[$1].identity }, by: places.map(\.weight))
    }

    /// The server of this client, if it may serve; with ``SchedulerOptions/fallsBack``, else that of the nearest cell after it
    /// whose server may.
    ///
    /// The kernel hashes anew for each try instead (`ip_vs_mh_get_fallback`), which costs more and need not meet every cell.
    func next(
        for question: ScheduleQuestion, _ options: SchedulerOptions, among members: UnsafeBufferPointer<Member>,
        _ servers: borrowing ServerTable
    ) -> Int? {
        guard !cells.isEmpty else { return nil }
        let port = options.hashesPort ? question.sourcePort : 0
        let start = Self.remainder(of: Self.hash(question.source, port, key: Self.firstKey), by: Self.size)
        for offset in 0..<(options.fallsBack ? Self.size : 1) {
            let cell = start + offset
            let index = Int(cells[cell < Self.size ? cell : cell - Self.size])
            if servers.mayServe(members[index]) { return index }
        }
        return nil
    }

    /// Shares out the cells. In each round a server gets credit for its weight, and takes its favourite free cell whenever it
    /// has credit for the greatest weight: with equal weights that is the paper's one cell each in turn. The first round is
    /// free, so that every server has a cell.
    ///
    /// No weight counts as less than 1/256 of the greatest, as `ip_vs_mh_shift_weight` has it for a table of this size: it
    /// bounds the number of rounds.
    private mutating func fill(_ order: [Int], by weights: [Int]) {
        let greatest = order.map { weights[$0] }.max() ?? 0
        guard greatest > 0 else {
            cells = []
            return
        }
        var seekers = order.map { Seeker(member: $0, places[$0].identity, weight: weights[$0], greatest: greatest) }
        cells = Array(repeating: .max, count: Self.size)
        cells.withUnsafeMutableBufferPointer { cells in
            seekers.withUnsafeMutableBufferPointer { seekers in
                var free = cells.count
                while true {
                    for index in seekers.indices where seekers[index].hasTurn(greatest) {
                        while cells[seekers[index].cell] != .max { seekers[index].moveOn() }
                        cells[seekers[index].cell] = seekers[index].member
                        free -= 1
                        if free == 0 { return }
                    }
                }
            }
        }
    }

    /// A server on its way through the cells in the order of its preference: from a cell of its own in steps of its own, which
    /// meets every cell because their number is prime (`ip_vs_mh_permutate`).
    private struct Seeker {
        let member: UInt32
        private(set) var cell: Int
        private let skip: Int
        private let weight: Int
        private var credit: Int

        init(member: Int, _ identity: Member.Identity, weight: Int, greatest: Int) {
            self.member = UInt32(member)
            cell = Maglev.remainder(of: Maglev.hash(identity.address, identity.port, key: firstKey), by: size)
            skip = Maglev.remainder(of: Maglev.hash(identity.address, identity.port, key: secondKey), by: size - 1) + 1
            self.weight = max(weight, greatest / 256)
            credit = greatest - self.weight
        }

        mutating func hasTurn(_ greatest: Int) -> Bool {
            credit += weight
            guard credit >= greatest else { return false }
            credit -= greatest
            return true
        }

        mutating func moveOn() {
            cell += skip
            if cell >= size { cell -= size }
        }
    }

    /// The kernel's two keys (`generate_hash_secret`).
    private static let firstKey: UInt64 = 2_654_435_761
    private static let secondKey: UInt64 = 2_654_446_892

    private static func hash(_ address: IPv6Address, _ port: UInt16, key: UInt64) -> UInt64 {
        var hash = SipHash(key, key)
        hash.absorb(address.high)
        hash.absorb(address.low)
        hash.absorb(18 << 56 | UInt64(port))
        return hash.finish()
    }

    private static func remainder(of hash: UInt64, by divisor: Int) -> Int {
        Int(hash % UInt64(divisor))
    }
}
