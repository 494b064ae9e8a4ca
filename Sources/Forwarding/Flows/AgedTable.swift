/// A key of an ``AgedTable``.
protocol AgedKey: Equatable {
    /// Its hash, different for each seed.
    func hash(_ hash: FlowHash) -> UInt64
}

/// A small table in memory that is allocated once, whose entries are also in order of their last use: what is needed beside
/// the flows themselves.
struct AgedTable<Key: AgedKey, Value>: ~Copyable {
    /// No entry.
    static var none: UInt32 { UInt32.max }

    private struct Entry {
        var key: Key
        var value: Value
        var next: UInt32
        /// A free entry is its own elder.
        var older: UInt32
        var newer: UInt32
    }

    let capacity: Int
    private(set) var count = 0
    private let entries: UnsafeMutablePointer<Entry>
    private let buckets: UnsafeMutablePointer<UInt32>
    private let bucketCount: Int
    private let hash: FlowHash
    private var free: UInt32 = 0
    private var oldest = Self.none
    private var newest = Self.none

    /// An empty table. `key` and `value` fill the free entries and mean nothing.
    init(capacity: Int, seed: UInt64, filler key: Key, _ value: Value) {
        precondition(capacity > 0 && capacity < Int(UInt32.max), "a table holds 1 to 2^32 − 2 entries, not \(capacity)")
        self.capacity = capacity
        hash = FlowHash(seed: seed)
        bucketCount = 1 << (Int.bitWidth - 1 - capacity.leadingZeroBitCount)
        buckets = .allocate(capacity: bucketCount)
        buckets.initialize(repeating: Self.none, count: bucketCount)
        entries = .allocate(capacity: capacity)
        for index in 0..<capacity {
            let next = index + 1 < capacity ? UInt32(index + 1) : Self.none
            (entries + index).initialize(
                to: Entry(key: key, value: value, next: next, older: UInt32(index), newer: Self.none))
        }
    }

    deinit {
        entries.deallocate()
        buckets.deallocate()
    }

    var isFull: Bool { count == capacity }

    /// The entry with this key.
    @inline(__always)
    func find(_ key: Key) -> UInt32? {
        var index = head(key).pointee
        while index != Self.none {
            if entries[Int(index)].key == key { return index }
            index = entries[Int(index)].next
        }
        return nil
    }

    /// The value at an index that ``find(_:)`` or ``add(_:_:)`` gave.
    subscript(index: UInt32) -> Value {
        @inline(__always) get { entries[Int(index)].value }
        @inline(__always) nonmutating set { entries[Int(index)].value = newValue }
    }

    /// The key at an index.
    func key(_ index: UInt32) -> Key { entries[Int(index)].key }

    /// Adds an entry that is not there yet; the table must not be full.
    mutating func add(_ key: Key, _ value: Value) -> UInt32 {
        let index = free
        precondition(index != Self.none, "no room was made for an entry")
        free = entries[Int(index)].next
        let head = head(key)
        entries[Int(index)] = Entry(key: key, value: value, next: head.pointee, older: Self.none, newer: Self.none)
        head.pointee = index
        appendNewest(index)
        count += 1
        return index
    }

    /// Notes that an entry was used.
    @inline(__always)
    mutating func touch(_ index: UInt32) {
        guard newest != index else { return }
        unlinkAge(index)
        appendNewest(index)
    }

    /// Forgets an entry.
    mutating func remove(_ index: UInt32) {
        unlinkAge(index)
        let head = head(entries[Int(index)].key)
        if head.pointee == index {
            head.pointee = entries[Int(index)].next
        } else {
            var previous = head.pointee
            while entries[Int(previous)].next != index { previous = entries[Int(previous)].next }
            entries[Int(previous)].next = entries[Int(index)].next
        }
        entries[Int(index)].next = free
        entries[Int(index)].older = index
        free = index
        count -= 1
    }

    /// Whether there is an entry at this index, one of ``capacity``.
    func isTaken(_ index: UInt32) -> Bool { entries[Int(index)].older != index }

    /// The entry that was used longest ago, or nil where there is none.
    var leastRecentlyUsed: UInt32? { oldest == Self.none ? nil : oldest }

    /// The entry that was used next after this one, or nil.
    func nextYounger(_ index: UInt32) -> UInt32? {
        let younger = entries[Int(index)].newer
        return younger == Self.none ? nil : younger
    }

    @inline(__always)
    private func head(_ key: Key) -> UnsafeMutablePointer<UInt32> {
        buckets + (Int(truncatingIfNeeded: key.hash(hash)) & (bucketCount - 1))
    }

    @inline(__always)
    private mutating func appendNewest(_ index: UInt32) {
        entries[Int(index)].older = newest
        entries[Int(index)].newer = Self.none
        if newest == Self.none { oldest = index } else { entries[Int(newest)].newer = index }
        newest = index
    }

    @inline(__always)
    private mutating func unlinkAge(_ index: UInt32) {
        let (older, newer) = (entries[Int(index)].older, entries[Int(index)].newer)
        if older == Self.none { oldest = newer } else { entries[Int(older)].newer = newer }
        if newer == Self.none { newest = older } else { entries[Int(newer)].older = older }
    }
}
