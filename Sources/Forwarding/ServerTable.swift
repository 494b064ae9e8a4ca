import NetworkAddress

/// A real server of one service, and what was counted on it.
struct Server {
    /// Which server this is, so that one that comes back finds its flows: IPVS looks in its trash by the same
    /// (`ip_vs_trash_get_dest` in `net/netfilter/ipvs/ip_vs_ctl.c`).
    struct Identity: Hashable {
        var vip: UInt32
        var port: UInt16
        var address: UInt32
    }

    var identity: Identity
    /// The index of its service, or nil once it was taken out and only flows remember it.
    var service: Int?
    var weight: Int
    var station: LinkStation?
    var active = 0
    var inactive = 0
    /// From how many connections on, active or not, it gets no new ones; 0: without a limit.
    var upper = 0
    /// Below how many it gets new ones again; 0: below three quarters of `upper`.
    var lower = 0
    /// Whether it reached `upper` and is not below `lower` yet.
    private(set) var isOverloaded = false
    var connections: UInt64 = 0
    var packets: UInt64 = 0
    var bytes: UInt64 = 0

    /// Whether anybody is in this slot.
    var isTaken = true
    /// In a free slot: the next one.
    var nextFree: UInt32?

    init(_ identity: Identity) {
        self.identity = identity
        weight = 0
    }

    /// Puts ``isOverloaded`` right after a connection came or went or a threshold was changed. A connection that only becomes
    /// inactive is neither (`ip_vs_bind_dest` and `ip_vs_unbind_dest` in `net/netfilter/ipvs/ip_vs_conn.c`,
    /// `ip_vs_dest_totalconns`).
    mutating func updateOverload() {
        let total = active + inactive
        if upper <= 0 {
            isOverloaded = false
        } else if total >= upper {
            isOverloaded = true
        } else if lower > 0 ? total < lower : total < upper - upper / 4 {
            isOverloaded = false
        }
    }
}

/// The servers of all services, each in a slot that stays its own for as long as the server is wanted or a flow leads to it.
/// Slots are added when servers are, never while packets pass.
struct ServerTable: ~Copyable {
    /// How many slots there are, taken or free.
    private(set) var count = 0
    private var capacity = 0
    private var slots: UnsafeMutablePointer<Server>?
    /// The first free slot; each leads to the next by `nextFree`.
    private var free: UInt32?

    deinit {
        slots?.deallocate()
    }

    /// The server in a slot, to be read or changed in place. Valid until the next ``add(_:)``.
    subscript(index: UInt32) -> UnsafeMutablePointer<Server> {
        guard let slots, index < count else { preconditionFailure("there is no server slot \(index)") }
        return slots + Int(index)
    }

    /// The slots that are taken, by who is in them.
    var taken: [Server.Identity: UInt32] {
        var found: [Server.Identity: UInt32] = [:]
        for index in 0..<UInt32(count) where self[index].pointee.isTaken {
            found[self[index].pointee.identity] = index
        }
        return found
    }

    /// Puts a server into a free slot.
    mutating func add(_ server: Server) -> UInt32 {
        if let index = free {
            free = self[index].pointee.nextFree
            self[index].pointee = server
            return index
        }
        if count == capacity { grow() }
        count += 1
        let index = UInt32(count - 1)
        self[index].initialize(to: server)
        return index
    }

    /// Frees the slot of a server that is neither wanted nor led to by a flow; leaves any other alone.
    mutating func forgetIfUnused(_ index: UInt32) {
        let server = self[index]
        guard server.pointee.isTaken, server.pointee.service == nil, server.pointee.active == 0,
            server.pointee.inactive == 0
        else { return }
        server.pointee.isTaken = false
        server.pointee.nextFree = free
        free = index
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Server>.allocate(capacity: max(16, capacity * 2))
        if let slots {
            larger.moveInitialize(from: slots, count: count)
            slots.deallocate()
        }
        slots = larger
        capacity = max(16, capacity * 2)
    }
}
