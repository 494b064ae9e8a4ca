import NetworkAddress

/// A real server of one service, and what was counted on it.
struct Server {
    /// Which server this is, so that one that comes back finds its flows: IPVS looks in its trash by the same
    /// (`ip_vs_trash_get_dest` in `net/netfilter/ipvs/ip_vs_ctl.c`).
    struct Identity: Hashable {
        var vip: IPv6Address
        var port: UInt16
        var transport: UInt8
        var address: IPv6Address
        var serverPort: UInt16
    }

    let identity: Identity
    /// The index of its service, or nil once it was taken out and only flows remember it.
    var service: Int?
    /// Whether it is no server but a rule of source NAT in force: its flows are counted in the same way.
    var isOutbound = false
    var weight = 0
    /// See ``RealServer/isOut``.
    var isOut = false
    /// See ``RealServer/isAwaited``.
    var isAwaited = false
    var method = ForwardMethod.direct
    var station: LinkStation?
    var mtu = 65_535
    /// How many connections this forwarder remembers. All that share a ``LoadBook`` count them there together.
    var active = 0 {
        didSet { load.pointee.count(active: active - oldValue) }
    }
    var inactive = 0 {
        didSet { load.pointee.count(inactive: inactive - oldValue) }
    }
    /// Where they are counted together.
    let load: UnsafeMutablePointer<LoadPage>
    /// From how many connections on, active or not, it gets no new ones; 0: without a limit.
    var upper = 0
    /// Below how many it gets new ones again; 0: below three quarters of `upper`.
    var lower = 0
    /// Whether it reached `upper` and is not below `lower` yet.
    var isOverloaded: Bool { load.pointee.isOverloaded }
    /// How many persistence templates lead to it.
    var templates = 0
    var connections: UInt64 = 0
    /// From clients, and to them where answers pass here.
    var inbound = Traffic()
    var outbound = Traffic()

    /// Whether anybody is in this slot.
    var isTaken = true
    /// In a free slot: the next one.
    var nextFree: UInt32?

    init(_ identity: Identity, load: UnsafeMutablePointer<LoadPage>) {
        self.identity = identity
        self.load = load
    }

    /// Puts ``isOverloaded`` right after a connection came or went or a threshold was changed. A connection that only becomes
    /// inactive is neither (`ip_vs_bind_dest` and `ip_vs_unbind_dest` in `net/netfilter/ipvs/ip_vs_conn.c`,
    /// `ip_vs_dest_totalconns`).
    func updateOverload() {
        let total = load.pointee.active + load.pointee.inactive
        if upper <= 0 {
            load.pointee.isOverloaded = false
        } else if total >= upper {
            load.pointee.isOverloaded = true
        } else if lower > 0 ? total < lower : total < upper - upper / 4 {
            load.pointee.isOverloaded = false
        }
    }

    /// For how long a path MTU that a router told is believed, in milliseconds (RFC 1191 §6.3, `mtu_expires`).
    static let pathMTUTimeout: UInt64 = 600_000
    private var pathMTU = Int.max
    private var pathMTUDeadline: UInt64 = 0

    /// The longest packet of a client's that fits on the way there, in bytes.
    @inline(__always)
    func innerMTU(now: UInt64) -> Int {
        (pathMTUDeadline > now ? min(mtu, pathMTU) : mtu) - method.overhead
    }

    /// A router on the way there said that it takes no longer packets than this. Less than any link takes is not believed.
    mutating func notePathMTU(_ told: Int, until deadline: UInt64) {
        let least = identity.address.mappedIPv4 == nil ? 1280 : 576
        pathMTU = max(told, least)
        pathMTUDeadline = deadline
    }

    /// NAT: the port on the server for a client that used this one.
    func port(for clientsPort: UInt16) -> UInt16 { identity.serverPort == 0 ? clientsPort : identity.serverPort }
}

/// Packets and their bytes: whole IP packets, without the Ethernet header and its padding.
public struct Traffic: Hashable, Sendable {
    /// How many.
    public var packets: UInt64 = 0
    /// Their length.
    public var bytes: UInt64 = 0

    /// Nothing yet, unless told otherwise.
    public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
        self.packets = packets
        self.bytes = bytes
    }

    @inline(__always)
    mutating func count(_ length: Int) {
        packets &+= 1
        bytes &+= UInt64(length)
    }

    /// Counts what was counted elsewhere as well.
    public mutating func add(_ other: Traffic) {
        packets &+= other.packets
        bytes &+= other.bytes
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
    private let loads: LoadBook

    /// A table without servers, whose connections are counted in this book.
    init(loads: LoadBook) { self.loads = loads }

    deinit {
        for (_, index) in taken {
            // What was remembered here is no more.
            (self[index].pointee.active, self[index].pointee.inactive) = (0, 0)
            loads.close(self[index].pointee.identity)
        }
        slots?.deallocate()
    }

    /// The server in a slot, to be read or changed in place. Valid until the next ``add(_:)``.
    @inline(__always)
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
    mutating func add(_ identity: Server.Identity) -> UInt32 {
        let server = Server(identity, load: loads.open(identity))
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

    /// Frees the slot of a server, or rule, that is neither wanted nor led to by a flow or a template; leaves any other alone.
    mutating func forgetIfUnused(_ index: UInt32) {
        let server = self[index]
        guard server.pointee.isTaken, server.pointee.service == nil, !server.pointee.isOutbound,
            server.pointee.active == 0, server.pointee.inactive == 0, server.pointee.templates == 0
        else { return }
        loads.close(server.pointee.identity)
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
