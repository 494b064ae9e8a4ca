import Fuzzing
import Testing

@testable import Forwarding

@Suite("Flow index")
struct FlowIndexTests {
    /// How hashes come: all over; into one bucket, with tags that differ and with the same; around the end of the table.
    static let spreads: [@Sendable (UInt64) -> UInt64] = [
        { $0 }, { $0 & 0xFFFF_FFFF }, { _ in 0 }, { $0 | 0xFFFF_FF00_0000_0000 }, { _ in .max },
    ]

    @Test(
        "whatever is inserted and removed, each record is found by its hash, and no other",
        arguments: [1, 2, 7, 8, 15, 16, 100, 400], spreads.indices)
    func model(capacity: Int, spread: Int) {
        var index = FlowIndex(capacity: capacity)
        var model: [UInt32: UInt64] = [:]
        var random = SplitMix(seed: UInt64(capacity * 8 + spread))
        for _ in 0..<4000 {
            let record = UInt32.random(in: 0..<UInt32(capacity), using: &random)
            if let hash = model.removeValue(forKey: record) {
                #expect(index.find(hash) { $0 == record } == record)
                let wasKnown = index.remove(record, hash)
                #expect(wasKnown)
                #expect(index.find(hash) { $0 == record } == nil)
            } else {
                let hash = Self.spreads[spread](.random(in: 0 ... .max, using: &random))
                #expect(index.find(hash) { $0 == record } == nil)
                let wasKnown = index.remove(record, hash)
                #expect(!wasKnown)
                index.insert(record, hash)
                model[record] = hash
            }
            // Whoever was not touched is where it was.
            if let (other, hash) = model.randomElement(using: &random) {
                #expect(index.find(hash) { $0 == other } == other)
            }
        }
        for record in 0..<UInt32(capacity) where model[record] == nil {
            let hash = Self.spreads[spread](.random(in: 0 ... .max, using: &random))
            index.insert(record, hash)
            model[record] = hash
        }
        for (record, hash) in model {
            #expect(index.find(hash) { $0 == record } == record)
            #expect(index.remove(record, hash) == true)
        }
        // Nothing is left behind that a look-up would follow.
        #expect(index.passes == 0)
        for (_, hash) in model {
            #expect(index.candidate(for: hash) == FlowIndex.none)
            #expect(index.find(hash) { _ in true } == nil)
        }
    }

    @Test("of a full table nearly every record is the first that its hash leads to, and few others are touched")
    func candidates() {
        let capacity = 1 << 16
        var index = FlowIndex(capacity: capacity)
        var random = SplitMix(seed: 1)
        let hashes = (0..<capacity).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
        for (record, hash) in hashes.enumerated() { index.insert(UInt32(record), hash) }
        #expect(index.passes < capacity / 100, "\(index.passes)")
        let direct = hashes.indices.count { index.candidate(for: hashes[$0]) == UInt32($0) }
        #expect(direct > capacity * 99 / 100, "\(direct) of \(capacity)")
        var touched = 0
        for _ in 0..<capacity {
            _ = index.find(.random(in: 0 ... .max, using: &random)) { _ in
                touched += 1
                return false
            }
        }
        #expect(touched < capacity / 100, "\(touched) touched for \(capacity) that are not there")
    }

    @Test("it takes less than ten bytes for each record of a table of a thousand or more")
    func size() {
        for capacity in [1000, 4096, 1_000_000, 1 << 20, 1 << 31] {
            #expect(FlowIndex.bytesPerRecord(of: capacity) < 10)
        }
    }
}
