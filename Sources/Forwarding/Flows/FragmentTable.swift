import NetworkAddress

/// What all fragments of one packet share (RFC 791 §3.2, RFC 8200 §4.5).
struct FragmentKey: AgedKey {
    var source: IPv6Address
    var destination: IPv6Address
    var identification: UInt32
    /// IPv4's; IPv6's later fragments need not tell.
    var transport: UInt8

    init(_ packet: Packet) {
        source = packet.source
        destination = packet.destination
        identification = packet.header.identification
        transport = packet.header.isIPv6 ? 0 : packet.transport
    }

    func hash(_ hash: FlowHash) -> UInt64 {
        hash(
            source.high, source.low, destination.high, destination.low,
            37 << 56 | UInt64(transport) << 32 | UInt64(identification))
    }

    static let filler = FragmentKey()

    private init() {
        source = .any
        destination = .any
        identification = 0
        transport = 0
    }
}

/// Where the first fragment went: the later ones carry no ports and follow it.
struct FragmentPath {
    /// What was done to it.
    enum Turn {
        /// Given to the server in this slot.
        case toServer(UInt32)
        /// An answer of the server in this slot, sent back to the client from the VIP through this station.
        case toClient(source: IPv6Address, server: UInt32, station: LinkStation)
        /// A server's, sent to the world from this address, by the rule in this slot.
        case toWorld(source: IPv6Address, rule: UInt32)
        /// The world's, sent to this server through this station, by the rule in this slot.
        case toInside(destination: IPv6Address, rule: UInt32, station: LinkStation)
    }

    var turn: Turn
    var deadline: UInt64
}

/// The packets of which fragments are on their way. No fragment is held: one that overtakes the first is lost, as if the
/// network had lost it, and where the table is full the packet begun longest ago loses its rest.
struct FragmentTable: ~Copyable {
    /// How many packets at once. Linux holds up to 4 MiB of fragments (`ipfrag_high_thresh`), some 3,000 packets.
    static let capacity = 4096
    /// For how long a packet's fragments may come in, in milliseconds (`ipfrag_time`).
    static let timeout: UInt64 = 30_000

    private var table: AgedTable<FragmentKey, FragmentPath>

    init(seed: UInt64) {
        table = AgedTable(
            capacity: Self.capacity, seed: seed, filler: .filler,
            FragmentPath(turn: .toServer(0), deadline: 0))
    }

    /// Where the first fragment of this packet went.
    mutating func find(_ packet: Packet, now: UInt64) -> FragmentPath.Turn? {
        guard let index = table.find(FragmentKey(packet)), table[index].deadline > now else { return nil }
        return table[index].turn
    }

    /// Remembers where the first fragment of this packet went.
    mutating func note(_ packet: Packet, _ turn: FragmentPath.Turn, now: UInt64) {
        let key = FragmentKey(packet)
        if let index = table.find(key) { table.remove(index) }
        if table.isFull, let oldest = table.leastRecentlyUsed { table.remove(oldest) }
        _ = table.add(key, FragmentPath(turn: turn, deadline: now &+ Self.timeout))
    }
}
