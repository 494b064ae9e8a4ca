import NetworkAddress

/// A station, as a key.
struct StationKey: AgedKey {
    var station: UInt64
    var own: UInt64
    var egress: Int

    init(_ station: LinkStation) {
        self.station = station.destination.rawValue
        own = station.source.rawValue
        egress = station.egress
    }

    func hash(_ hash: FlowHash) -> UInt64 { hash(station, own ^ UInt64(truncatingIfNeeded: egress) << 48) }

    var value: LinkStation {
        LinkStation(
            egress: egress, source: MACAddress(rawValue: own), destination: MACAddress(rawValue: station))
    }
}

/// The stations that clients' packets came from, to which their answers go back: through the interface and to the router, or
/// the client itself, that sent the question. So no route is looked up for an answer, and it takes the way its question took.
///
/// An entry is remembered for as long as a flow leads to it; there are as many as a segment has routers and clients.
struct StationTable: ~Copyable {
    /// No station.
    static let none = UInt16.max
    /// How many there is room for.
    static let capacity = 1 << 14

    /// Each with the number of flows that lead to it.
    private var table: AgedTable<StationKey, Int>

    init(seed: UInt64) {
        table = AgedTable(
            capacity: Self.capacity, seed: seed,
            filler: StationKey(LinkStation(egress: 0, source: .zero, destination: .zero)), 0)
    }

    /// The station at an index.
    @inline(__always)
    subscript(index: UInt16) -> LinkStation { table.key(UInt32(index)).value }

    /// The index of a station, for one more flow; nil where there is no room.
    mutating func retain(_ station: LinkStation) -> UInt16? {
        let key = StationKey(station)
        if let index = table.find(key) {
            table[index] += 1
            return UInt16(index)
        }
        return table.isFull ? nil : UInt16(table.add(key, 1))
    }

    /// A flow no longer leads to it.
    mutating func release(_ index: UInt16) {
        guard index != Self.none else { return }
        table[UInt32(index)] -= 1
        if table[UInt32(index)] == 0 { table.remove(UInt32(index)) }
    }
}
