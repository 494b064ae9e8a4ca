import NetworkAddress

/// A service, as packets meet it.
struct Service {
    var vip: IPv6Address
    var transport: UInt8
    var port: UInt16
    var scheduler: SchedulerKind
    var options: SchedulerOptions
    var persistence: Persistence?
    var expiresQuiescentTemplates = false
    var expiresOrphans = false
    var isSloppy = false
    /// Whether answers to clients pass here.
    var answersReturn = false
    /// Where its members lie among those of all services.
    var members: Range<Int>
    var connections: UInt64 = 0
    var inbound = Traffic()
    var outbound = Traffic()

    /// What tells it from others.
    var identity: ServiceIdentity { ServiceIdentity(vip: vip, transport: transport, port: port) }
}

/// What tells services apart.
struct ServiceIdentity: Hashable {
    var vip: IPv6Address
    /// 0: not a service, but an address as such.
    var transport: UInt8
    var port: UInt16

    /// The VIP as such, whatever its services.
    static func vip(_ address: IPv6Address) -> Self { Self(vip: address, transport: 0, port: 0) }

    /// A server's own address, from which answers come that are to be translated.
    static func insider(_ address: IPv6Address) -> Self { Self(vip: address, transport: 0, port: 1) }

    /// An address of the director's own that tunnels begin at.
    static func tunnelEnd(_ address: IPv6Address) -> Self { Self(vip: address, transport: 0, port: 2) }

    @inline(__always)
    var hash: Int {
        let mixed =
            (vip.high ^ vip.low) &* 0x9e37_79b9_7f4a_7c15 ^ (UInt64(transport) << 16 | UInt64(port))
            &* 0xbf58_476d_1ce4_e5b9
        return Int(truncatingIfNeeded: mixed ^ mixed &>> 32)
    }
}

/// The services of one configuration and their members, in memory allocated when the configuration is applied.
struct ServiceTable: ~Copyable {
    /// A cell of the index: a service, or an address as such, whose value is -1.
    private struct Cell {
        var isTaken = false
        var key = ServiceIdentity(vip: .any, transport: 0, port: 0)
        var value: Int32 = -1
    }

    let count: Int
    private let services: UnsafeMutablePointer<Service>
    private let schedulers: UnsafeMutablePointer<Scheduler>
    private let allMembers: UnsafeMutableBufferPointer<Member>
    private let cells: UnsafeMutablePointer<Cell>
    private let cellMask: Int
    /// Whether any service's answers come from its VIP through here.
    private var answersReturn = false
    /// Whether any service's answers are translated.
    let hasInsiders: Bool

    /// The table of `services`, whose ranges point into `members`; each identity occurs once.
    ///
    /// - Parameters:
    ///   - seed: where schedulers that draw at random start.
    ///   - insiders: servers' own addresses from which answers come that are to be translated.
    ///   - tunnelEnds: addresses of the director's own that tunnels begin at.
    ///   - outbound: addresses that stand for servers, which are owned as VIPs are.
    init(
        _ services: [Service] = [], members: [Member] = [], seed: UInt64 = 0, insiders: Set<IPv6Address> = [],
        tunnelEnds: Set<IPv6Address> = [], outbound: Set<IPv6Address> = []
    ) {
        hasInsiders = !insiders.isEmpty
        count = services.count
        self.services = .allocate(capacity: max(1, services.count))
        for (index, service) in services.enumerated() { (self.services + index).initialize(to: service) }
        schedulers = .allocate(capacity: max(1, services.count))
        for (index, service) in services.enumerated() {
            // Hashed, so that the choices clients see tell nothing about the seed.
            var hash = SipHash(seed, seed)
            hash.absorb(service.vip.high ^ service.vip.low)
            hash.absorb(UInt64(service.transport) << 16 | UInt64(service.port))
            (schedulers + index).initialize(
                to: Scheduler(service.scheduler, options: service.options, seed: hash.finish()))
        }
        allMembers = .allocate(capacity: members.count)
        _ = allMembers.initialize(from: members)
        // At most two keys for a service and a quarter full: a look-up ends after a cell or two.
        let keyCount = max(1, 2 * services.count + insiders.count + tunnelEnds.count + outbound.count)
        let cellCount = 1 << (Int.bitWidth - (keyCount * 4 - 1).leadingZeroBitCount)
        cellMask = cellCount - 1
        cells = .allocate(capacity: cellCount)
        cells.initialize(repeating: Cell(), count: cellCount)
        for (index, service) in services.enumerated() {
            cells[cell(of: service.identity)] = Cell(isTaken: true, key: service.identity, value: Int32(index))
            mark(.vip(service.vip))
            answersReturn = answersReturn || service.answersReturn
        }
        for insider in insiders { mark(.insider(insider)) }
        for end in tunnelEnds { mark(.tunnelEnd(end)) }
        for address in outbound { mark(.vip(address)) }
    }

    private func mark(_ key: ServiceIdentity) {
        cells[cell(of: key)] = Cell(isTaken: true, key: key, value: -1)
    }

    deinit {
        services.deallocate()
        schedulers.deinitialize(count: count).deallocate()
        allMembers.deallocate()
        cells.deallocate()
    }

    /// The service at an index that a look-up gave, to be read or changed in place.
    @inline(__always)
    subscript(index: Int) -> UnsafeMutablePointer<Service> {
        precondition(index >= 0 && index < count, "there is no service \(index)")
        return services + index
    }

    /// Whether this address is some service's VIP, or stands for servers.
    @inline(__always)
    func owns(_ vip: IPv6Address) -> Bool {
        cells[cell(of: .vip(vip))].isTaken
    }

    /// Whether tunnels begin at this address.
    @inline(__always)
    func isTunnelEnd(_ address: IPv6Address) -> Bool { cells[cell(of: .tunnelEnd(address))].isTaken }

    /// Whether packets from this address can be answers that pass here.
    @inline(__always)
    func mayAnswer(_ source: IPv6Address) -> Bool {
        cells[cell(of: .insider(source))].isTaken || answersReturn && owns(source)
    }

    /// The service with this very identity, port 0 being the one for all ports.
    @inline(__always)
    func exactly(_ identity: ServiceIdentity) -> Int? {
        let found = cells[cell(of: identity)].value
        return found < 0 ? nil : Int(found)
    }

    /// The service that a new connection to this port belongs to: the one for this port, else the one for all.
    @inline(__always)
    func find(_ vip: IPv6Address, _ transport: UInt8, _ port: UInt16) -> Int? {
        exactly(ServiceIdentity(vip: vip, transport: transport, port: port))
            ?? exactly(ServiceIdentity(vip: vip, transport: transport, port: 0))
    }

    /// The members of a service, in the order of their turns.
    func members(of index: Int) -> UnsafeBufferPointer<Member> {
        UnsafeBufferPointer(rebasing: allMembers[self[index].pointee.members])
    }

    /// Whether new connections go to nobody now, but would to a server whose MAC address is asked for, or may to one that is awaited.
    func awaitsServers(_ index: Int, among servers: borrowing ServerTable) -> Bool {
        members(of: index).contains { $0.assigned > $0.weight || servers[$0.server].pointee.isAwaited }
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
    @inline(__always)
    private func cell(of key: ServiceIdentity) -> Int {
        var index = key.hash & cellMask
        while cells[index].isTaken, cells[index].key != key { index = (index + 1) & cellMask }
        return index
    }
}
