import NetworkAddress

/// Who gets the next connection of a client that is known already: IPVS's persistence templates
/// (`ip_vs_sched_persist` in `net/netfilter/ipvs/ip_vs_core.c`).
struct PersistenceTemplate {
    /// A slot of the ``ServerTable``.
    var server: UInt32
    /// When it is forgotten, unless connections are still led by it.
    var deadline: UInt64
    /// How many flows it led that are still remembered.
    var controls = 0
}

/// What a template is found by: the client's network and the service. Without the server's port for all ports of a VIP.
struct TemplateKey: AgedKey {
    var network: IPv6Address
    var vip: IPv6Address
    var port: UInt16
    var transport: UInt8

    func hash(_ hash: FlowHash) -> UInt64 {
        hash(
            network.high, network.low, vip.high, vip.low, 35 << 56 | UInt64(transport) << 16 | UInt64(port))
    }
}

/// All templates.
struct TemplateTable: ~Copyable {
    /// For how long a template that still leads connections holds once its time has come, in milliseconds
    /// (`ip_vs_conn_expire` in `net/netfilter/ipvs/ip_vs_conn.c`).
    static let rearm: UInt64 = 60_000
    /// How many entries are looked at for one that may go when the table is full.
    private static let patience = 16

    private var table: AgedTable<TemplateKey, PersistenceTemplate>

    init(capacity: Int, seed: UInt64) {
        table = AgedTable(
            capacity: capacity, seed: seed, filler: TemplateKey(network: .any, vip: .any, port: 0, transport: 0),
            PersistenceTemplate(server: 0, deadline: 0))
    }

    /// What is known of a client.
    enum Finding {
        case unknown
        /// It goes where this template leads.
        case valid(UInt32)
        /// The time of this template has come and it leads nothing any more: the client is scheduled anew.
        case stale(UInt32)
    }

    /// The template for this key.
    mutating func find(_ key: TemplateKey, now: UInt64) -> Finding {
        guard let index = table.find(key) else { return .unknown }
        if table[index].deadline > now { return .valid(index) }
        guard table[index].controls > 0 else { return .stale(index) }
        table[index].deadline = now &+ Self.rearm
        return .valid(index)
    }

    /// How many templates there is room for.
    var capacity: Int { table.capacity }

    /// How many there are.
    var count: Int { table.count }

    /// The template at an index, one of ``capacity``; nil: there is none.
    func entry(_ index: UInt32) -> (key: TemplateKey, template: PersistenceTemplate)? {
        table.isTaken(index) ? (table.key(index), table[index]) : nil
    }

    /// The slot of the server that it leads to.
    func server(_ index: UInt32) -> UInt32 { table[index].server }

    /// Remembers one; nil where there is no room and nothing that may go. `displaced`: the server of the one that went.
    mutating func add(
        _ key: TemplateKey, server: UInt32, deadline: UInt64
    ) -> (index: UInt32, displaced: UInt32?)? {
        var displaced: UInt32?
        if table.isFull {
            var candidate = table.leastRecentlyUsed
            var left = Self.patience
            while let index = candidate, table[index].controls > 0, left > 0 {
                candidate = table.nextYounger(index)
                left -= 1
            }
            guard let index = candidate, table[index].controls == 0 else { return nil }
            displaced = table[index].server
            table.remove(index)
        }
        return (table.add(key, PersistenceTemplate(server: server, deadline: deadline)), displaced)
    }

    /// Remembers one that has been remembered before; nil where there is no room, or it is there.
    mutating func resume(_ key: TemplateKey, server: UInt32, deadline: UInt64) -> UInt32? {
        guard !table.isFull, table.find(key) == nil else { return nil }
        return table.add(key, PersistenceTemplate(server: server, deadline: deadline))
    }

    /// Hands over every template, the one used longest ago first.
    func forEachByAge(_ take: (UInt32, TemplateKey, PersistenceTemplate) -> Void) {
        var next = table.leastRecentlyUsed
        while let index = next {
            take(index, table.key(index), table[index])
            next = table.nextYounger(index)
        }
    }

    /// A new connection was led by it: it holds for that long again.
    mutating func renew(_ index: UInt32, deadline: UInt64) {
        table[index].deadline = deadline
        table.touch(index)
    }

    /// It leads so many connections more.
    func count(_ change: Int, on index: UInt32) {
        table[index].controls += change
    }

    /// Its server changes.
    func lead(_ index: UInt32, to server: UInt32) {
        table[index].server = server
    }

    /// Forgets a template whose time has come, taking what it looks at off `budget`: in order of use, which with services of
    /// different persistence is not quite the order of deadlines. One that still leads connections holds for a while longer,
    /// and goes to the other end, out of the way.
    ///
    /// - Returns: the server that it led to; nil: there was none, or the budget is spent.
    mutating func expireOne(now: UInt64, budget: inout Int) -> UInt32? {
        var candidate = table.leastRecentlyUsed
        while let index = candidate, budget > 0 {
            budget -= 1
            candidate = table.nextYounger(index)
            guard table[index].deadline <= now else { continue }
            if table[index].controls == 0 {
                let server = table[index].server
                table.remove(index)
                return server
            }
            table[index].deadline = now &+ Self.rearm
            table.touch(index)
        }
        return nil
    }
}
