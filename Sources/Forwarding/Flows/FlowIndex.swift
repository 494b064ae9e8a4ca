import CLinux

/// Where the records of a table are, by a hash of what is looked for: each bucket is one line of the processor's cache.
///
/// ```
/// hash  7f3a 91c2 …  ─► bucket   [ 91c|4 | – | 07e|1 | 91c|9 | … | – ] overflow 0
///            └── tag of the record's hash ┘   └ number of the record
/// ```
/// There are at most seven records for each bucket of fifteen slots, on average; what finds its bucket full goes to the next one, and each bucket that was
/// passed by counts it (as in Facebook's F14), so that a look-up knows where it may stop and nothing is left behind by a removal.
/// The tag, the bits that the number leaves free, is compared for all slots at once, without a branch on any of them: with a million
/// records one is touched where it is the one, and in vain once in three hundred times; with more of them the tag is shorter.
struct FlowIndex: ~Copyable {
    /// No record: in a slot, or as an answer.
    static var none: UInt32 { UInt32.max }
    /// How many records there are for each bucket at most.
    private static var load: Int { 7 }
    /// A bucket: fifteen slots, and how many records were to go here and found no slot.
    private static var words: Int { 16 }
    private static var overflow: Int { 15 }
    private static var slots: UInt32 { 0x7FFF }

    /// Which bits of a slot are the number of its record; the others are the tag. No number is all of them, so no slot is ``none``.
    private let numbers: UInt32
    private let bucketCount: Int
    private let buckets: UnsafeMutablePointer<UInt32>

    /// The memory it takes for each of so many records.
    static func bytesPerRecord(of capacity: Int) -> Double {
        Double(bucketCount(for: capacity) * words * MemoryLayout<UInt32>.size) / Double(capacity)
    }

    private static func bucketCount(for capacity: Int) -> Int { (capacity + load - 1) / load }

    /// An empty one, for records with numbers below `capacity`, 1 to 2³¹.
    init(capacity: Int) {
        numbers = UInt32.max >> UInt32(capacity.leadingZeroBitCount - (Int.bitWidth - UInt32.bitWidth))
        bucketCount = Self.bucketCount(for: capacity)
        buckets = .allocateTable(capacity: bucketCount * Self.words)
        buckets.initialize(repeating: Self.none, count: bucketCount * Self.words)
        for bucket in 0..<bucketCount { buckets[bucket * Self.words + Self.overflow] = 0 }
    }

    deinit { buckets.deallocate() }

    /// The bucket that a record with this hash belongs to.
    @inline(__always)
    func bucket(of hash: UInt64) -> UnsafeMutablePointer<UInt32> { line(home(of: hash)) }

    /// The first record in that bucket whose tag is this hash's: nearly always the one, if there is one.
    @inline(__always)
    func candidate(for hash: UInt64) -> UInt32 {
        let bucket = bucket(of: hash)
        let hits = clinux_matching_words(bucket, UInt32(truncatingIfNeeded: hash), ~numbers) & Self.slots
        // A slot that is free has all bits of the tag, and then is taken for none.
        let slot = hits == 0 ? Self.none : bucket[hits.trailingZeroBitCount]
        return slot == Self.none ? Self.none : slot & numbers
    }

    /// The record with this hash that is the one sought.
    @inline(__always)
    func find(_ hash: UInt64, isSought: (UInt32) -> Bool) -> UInt32? {
        var place = home(of: hash)
        for _ in 0..<bucketCount {
            let bucket = line(place)
            var hits = clinux_matching_words(bucket, UInt32(truncatingIfNeeded: hash), ~numbers) & Self.slots
            while hits != 0 {
                let slot = bucket[hits.trailingZeroBitCount]
                if slot != Self.none, isSought(slot & numbers) { return slot & numbers }
                hits &= hits &- 1
            }
            if bucket[Self.overflow] == 0 { return nil }
            place = after(place)
        }
        return nil
    }

    /// How often a record that is here passed by a bucket that was full: how far look-ups go beyond the first.
    var passes: Int {
        (0..<bucketCount).reduce(0) { $0 + Int(line($1)[Self.overflow]) }
    }

    /// Remembers where a record is. There is room for each of them once.
    mutating func insert(_ record: UInt32, _ hash: UInt64) {
        var place = home(of: hash)
        for _ in 0..<bucketCount {
            let bucket = line(place)
            let free = clinux_matching_words(bucket, Self.none, UInt32.max) & Self.slots
            guard free == 0 else {
                bucket[free.trailingZeroBitCount] = slot(record, hash)
                return
            }
            bucket[Self.overflow] += 1
            place = after(place)
        }
        preconditionFailure("a flow index has more records than its table")
    }

    /// Forgets where a record with this hash is; whether it was known.
    @discardableResult
    mutating func remove(_ record: UInt32, _ hash: UInt64) -> Bool {
        // 1. Where it is: it may never have been here.
        let first = home(of: hash)
        var (place, passed) = (first, 0)
        var found: UInt32 = 0
        while passed < bucketCount {
            found = clinux_matching_words(line(place), slot(record, hash), UInt32.max) & Self.slots
            if found != 0 || line(place)[Self.overflow] == 0 { break }
            place = after(place)
            passed += 1
        }
        guard found != 0 else { return false }
        line(place)[found.trailingZeroBitCount] = Self.none
        // 2. Those that it passed by have one less elsewhere.
        place = first
        for _ in 0..<passed {
            line(place)[Self.overflow] -= 1
            place = after(place)
        }
        return true
    }

    /// The upper half of a hash picks the bucket, whatever their number, by a multiplication (Lemire, "Fast random integer generation in an
    /// interval", 2019); the lower half has the tag.
    @inline(__always)
    private func home(of hash: UInt64) -> Int { Int(truncatingIfNeeded: ((hash &>> 32) &* UInt64(bucketCount)) &>> 32) }

    @inline(__always)
    private func line(_ place: Int) -> UnsafeMutablePointer<UInt32> { buckets + place &* Self.words }

    @inline(__always)
    private func after(_ place: Int) -> Int { place + 1 == bucketCount ? 0 : place + 1 }

    @inline(__always)
    private func slot(_ record: UInt32, _ hash: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: hash) & ~numbers | record
    }
}
