import CLinux

/// Fetches ahead of time what look-ups will need. A table of a million flows lies in no cache: a packet that is judged by itself
/// waits for memory three times, for its bucket, its flow and, where that one is to move, its neighbours by age. For packets judged together
/// each of these is asked for at once, so that they wait for one another's memory and not each for its own.
///
/// It only makes things faster: what it fetched in vain, or did not fetch, changes nothing.
struct LookAhead<Key: FlowKey>: ~Copyable {
    /// How many packets it looks ahead over at most: their flows and neighbours must stay in the first-level cache
    /// until each packet's turn comes.
    static var capacity: Int { 32 }

    private let sought: UnsafeMutablePointer<SoughtFlow<Key>>
    private var count = 0

    init() {
        sought = .allocate(capacity: Self.capacity)
    }

    deinit {
        sought.deallocate()
    }

    /// 1. The bucket of one more flow, of at most ``capacity``.
    @inline(__always)
    mutating func seek(_ key: Key, _ chain: FlowChain, in flows: borrowing FlowTable<Key>) {
        let head = flows.head(chain, key)
        clinux_prefetch(head)
        (sought + count).initialize(to: SoughtFlow(key: key, chain: chain, head: head, index: FlowTable<Key>.none))
        count &+= 1
    }

    /// 2. The first flow of each bucket; 3. of those that are the ones, their neighbours; of the others, the next in the bucket, and
    /// its neighbours. Few buckets have more.
    @inline(__always)
    mutating func finish(in flows: borrowing FlowTable<Key>, now: UInt64) {
        for flow in 0..<count {
            sought[flow].index = sought[flow].head.pointee
            Self.fetch(sought[flow].index, of: flows)
        }
        for flow in 0..<count where sought[flow].index != FlowTable<Key>.none {
            sought[flow].index = Self.goOn(from: sought[flow], in: flows, now: now)
        }
        for flow in 0..<count where sought[flow].index != FlowTable<Key>.none {
            _ = Self.goOn(from: sought[flow], in: flows, now: now)
        }
        count = 0
    }

    /// Fetches the neighbours of a flow that is the one sought, or else the next flow of its bucket, which is returned.
    @inline(__always)
    private static func goOn(
        from sought: SoughtFlow<Key>, in flows: borrowing FlowTable<Key>, now: UInt64
    ) -> UInt32 {
        let flow = flows[sought.index]
        guard (sought.chain == .byKey ? flow.pointee.key : flow.pointee.answerKey) == sought.key else {
            let next = flow.pointee.next[sought.chain.rawValue]
            fetch(next, of: flows)
            return next
        }
        if !flows.keepsPlace(sought.index, state: flow.pointee.state, now: now) {
            fetchAge(flow.pointee.older, of: flows)
            fetchAge(flow.pointee.newer, of: flows)
        }
        return FlowTable<Key>.none
    }

    /// What most packets need of a record is shorter than a line of the cache, and lies in one or two.
    @inline(__always)
    private static func fetch(_ index: UInt32, of flows: borrowing FlowTable<Key>) {
        guard index != FlowTable<Key>.none else { return }
        let record = UnsafeRawPointer(flows[index])
        clinux_prefetch(record)
        clinux_prefetch(record + Flow<Key>.sizeOfItsOwn - 1)
    }

    /// Of a neighbour, only who its own neighbours are is changed: that lies in one line.
    @inline(__always)
    private static func fetchAge(_ index: UInt32, of flows: borrowing FlowTable<Key>) {
        guard index != FlowTable<Key>.none else { return }
        withUnsafeMutablePointer(to: &flows[index].pointee.older) { clinux_prefetch($0) }
    }
}

/// A flow that is looked for ahead of time.
struct SoughtFlow<Key: FlowKey> {
    var key: Key
    var chain: FlowChain
    var head: UnsafeMutablePointer<UInt32>
    /// Where the search has come to, or none once it is over.
    var index: UInt32
}
