/// A service, as packets meet it.
struct Service {
    var vip: UInt32
    var port: UInt16
    var scheduler: SchedulerKind
    var options: SchedulerOptions
    /// Where its members lie among those of all services.
    var members: Range<Int>
    var connections: UInt64 = 0
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
}

/// The services of one configuration and their members, in memory allocated when the configuration is applied.
struct ServiceTable: ~Copyable {
    /// A cell of the index. The key of a service is its VIP and port; the key of a VIP is like port 0's with a mark, and its
    /// value is the service for all ports, or -1.
    private struct Cell {
        var key: UInt64
        var value: Int32
    }
    private static let empty = UInt64.max
    private static let wholeVIP: UInt64 = 1 << 48

    let count: Int
    private let services: UnsafeMutablePointer<Service>
    private let schedulers: UnsafeMutablePointer<Scheduler>
    private let allMembers: UnsafeMutableBufferPointer<Member>
    private let cells: UnsafeMutablePointer<Cell>
    private let cellMask: Int

    /// The table of `services`, whose ranges point into `members`; each VIP and port occurs once. `seed` is where schedulers that
    /// draw at random start.
    init(_ services: [Service] = [], members: [Member] = [], seed: UInt64 = 0) {
        count = services.count
        self.services = .allocate(capacity: max(1, services.count))
        for (index, service) in services.enumerated() { (self.services + index).initialize(to: service) }
        schedulers = .allocate(capacity: max(1, services.count))
        for (index, service) in services.enumerated() {
            // Hashed, so that the choices clients see tell nothing about the seed.
            var hash = SipHash(seed, seed)
            hash.absorb(UInt64(service.vip) << 16 | UInt64(service.port))
            (schedulers + index).initialize(
                to: Scheduler(service.scheduler, options: service.options, seed: hash.finish()))
        }
        allMembers = .allocate(capacity: members.count)
        _ = allMembers.initialize(from: members)
        // At most two keys for a service and a quarter full: a look-up ends after a cell or two.
        let cellCount = 1 << (Int.bitWidth - (max(1, services.count) * 8 - 1).leadingZeroBitCount)
        cellMask = cellCount - 1
        cells = .allocate(capacity: cellCount)
        cells.initialize(repeating: Cell(key: Self.empty, value: -1), count: cellCount)
        for (index, service) in services.enumerated() {
            let vip = UInt64(service.vip) << 16
            cells[cell(of: vip | UInt64(service.port))] = Cell(
                key: vip | UInt64(service.port), value: Int32(index))
            let whole = cell(of: Self.wholeVIP | vip)
            cells[whole].key = Self.wholeVIP | vip
            if service.port == 0 { cells[whole].value = Int32(index) }
        }
    }

    deinit {
        services.deallocate()
        schedulers.deinitialize(count: count).deallocate()
        allMembers.deallocate()
        cells.deallocate()
    }

    /// The service at an index that a look-up gave, to be read or changed in place.
    subscript(index: Int) -> UnsafeMutablePointer<Service> {
        precondition(index >= 0 && index < count, "there is no service \(index)")
        return services + index
    }

    /// Whether this address is some service's VIP.
    func owns(_ vip: UInt32) -> Bool {
        cells[cell(of: Self.wholeVIP | UInt64(vip) << 16)].key != Self.empty
    }

    /// The service for this very port, 0 being the one for all ports.
    func exactly(_ vip: UInt32, _ port: UInt16) -> Int? {
        let found = cells[cell(of: UInt64(vip) << 16 | UInt64(port))].value
        return found < 0 ? nil : Int(found)
    }

    /// The service that a new connection to this port belongs to: the one for this port, else the one for all.
    func find(_ vip: UInt32, _ port: UInt16) -> Int? {
        if let exact = exactly(vip, port) { return exact }
        let found = cells[cell(of: Self.wholeVIP | UInt64(vip) << 16)].value
        return found < 0 ? nil : Int(found)
    }

    /// The members of a service, in the order of their turns.
    func members(of index: Int) -> UnsafeBufferPointer<Member> {
        UnsafeBufferPointer(rebasing: allMembers[self[index].pointee.members])
    }

    /// What a service remembers of whose turn it is, to be changed in place.
    func scheduler(of index: Int) -> UnsafeMutablePointer<Scheduler> {
        precondition(index >= 0 && index < count, "there is no service \(index)")
        return schedulers + index
    }

    /// The server that this new connection of a service goes to, or nil where none may get one.
    func schedule(
        _ index: Int, for question: ScheduleQuestion, servers: borrowing ServerTable, now: UInt64
    ) -> UInt32? {
        let members = members(of: index)
        let member = scheduler(of: index).pointee.next(for: question, among: members, servers: servers, now: now)
        return member.map { members[$0].server }
    }

    /// The cell with this key, or the empty one where it belongs.
    private func cell(of key: UInt64) -> Int {
        var index = Int(truncatingIfNeeded: key &* 0x9e37_79b9_7f4a_7c15 &>> 32) & cellMask
        while cells[index].key != key, cells[index].key != Self.empty { index = (index + 1) & cellMask }
        return index
    }
}
