import Fuzzing
import Testing

@testable import Forwarding

@Suite("By load and weight: lc wlc sed nq fo ovf twos")
struct LoadSchedulerTests {
    @Test(
        "who gets the connections when none ends, worked out by hand",
        arguments: [
            (SchedulerKind.lc, [1, 2, 3], "ABCABC"),
            (.lc, [0, 9, 1], "BCBC"),
            (.wlc, [1, 2, 3], "ABCCBCA"),
            (.sed, [1, 2, 3], "CBCABC"),
            (.nq, [1, 2, 3], "ABCCBCC"),
            (.nq, [1, 0, 3], "ACCCCCA"),
            (.fo, [2, 5, 5], "BBBB"),
            (.ovf, [2, 1], "AAABB-"),
            (.ovf, [1, 0, 1], "AACC-"),
        ])
    func growing(kind: SchedulerKind, weights: [Int], expected: String) {
        var farm = Farm(kind, weights)
        #expect(farm.picks(expected.count, connecting: true) == expected)
    }

    @Test(
        "an active connection weighs as much as 256 inactive ones, and of equals the first is taken",
        arguments: [
            (SchedulerKind.lc, [1, 1, 1], [1, 0, 0], [0, 300, 255], "C"),
            (.lc, [1, 9], [1, 0], [0, 256], "A"),
            (.lc, [1, 9], [1, 0], [1, 256], "B"),
            (.wlc, [1, 3, 2], [1, 3, 2], [0, 0, 0], "A"),
            (.wlc, [1, 3, 2], [1, 3, 2], [0, 0, -1], "C"),
            (.wlc, [65_535, 65_535], [1 << 31, 1 << 31], [1, 0], "B"),
            (.sed, [1, 2], [0, 1], [999, 0], "A"),
            (.sed, [2, 1], [2, 0], [0, 999], "B"),
            (.nq, [1, 9, 9], [1, 0, 0], [0, 999, 0], "B"),
        ])
    func weighing(kind: SchedulerKind, weights: [Int], active: [Int], inactive: [Int], expected: String) {
        var farm = Farm(kind, weights, active: active, inactive: inactive)
        #expect(farm.picks(1) == expected)
    }

    @Test("whatever the loads and weights, the pick is the one that the rule names", arguments: 0..<300)
    func rules(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let range = 0..<Int.random(in: 1...7, using: &random)
        let weights = range.map { _ in Int.random(in: 0...6, using: &random) }
        let active = range.map { _ in Int.random(in: 0...5, using: &random) }
        let inactive = range.map { _ in Int.random(in: 0...2, using: &random) * 256 }
        let overloaded = Set(range.filter { _ in Int.random(in: 0...3, using: &random) == 0 })
        let serving = range.filter { weights[$0] > 0 && !overloaded.contains($0) }
        // 60 is a multiple of every weight: shares are whole numbers.
        let overhead = { (index: Int) in active[index] * 256 + inactive[index] }
        func least(_ candidates: [Int], _ cost: (Int) -> Int) -> Int? {
            candidates.first { candidate in candidates.allSatisfy { cost(candidate) <= cost($0) } }
        }
        let expected: [(SchedulerKind, Int?)] = [
            (.lc, least(serving, overhead)),
            (.wlc, least(serving) { overhead($0) * 60 / weights[$0] }),
            (.sed, least(serving) { (active[$0] + 1) * 60 / weights[$0] }),
            (.nq, serving.first { active[$0] == 0 } ?? least(serving) { (active[$0] + 1) * 60 / weights[$0] }),
            (.fo, least(serving) { -weights[$0] }),
            (.ovf, least(serving.filter { active[$0] <= weights[$0] }) { -weights[$0] }),
        ]
        for (kind, index) in expected {
            var farm = Farm(kind, weights, active: active, inactive: inactive, overloaded: overloaded)
            #expect(farm.next() == index, "\(kind): \(weights), \(active) and \(inactive), not \(overloaded)")
        }
    }

    @Test("twos takes the less loaded of two that are drawn by weight", arguments: 0..<50)
    func twoChoices(seed: Int) {
        let weights = [3, 0, 1, 2]
        let active = [4, 0, 1, seed % 4]
        // As the kernel draws: 0 and the sum of the weights both count, 0 for the first.
        let row = [0, 0, 0, 0, 2, 3, 3]
        var random = SplitMix(seed: UInt64(seed))
        var farm = Farm(.twos, weights, active: active, seed: UInt64(seed))
        for _ in 0..<20 {
            let first = row[Int(random.next() % 7)]
            let second = row[Int(random.next() % 7)]
            let load = { (index: Int) in Double(active[index]) / Double(weights[index]) }
            #expect(farm.next() == (load(second) < load(first) ? second : first))
        }
    }

    @Test("over many draws twos gives idle servers shares by their weight, and a loaded one next to nothing")
    func twoChoicesShares() {
        var farm = Farm(.twos, [30, 60, 10])
        let picks = farm.picks(10_000)
        for (letter, share) in zip("ABC", [0.31, 0.59, 0.1]) {
            #expect(abs(Double(picks.count { $0 == letter }) / 10_000 - share) < 0.03)
        }
        farm = Farm(.twos, [30, 60, 10], active: [0, 100, 0])
        #expect(farm.picks(10_000).count { $0 == "B" } < 4_000, "only where both draws are B: 0.6² of the time")
    }

    @Test("no scheduler picks a server of weight 0 or over its threshold", arguments: SchedulerKind.allCases)
    func refused(kind: SchedulerKind) {
        for farm in [0, 1] {
            var farm =
                farm == 0
                ? Farm(kind, [0, 1, 1], active: [0, 1, 1], options: .init(hashesPort: true))
                : Farm(kind, [9, 1, 1], active: [0, 1, 1], overloaded: [0], options: .init(hashesPort: true))
            let picks = farm.picks(300)
            #expect(!picks.contains("A"))
            #expect(kind == .dh || picks.contains("B") || picks.contains("C"))
        }
    }

    @Test("where nobody may get a connection, nobody does", arguments: SchedulerKind.allCases)
    func nobody(kind: SchedulerKind) {
        for fallsBack in [false, true] {
            let options = SchedulerOptions(fallsBack: fallsBack)
            var farm = Farm(kind, [], options: options)
            #expect(farm.picks(2) == "--")
            farm = Farm(kind, [0, 0], options: options)
            #expect(farm.picks(2) == "--")
            farm = Farm(kind, [1, 5], overloaded: [0, 1], options: options)
            #expect(farm.picks(2) == "--")
            farm.change(to: [0, 0])
            #expect(farm.picks(2) == "--")
            farm.change(to: [] as [Member])
            #expect(farm.picks(2) == "--")
        }
    }

    @Test("a weight is never less than 0 nor more than 65,535")
    func bounds() {
        #expect([-5, 0, 7, 65_535, .max].map { Farm.member(0, weight: $0).weight } == [0, 0, 7, 65_535, 65_535])
    }
}
