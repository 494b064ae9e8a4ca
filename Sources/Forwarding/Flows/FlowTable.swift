import NetworkAddress

/// All flows of one address family, in memory that is allocated once: for IPv4 63 bytes for each flow there may be, a record of 32, its
/// links of 12 and its places in two indexes.
///
/// ```
/// records   [0|1|2|3|…]      which flow, which server, until when
/// by key, by answer          two indexes of them: the client's end with the VIP, and for translated answers with the server's own
/// by state  SYN_RECV:    oldest 7 ⇄ 2 ⇄ 9 newest
///           ESTABLISHED: oldest 1 ⇄ 3 newest          a packet moves its flow to the newest end: O(1)
/// ```
/// All flows in one state have the same timeout, so each of these lists is also in order of deadline: whatever has expired
/// lies at the oldest ends, and so does what is given up first when the table is full. That does what a timer wheel does,
/// without a tick to turn it.
///
/// As in a wheel, the order has a grain: flows whose deadlines differ by less than a 16th of the timeout may lie in any order, so that
/// of a flow's many packets only the first within that time moves it, and touches its neighbours' memory. Deadlines themselves are exact.
struct FlowTable<Key: FlowKey>: ~Copyable {
    /// No flow.
    static var none: UInt32 { FlowIndex.none }

    /// How many flows there is room for.
    let capacity: Int
    /// How many flows there are.
    private(set) var count = 0
    let timeouts: FlowTimeouts

    let flows: UnsafeMutablePointer<Flow<Key>>
    let links: UnsafeMutablePointer<FlowLinks>
    private(set) var byKey: FlowIndex
    private(set) var byAnswer: FlowIndex
    let hash: FlowHash
    private var free: UInt32 = 0
    /// See ``expect(_:_:)``.
    private var expected = Self.none
    private var expectedAnswered = Self.none
    /// The ends of the list of each state. Outside the struct, for a packet must not copy them.
    private let ages: UnsafeMutablePointer<(oldest: UInt32, newest: UInt32)>

    /// The memory one more flow takes at most: its record, its links and a place in each index.
    static var bytesPerFlow: Int {
        let places = 2 * FlowIndex.bytesPerRecord(of: 1 << 20)
        return MemoryLayout<Flow<Key>>.stride + MemoryLayout<FlowLinks>.stride + Int(places.rounded(.up))
    }

    /// An empty table with room for `capacity` flows, 1 to 2³¹.
    init(capacity: Int, seed: UInt64, timeouts: FlowTimeouts = FlowTimeouts()) {
        precondition((1...(1 << 31)).contains(capacity), "a flow table holds 1 to 2^31 flows, not \(capacity)")
        self.capacity = capacity
        self.timeouts = timeouts
        hash = FlowHash(seed: seed)
        byKey = FlowIndex(capacity: capacity)
        byAnswer = FlowIndex(capacity: capacity)
        ages = .allocate(capacity: FlowState.count)
        ages.initialize(repeating: (Self.none, Self.none), count: FlowState.count)
        flows = .allocateTable(capacity: capacity)
        links = .allocateTable(capacity: capacity)
        // All of it is touched now: a flood finds the memory taken already.
        flows.initialize(repeating: Self.unused, count: capacity)
        for index in 0..<capacity {
            let next = index + 1 < capacity ? UInt32(index + 1) : Self.none
            (links + index).initialize(to: FlowLinks(older: UInt32(index), newer: next, template: Self.none))
        }
    }

    deinit {
        flows.deallocate()
        links.deallocate()
        ages.deallocate()
    }

    /// What is in a record without a flow: nothing that a packet could be of.
    private static var unused: Flow<Key> {
        Flow(
            key: Key(client: Key.noAddress, vip: Key.noAddress, clientPort: 0, port: 0, transport: 0), state: .udp,
            server: Self.none, insidePort: 0, inside: Key.noAddress)
    }

    /// Whether there is no room for another flow.
    var isFull: Bool { count == capacity }

    /// The flow at an index that a look-up gave. What its places depend on is changed by the table only: `key`, `inside`,
    /// `insidePort` and `hasAnswers`, and by ``renew(_:state:now:)`` `state` and `deadline`.
    subscript(index: UInt32) -> UnsafeMutablePointer<Flow<Key>> { flows + Int(index) }

    /// The persistence template that a flow was scheduled by.
    func template(of index: UInt32) -> UInt32? {
        let template = links[Int(index)].template
        return template == Self.none ? nil : template
    }

    /// The flow with this key, expired or not.
    @inline(__always)
    func find(_ key: Key) -> UInt32? {
        if expected != Self.none, flows[Int(expected)].key == key { return expected }
        return byKey.find(key.hash(hash)) { flows[Int($0)].key == key }
    }

    /// The flow whose answers have this key, expired or not: the client's end, and the server's own.
    @inline(__always)
    func findAnswered(_ key: Key) -> UInt32? {
        if expectedAnswered != Self.none, isAnswered(by: key, expectedAnswered) { return expectedAnswered }
        return byAnswer.find(key.hash(hash)) { isAnswered(by: key, $0) }
    }

    @inline(__always)
    private func isAnswered(by key: Key, _ index: UInt32) -> Bool {
        flows[Int(index)].hasAnswers && flows[Int(index)].answerKey == key
    }

    /// Has a flow whose client speaks be found by its answers, unless another is.
    ///
    /// One client's packets to two VIPs, from one port, may go to one port of one server, and then their answers cannot be told apart: they
    /// are the newest flow's, which IPVS finds first as well (`ip_vs_conn_hash`, `net/netfilter/ipvs/ip_vs_conn.c`, puts it in front), and once
    /// that one is forgotten, the next one's that is heard of.
    @inline(__always)
    mutating func claimAnswers(of index: UInt32, now: UInt64) {
        guard !flows[Int(index)].hasAnswers else { return }
        if let other = findAnswered(flows[Int(index)].answerKey), flows[Int(other)].deadline > now { return }
        takeAnswers(index)
    }

    private mutating func takeAnswers(_ index: UInt32) {
        let key = flows[Int(index)].answerKey
        let hash = key.hash(hash)
        if let other = byAnswer.find(hash, isSought: { isAnswered(by: key, $0) }) {
            byAnswer.remove(other, hash)
            flows[Int(other)].hasAnswers = false
        }
        byAnswer.insert(index, hash)
        flows[Int(index)].hasAnswers = true
    }

    /// Where the flow of the next packet is believed to be. Who is there is asked all the same: it may be another by then, or nobody.
    @inline(__always)
    mutating func expect(_ index: UInt32, _ lookup: FlowLookup) {
        (expected, expectedAnswered) = lookup == .byKey ? (index, Self.none) : (Self.none, index)
    }

    @inline(__always)
    mutating func expectNothing() { (expected, expectedAnswered) = (Self.none, Self.none) }

    /// Remembers a flow that is not yet in the table, which must not be full. `isTranslated`: whether ``findAnswered(_:)`` is
    /// to find it, in place of any other with the same answers: see ``claimAnswers(of:now:)``.
    mutating func add(_ flow: Flow<Key>, template: UInt32? = nil, isTranslated: Bool, now: UInt64) -> UInt32 {
        let index = free
        precondition(index != Self.none, "no room was made for a flow")
        free = links[Int(index)].newer
        flows[Int(index)] = flow
        flows[Int(index)].deadline = now &+ timeouts.of(flow.state)
        links[Int(index)].template = template ?? Self.none
        byKey.insert(index, flow.key.hash(hash))
        flows[Int(index)].hasAnswers = false
        if isTranslated { takeAnswers(index) }
        appendNewest(index)
        count += 1
        return index
    }

    /// Remembers a flow that has been remembered before, until then and not for its state's whole timeout. Those of one state come
    /// in the order of their deadlines.
    mutating func resume(_ flow: Flow<Key>, template: UInt32?, isTranslated: Bool, deadline: UInt64) {
        let index = add(flow, template: template, isTranslated: isTranslated, now: 0)
        flows[Int(index)].deadline = deadline
    }

    /// Hands over every flow, those of one state one after the other, the oldest first.
    func forEachByAge(_ take: (UInt32) -> Void) {
        for list in 0..<FlowState.count {
            var index = ages[list].oldest
            while index != Self.none {
                take(index)
                index = links[Int(index)].newer
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

    /// To how many milliseconds flows with a timeout are in order, as a binary logarithm: more than a 32nd of it, no more than a 16th.
    @inline(__always)
    static func grain(of timeout: UInt64) -> Int { max(0, 59 - timeout.leadingZeroBitCount) }

    /// Forgets a flow.
    mutating func remove(_ index: UInt32) {
        unlinkAge(index)
        byKey.remove(index, flows[Int(index)].key.hash(hash))
        if flows[Int(index)].hasAnswers { byAnswer.remove(index, flows[Int(index)].answerKey.hash(hash)) }
        flows[Int(index)] = Self.unused
        links[Int(index)] = FlowLinks(older: index, newer: free, template: Self.none)
        free = index
        count -= 1
    }

    /// Whether there is a flow in this record, one of ``capacity``.
    func isTaken(_ index: UInt32) -> Bool { links[Int(index)].older != index }

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

    @inline(__always)
    private mutating func appendNewest(_ index: UInt32) {
        let list = flows[Int(index)].state.list
        let last = ages[list].newest
        links[Int(index)].older = last
        links[Int(index)].newer = Self.none
        if last == Self.none { ages[list].oldest = index } else { links[Int(last)].newer = index }
        ages[list].newest = index
    }

    @inline(__always)
    private mutating func unlinkAge(_ index: UInt32) {
        let (older, newer) = (links[Int(index)].older, links[Int(index)].newer)
        let list = flows[Int(index)].state.list
        if older == Self.none { ages[list].oldest = newer } else { links[Int(older)].newer = newer }
        if newer == Self.none { ages[list].newest = older } else { links[Int(newer)].older = older }
    }
}
