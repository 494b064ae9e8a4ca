import NetworkAddress

/// All flows of one address family, in memory that is allocated once: for IPv4 64 bytes for each flow there may be where the
/// capacity is a power of two, a record of 56 and two buckets of 4; for any other capacity less.
///
/// ```
/// by key    [·|3|·|1|…]      a keyed hash of the flow's key picks a bucket; its flows are chained by `next`
/// by answer [·|·|1|3|…]      the same by the server's end, for the flows whose answers are translated
/// by state  SYN_RECV:    oldest 7 ⇄ 2 ⇄ 9 newest
///           ESTABLISHED: oldest 1 ⇄ 3 newest          a packet moves its flow to the newest end: O(1)
/// ```
/// All flows in one state have the same timeout, so each of these lists is also in order of deadline: whatever has expired
/// lies at the oldest ends, and so does what is given up first when the table is full. That does what a timer wheel does,
/// without a tick to turn it.
///
/// As in a wheel, the order has a grain: flows whose deadlines differ by less than a 64th of the timeout may lie in any order, so that
/// of a flow's many packets only the first within that time moves it, and touches its neighbours' memory. Deadlines themselves are exact.
struct FlowTable<Key: FlowKey>: ~Copyable {
    /// No flow.
    static var none: UInt32 { UInt32.max }

    /// How many flows there is room for.
    let capacity: Int
    /// How many flows there are.
    private(set) var count = 0
    let timeouts: FlowTimeouts

    private let flows: UnsafeMutablePointer<Flow<Key>>
    /// The heads of both chains, one after the other.
    private let buckets: UnsafeMutablePointer<UInt32>
    private let bucketCount: Int
    private let hash: FlowHash
    private var free: UInt32 = 0
    /// The ends of the list of each state. Outside the struct, for a packet must not copy them.
    private let ages: UnsafeMutablePointer<(oldest: UInt32, newest: UInt32)>

    /// The memory one more flow takes at most: its record and a bucket of each kind, of which there are never more than flows.
    static var bytesPerFlow: Int { MemoryLayout<Flow<Key>>.stride + 2 * MemoryLayout<UInt32>.stride }

    /// An empty table with room for `capacity` flows, 1 to 2³¹.
    init(capacity: Int, seed: UInt64, timeouts: FlowTimeouts = FlowTimeouts()) {
        precondition((1...(1 << 31)).contains(capacity), "a flow table holds 1 to 2^31 flows, not \(capacity)")
        self.capacity = capacity
        self.timeouts = timeouts
        hash = FlowHash(seed: seed)
        // The greatest power of two that is not above the capacity: one to two flows in a bucket when the table is full.
        bucketCount = 1 << (Int.bitWidth - 1 - capacity.leadingZeroBitCount)
        buckets = .allocateTable(capacity: 2 * bucketCount)
        buckets.initialize(repeating: Self.none, count: 2 * bucketCount)
        ages = .allocate(capacity: FlowState.count)
        ages.initialize(repeating: (Self.none, Self.none), count: FlowState.count)
        flows = .allocateTable(capacity: capacity)
        // All of it is touched now: a flood finds the memory taken already.
        for index in 0..<capacity {
            var unused = Flow<Key>(
                key: Key(
                    client: Key.noAddress, vip: Key.noAddress, clientPort: 0, port: 0, transport: 0), state: .udp,
                server: Self.none, insidePort: 0, inside: Key.noAddress)
            unused.next[0] = index + 1 < capacity ? UInt32(index + 1) : Self.none
            unused.older = UInt32(index)
            (flows + index).initialize(to: unused)
        }
    }

    deinit {
        flows.deallocate()
        buckets.deallocate()
        ages.deallocate()
    }

    /// Whether there is no room for another flow.
    var isFull: Bool { count == capacity }

    /// The flow at an index that a look-up gave. What its place depends on (`key`, `state`, `deadline`, `inside`) is changed
    /// by ``renew(_:state:now:)`` only.
    subscript(index: UInt32) -> UnsafeMutablePointer<Flow<Key>> { flows + Int(index) }

    /// The flow with this key, expired or not.
    @inline(__always)
    func find(_ key: Key) -> UInt32? {
        var index = head(.byKey, key).pointee
        while index != Self.none {
            if flows[Int(index)].key == key { return index }
            index = flows[Int(index)].next[0]
        }
        return nil
    }

    /// The flow whose answers have this key, expired or not: the client's end, and the server's own.
    @inline(__always)
    func findAnswered(_ key: Key) -> UInt32? {
        var index = head(.byAnswer, key).pointee
        while index != Self.none {
            if flows[Int(index)].answerKey == key { return index }
            index = flows[Int(index)].next[1]
        }
        return nil
    }

    /// Remembers a flow that is not yet in the table, which must not be full. `isTranslated`: whether ``findAnswered(_:)`` is
    /// to find it.
    mutating func add(_ flow: Flow<Key>, isTranslated: Bool, now: UInt64) -> UInt32 {
        let index = free
        precondition(index != Self.none, "no room was made for a flow")
        free = flows[Int(index)].next[0]
        flows[Int(index)] = flow
        flows[Int(index)].deadline = now &+ timeouts.of(flow.state)
        link(index, .byKey, flow.key)
        if isTranslated { link(index, .byAnswer, flow.answerKey) }
        appendNewest(index)
        count += 1
        return index
    }

    /// Remembers a flow that has been remembered before, until then and not for its state's whole timeout. Those of one state come
    /// in the order of their deadlines.
    mutating func resume(_ flow: Flow<Key>, isTranslated: Bool, deadline: UInt64) {
        let index = add(flow, isTranslated: isTranslated, now: 0)
        flows[Int(index)].deadline = deadline
    }

    /// Hands over every flow, those of one state one after the other, the oldest first.
    func forEachByAge(_ take: (UInt32) -> Void) {
        for list in 0..<FlowState.count {
            var index = ages[list].oldest
            while index != Self.none {
                take(index)
                index = flows[Int(index)].newer
            }
        }
    }

    /// Notes a packet of a flow: its state, and with it its timeout, from now on.
    @inline(__always)
    mutating func renew(_ index: UInt32, state: FlowState, now: UInt64) {
        let keepsPlace = keepsPlace(index, state: state, now: now)
        if !keepsPlace { unlinkAge(index) }
        flows[Int(index)].state = state
        flows[Int(index)].deadline = now &+ timeouts.of(state)
        if !keepsPlace { appendNewest(index) }
    }

    /// Whether a flow that is renewed stays where it is among those of its state, for its deadline is in the same grain of time.
    @inline(__always)
    func keepsPlace(_ index: UInt32, state: FlowState, now: UInt64) -> Bool {
        let timeout = timeouts.of(state)
        let deadline = flows[Int(index)].deadline
        return flows[Int(index)].state == state && (deadline ^ (now &+ timeout)) >> Self.grain(of: timeout) == 0
    }

    /// To how many milliseconds flows with a timeout are in order, as a binary logarithm: more than a 128th of it, no more than a 64th.
    @inline(__always)
    static func grain(of timeout: UInt64) -> Int { max(0, 57 - timeout.leadingZeroBitCount) }

    /// Forgets a flow.
    mutating func remove(_ index: UInt32) {
        unlinkAge(index)
        unlink(index, .byKey, flows[Int(index)].key)
        unlink(index, .byAnswer, flows[Int(index)].answerKey)
        flows[Int(index)].next[0] = free
        flows[Int(index)].older = index
        free = index
        count -= 1
    }

    /// Whether there is a flow in this record, one of ``capacity``.
    func isTaken(_ index: UInt32) -> Bool { flows[Int(index)].older != index }

    /// The flow in this state whose last packet is longest ago, to the grain.
    func oldest(in state: FlowState) -> UInt32? {
        let index = ages[state.list].oldest
        return index == Self.none ? nil : index
    }

    /// A flow whose deadline has come, or nil where there is none but such as expired within the last grain.
    func expired(now: UInt64) -> UInt32? {
        for list in 0..<FlowState.count {
            let index = ages[list].oldest
            if index != Self.none, flows[Int(index)].deadline <= now { return index }
        }
        return nil
    }

    /// Where the first flow in this key's bucket is named.
    @inline(__always)
    func head(_ chain: FlowChain, _ key: Key) -> UnsafeMutablePointer<UInt32> {
        buckets + (chain.rawValue * bucketCount + Int(truncatingIfNeeded: key.hash(hash)) & (bucketCount - 1))
    }

    private func link(_ index: UInt32, _ chain: FlowChain, _ key: Key) {
        let head = head(chain, key)
        flows[Int(index)].next[chain.rawValue] = head.pointee
        head.pointee = index
    }

    /// Takes a flow out of a chain; one that is not translated is in none of answers.
    private func unlink(_ index: UInt32, _ chain: FlowChain, _ key: Key) {
        let head = head(chain, key)
        let after = flows[Int(index)].next[chain.rawValue]
        flows[Int(index)].next[chain.rawValue] = Self.none
        guard head.pointee != index else {
            head.pointee = after
            return
        }
        var previous = head.pointee
        while previous != Self.none {
            let next = flows[Int(previous)].next[chain.rawValue]
            if next == index {
                flows[Int(previous)].next[chain.rawValue] = after
                return
            }
            previous = next
        }
    }

    @inline(__always)
    private mutating func appendNewest(_ index: UInt32) {
        let list = flows[Int(index)].state.list
        let last = ages[list].newest
        flows[Int(index)].older = last
        flows[Int(index)].newer = Self.none
        if last == Self.none { ages[list].oldest = index } else { flows[Int(last)].newer = index }
        ages[list].newest = index
    }

    @inline(__always)
    private mutating func unlinkAge(_ index: UInt32) {
        let (older, newer) = (flows[Int(index)].older, flows[Int(index)].newer)
        let list = flows[Int(index)].state.list
        if older == Self.none { ages[list].oldest = newer } else { flows[Int(older)].newer = newer }
        if newer == Self.none { ages[list].newest = older } else { flows[Int(newer)].older = older }
    }
}
