import NetworkAddress

/// Somebody on the link of an interface, as a key.
struct OnLinkKey: AgedKey {
    var address: IPv6Address
    var egress: Int

    func hash(_ hash: FlowHash) -> UInt64 { hash(address.high ^ UInt64(truncatingIfNeeded: egress), address.low) }
}

/// Where destinations on the director's own links are, as far as servers' packets went to them: routers and real servers are
/// known by their routes and services.
struct OnLinkTable: ~Copyable {
    /// How many at once; then the one used longest ago gives way.
    static let capacity = 1024

    struct Entry {
        var mac: MACAddress
        var lastUse: UInt64
    }

    private var table: AgedTable<OnLinkKey, Entry>

    init(seed: UInt64) {
        table = AgedTable(
            capacity: Self.capacity, seed: seed, filler: OnLinkKey(address: .any, egress: 0),
            Entry(mac: .zero, lastUse: 0))
    }

    /// Its MAC, for a packet that is sent now; nil: not known.
    @inline(__always)
    mutating func use(_ address: IPv6Address, _ egress: Int, now: UInt64) -> MACAddress? {
        guard let index = table.find(OnLinkKey(address: address, egress: egress)) else { return nil }
        table[index].lastUse = now
        table.touch(index)
        return table[index].mac
    }

    /// When a packet was last sent to it; nil: it is not known.
    func lastUse(of address: IPv6Address, _ egress: Int) -> UInt64? {
        table.find(OnLinkKey(address: address, egress: egress)).map { table[$0].lastUse }
    }

    mutating func learn(_ address: IPv6Address, _ egress: Int, at mac: MACAddress, now: UInt64) {
        let key = OnLinkKey(address: address, egress: egress)
        if let index = table.find(key) {
            table[index].mac = mac
            return
        }
        if table.isFull, let oldest = table.leastRecentlyUsed { table.remove(oldest) }
        _ = table.add(key, Entry(mac: mac, lastUse: now))
    }

    mutating func forget(_ address: IPv6Address, _ egress: Int) {
        if let index = table.find(OnLinkKey(address: address, egress: egress)) { table.remove(index) }
    }
}
