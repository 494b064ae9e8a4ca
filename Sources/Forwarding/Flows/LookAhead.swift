/// Looks for the flows of packets that are judged together, ahead of their turns. A table of a million flows lies in no cache: a packet that is
/// judged by itself waits for memory one time after the other, for its bucket, its flow and, where that one is to move, its links and its
/// neighbours' by age. Here each of these is asked for while packets before it are judged, a few packets' at once; and where a flow was
/// found is told the table when its packet's turn comes.
///
/// ```
/// packets   0 … 7 | 8 … 15 | 16 … 23 |
///           judged: meanwhile 8 to 15 have their buckets fetched, then their flows, then links, then neighbours
///                   judged: meanwhile 16 to 23 …
/// ```
/// It only makes things faster: what it fetched in vain, or did not find, changes nothing.
struct LookAhead<Key: FlowKey>: ~Copyable {
    /// How many packets are judged together at most. The more, the fewer are the first ones, whose memory is waited for; but all of them must
    /// stay in the first-level cache until they are sent.
    static var capacity: Int { 64 }

    private let sought: UnsafeMutablePointer<SoughtFlow>
    private var count = 0
    /// Up to which of them the flow was fetched, and the links.
    private var (found, linked) = (0, 0)
    /// The flows that are to move, and whose neighbours were not fetched yet.
    private let moving: UnsafeMutablePointer<UInt32>
    private var movingCount = 0
    /// The one whose packet's turn is next.
    private var turn = 0

    init() {
        sought = .allocate(capacity: Self.capacity)
        sought.initialize(repeating: SoughtFlow(packet: 0, hash: 0, lookup: .byKey, index: 0), count: Self.capacity)
        moving = .allocate(capacity: Self.capacity)
        moving.initialize(repeating: 0, count: Self.capacity)
    }

    deinit {
        sought.deallocate()
        moving.deallocate()
    }

    /// Forgets the packets before.
    @inline(__always)
    mutating func begin() { (count, found, linked, movingCount, turn) = (0, 0, 0, 0, 0) }

    /// 1. The bucket of one more packet's flow, of at most ``capacity``. Packets are numbered in their order.
    @inline(__always)
    mutating func seek(_ key: Key, _ lookup: FlowLookup, of packet: Int, in flows: borrowing FlowTable<Key>) {
        sought[count] = SoughtFlow(
            packet: packet, hash: flows.fetchBucket(lookup, key), lookup: lookup, index: FlowTable<Key>.none)
        count &+= 1
    }

    /// 2. The flows of those that were sought.
    @inline(__always)
    mutating func fetchFlows(from flows: borrowing FlowTable<Key>) {
        for place in found..<count {
            sought[place].index = flows.fetchCandidate(sought[place].lookup, sought[place].hash)
        }
        found = count
    }

    /// 3. The links of those that are to move.
    @inline(__always)
    mutating func fetchLinks(from flows: borrowing FlowTable<Key>, now: UInt64) {
        for place in linked..<found {
            let index = sought[place].index
            guard index != FlowTable<Key>.none else { continue }
            // Which state it will be in is not known yet: most stay in theirs.
            guard !flows.keepsPlace(index, state: flows[index].pointee.state, now: now) else { continue }
            flows.fetchLinks(index)
            moving[movingCount] = index
            movingCount &+= 1
        }
        linked = found
    }

    /// 4. The links of their neighbours.
    @inline(__always)
    mutating func fetchNeighbours(from flows: borrowing FlowTable<Key>) {
        for place in 0..<movingCount { flows.fetchNeighbours(moving[place]) }
        movingCount = 0
    }

    /// 5. Tells the table where the flow of the packet is that is judged now.
    @inline(__always)
    mutating func tell(_ flows: inout FlowTable<Key>, of packet: Int) {
        guard turn < count, sought[turn].packet == packet else { return flows.expectNothing() }
        flows.expect(sought[turn].index, sought[turn].lookup)
        turn &+= 1
    }
}

/// A flow that is looked for ahead of time.
struct SoughtFlow {
    var packet: Int
    var hash: UInt64
    var lookup: FlowLookup
    /// Its record, once that is known.
    var index: UInt32
}
