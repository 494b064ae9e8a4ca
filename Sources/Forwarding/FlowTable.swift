/// A flow: which server a client's connection was given to, and how long that is remembered.
struct Flow {
    /// When it is forgotten, in ``Ticks`` milliseconds.
    var deadline: UInt64
    var key: FlowKey
    /// A slot of the ``ServerTable``.
    var server: UInt32
    /// The next flow in the same bucket, or the next free one.
    var next: UInt32
    /// Its neighbours among the flows in the same state, by age.
    var older: UInt32
    var newer: UInt32
    var state: TCPState
}

/// All flows, in memory that is allocated once: a record of 40 bytes for each flow there may be, and 4 to 8 bytes of buckets,
/// 4 where the capacity is a power of two.
///
/// ```
/// buckets   [·|3|·|1|…]      a keyed hash of the flow's key picks one; its flows are chained by `next`
/// by state  SYN_RECV:    oldest 7 ⇄ 2 ⇄ 9 newest
///           ESTABLISHED: oldest 1 ⇄ 3 newest          a packet moves its flow to the newest end: O(1)
/// ```
/// All flows in one state have the same timeout, so each of these lists is also in order of deadline: whatever has expired
/// lies at the oldest ends, and so does what is given up first when the table is full. No timer wheel, no sweep.
struct FlowTable: ~Copyable {
    /// No flow.
    static let none = UInt32.max

    /// How many flows there is room for.
    let capacity: Int
    /// How many flows there are.
    private(set) var count = 0

    private let flows: UnsafeMutablePointer<Flow>
    private let buckets: UnsafeMutablePointer<UInt32>
    private let bucketCount: Int
    private let hash: FlowHash
    private var free: UInt32 = 0
    /// The ends of the list of each state, by its raw value. Outside the struct, for a packet must not copy them.
    private let ages: UnsafeMutablePointer<(oldest: UInt32, newest: UInt32)>

    /// The memory one more flow takes at most: its record, and at most two buckets, for their number is a power of two.
    static var bytesPerFlow: Int { MemoryLayout<Flow>.stride + 2 * MemoryLayout<UInt32>.stride }

    /// An empty table with room for `capacity` flows, 1 to 2³¹.
    init(capacity: Int, seed: UInt64) {
        precondition((1...(1 << 31)).contains(capacity), "a flow table holds 1 to 2^31 flows, not \(capacity)")
        self.capacity = capacity
        hash = FlowHash(seed: seed)
        bucketCount = capacity == 1 ? 1 : 1 << (Int.bitWidth - (capacity - 1).leadingZeroBitCount)
        buckets = .allocate(capacity: bucketCount)
        buckets.initialize(repeating: Self.none, count: bucketCount)
        ages = .allocate(capacity: TCPState.count)
        ages.initialize(repeating: (Self.none, Self.none), count: TCPState.count)
        flows = .allocate(capacity: capacity)
        for index in 0..<capacity {
            let next = index + 1 < capacity ? UInt32(index + 1) : Self.none
            (flows + index).initialize(
                to: Flow(
                    deadline: 0, key: FlowKey(client: 0, vip: 0, clientPort: 0, port: 0), server: 0, next: next,
                    older: Self.none, newer: Self.none, state: .none))
        }
    }

    deinit {
        flows.deallocate()
        buckets.deallocate()
        ages.deallocate()
    }

    /// Whether there is no room for another flow.
    var isFull: Bool { count == capacity }

    /// The flow at an index that ``find(_:)``, ``add(_:server:state:now:)``, ``oldest(in:)`` or ``expired(now:)`` gave.
    subscript(index: UInt32) -> Flow { flows[Int(index)] }

    /// The flow with this key, expired or not.
    func find(_ key: FlowKey) -> UInt32? {
        var index = buckets[bucket(of: key)]
        while index != Self.none {
            if flows[Int(index)].key == key { return index }
            index = flows[Int(index)].next
        }
        return nil
    }

    /// Remembers a flow that is not yet in the table, which must not be full.
    mutating func add(_ key: FlowKey, server: UInt32, state: TCPState, now: UInt64) {
        let index = free
        precondition(index != Self.none, "no room was made for a flow")
        let bucket = bucket(of: key)
        free = flows[Int(index)].next
        flows[Int(index)] = Flow(
            deadline: now &+ state.timeout, key: key, server: server, next: buckets[bucket], older: Self.none,
            newer: Self.none, state: state)
        buckets[bucket] = index
        appendNewest(index)
        count += 1
    }

    /// Notes a packet of a flow: its state, and with it its timeout, from now on.
    mutating func renew(_ index: UInt32, state: TCPState, now: UInt64) {
        unlinkAge(index)
        flows[Int(index)].state = state
        flows[Int(index)].deadline = now &+ state.timeout
        appendNewest(index)
    }

    /// Forgets a flow.
    mutating func remove(_ index: UInt32) {
        unlinkAge(index)
        let bucket = bucket(of: flows[Int(index)].key)
        if buckets[bucket] == index {
            buckets[bucket] = flows[Int(index)].next
        } else {
            var previous = buckets[bucket]
            while flows[Int(previous)].next != index { previous = flows[Int(previous)].next }
            flows[Int(previous)].next = flows[Int(index)].next
        }
        flows[Int(index)].next = free
        free = index
        count -= 1
    }

    /// The flow in this state whose last packet is longest ago.
    func oldest(in state: TCPState) -> UInt32? {
        let index = ages[Int(state.rawValue)].oldest
        return index == Self.none ? nil : index
    }

    /// A flow whose deadline has come, or nil where there is none.
    func expired(now: UInt64) -> UInt32? {
        for state in 0..<TCPState.count {
            let index = ages[state].oldest
            if index != Self.none, flows[Int(index)].deadline <= now { return index }
        }
        return nil
    }

    private func bucket(of key: FlowKey) -> Int {
        Int(truncatingIfNeeded: hash(key)) & (bucketCount - 1)
    }

    private mutating func appendNewest(_ index: UInt32) {
        let state = Int(flows[Int(index)].state.rawValue)
        let last = ages[state].newest
        flows[Int(index)].older = last
        flows[Int(index)].newer = Self.none
        if last == Self.none { ages[state].oldest = index } else { flows[Int(last)].newer = index }
        ages[state].newest = index
    }

    private mutating func unlinkAge(_ index: UInt32) {
        let (older, newer) = (flows[Int(index)].older, flows[Int(index)].newer)
        let state = Int(flows[Int(index)].state.rawValue)
        if older == Self.none { ages[state].oldest = newer } else { flows[Int(older)].newer = newer }
        if newer == Self.none { ages[state].newest = older } else { flows[Int(newer)].older = older }
    }
}
