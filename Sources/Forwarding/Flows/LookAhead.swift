/// Fetches ahead of time what look-ups will need. A table of a million flows lies in no cache: a packet that is judged by itself
/// waits for memory one time after the other, for its bucket, its flow and, where that one is to move, its links and its neighbours' by age.
/// For packets judged together each of these is asked for at once, so that they wait for one another's memory and not each for its own.
///
/// It only makes things faster: what it fetched in vain, or did not fetch, changes nothing.
struct LookAhead<Key: FlowKey>: ~Copyable {
    /// How many packets it looks ahead over at most: their flows and neighbours must stay in the first-level cache
    /// until each packet's turn comes.
    static var capacity: Int { 32 }

    private let sought: UnsafeMutablePointer<SoughtFlow>
    private var count = 0

    init() {
        sought = .allocate(capacity: Self.capacity)
        sought.initialize(repeating: SoughtFlow(hash: 0, chain: .byKey, index: 0), count: Self.capacity)
    }

    deinit {
        sought.deallocate()
    }

    /// 1. The bucket of one more flow, of at most ``capacity``.
    @inline(__always)
    mutating func seek(_ key: Key, _ chain: FlowChain, in flows: borrowing FlowTable<Key>) {
        sought[count] = SoughtFlow(hash: flows.fetchBucket(chain, key), chain: chain, index: FlowTable<Key>.none)
        count &+= 1
    }

    /// 2. The flows; 3. of those that are to move, their links; 4. and their neighbours'.
    @inline(__always)
    mutating func finish(in flows: borrowing FlowTable<Key>, now: UInt64) {
        guard count > 0 else { return }
        for place in 0..<count {
            sought[place].index = flows.fetchCandidate(sought[place].chain, sought[place].hash)
        }
        var moving = 0
        for place in 0..<count {
            let index = sought[place].index
            guard index != FlowTable<Key>.none else { continue }
            // Which state it will be in is not known yet: most stay in theirs.
            guard !flows.keepsPlace(index, state: flows[index].pointee.state, now: now) else { continue }
            flows.fetchLinks(index)
            sought[moving].index = index
            moving &+= 1
        }
        for place in 0..<moving { flows.fetchNeighbours(sought[place].index) }
        count = 0
    }
}

/// A flow that is looked for ahead of time.
struct SoughtFlow {
    var hash: UInt64
    var chain: FlowChain
    /// Its record, once that is known.
    var index: UInt32
}
