import Fuzzing
import Testing

@testable import Forwarding

@Suite("Taking turns: rr and wrr")
struct RotationTests {
    static func members(_ weights: [Int]) -> [Member] {
        Farm(.wrr, weights).members
    }

    /// The next `count` picks of wrr as letters, `-` for none.
    static func picks(_ rotation: inout Rotation, _ weights: [Int], _ count: Int) -> String {
        let farm = Farm(.wrr, weights)
        return farm.members.withUnsafeBufferPointer { members in
            (0..<count).map { _ in Farm.letter(rotation.nextByWeight(among: members, farm.servers)) }.joined()
        }
    }

    static func picks(_ scheduler: SchedulerKind, _ weights: [Int], _ count: Int) -> String {
        var farm = Farm(scheduler, weights)
        return farm.picks(count)
    }

    @Test(
        "wrr takes turns as IPVS does",
        arguments: [
            ([4, 3, 2], "AABABCABCAABABCABC"),
            ([2, 3, 4], "CBCABCABCCBCABCABC"),
            ([6, 4, 2], "AABABCAABABC"),
            ([1, 1, 1], "ABCABC"),
            ([5, 0, 5], "ACACAC"),
            ([0, 0, 7], "CCC"),
            ([7], "AAA"),
            ([3, 1], "AAABAAAB"),
            ([0, 0], "--"),
            ([], "-"),
        ])
    func weighted(weights: [Int], expected: String) {
        #expect(Self.picks(.wrr, weights, expected.count) == expected)
    }

    @Test(
        "rr takes turns whatever the weight, but never with weight 0",
        arguments: [
            ([4, 3, 2], "ABCABC"), ([0, 1, 9], "BCBC"), ([1, 0, 0], "AAA"), ([0, 0], "--"), ([], "-"),
        ])
    func inOrder(weights: [Int], expected: String) {
        #expect(Self.picks(.rr, weights, expected.count) == expected)
    }

    @Test("over a whole round of wrr each server is picked exactly as often as its weight says")
    func shares() {
        var random = SplitMix(seed: 7)
        for _ in 0..<200 {
            let weights = (0..<Int.random(in: 1...8, using: &random)).map { _ in Int.random(in: 0...30, using: &random)
            }
            let round = weights.reduce(0, +)
            let picks = Self.picks(.wrr, weights, max(1, round))
            for (index, weight) in weights.enumerated() {
                let letter = Character(UnicodeScalar(UInt8(65 + index)))
                #expect(picks.count { $0 == letter } == weight)
            }
        }
    }

    @Test("wrr goes on in its pass, from the first server, when weights change")
    func weightChange() {
        // After A, A, B of [4, 3, 2] the threshold is 3; with [4, 3, 4] the pass for 3 starts again: A B C, then 2, then 1.
        var rotation = Rotation()
        rotation.startAgain(with: Self.members([4, 3, 2]))
        #expect(Self.picks(&rotation, [4, 3, 2], 3) == "AAB")
        rotation.startAgain(with: Self.members([4, 3, 4]))
        #expect(rotation.threshold == 3)
        #expect(Self.picks(&rotation, [4, 3, 4], 11) == "ABCABCABCAC")
    }

    @Test("wrr puts its threshold on a step of the new weights, or back to the top where it is above them")
    func thresholdChange() {
        var rotation = Rotation()
        rotation.startAgain(with: Self.members([10, 1]))
        #expect(rotation.threshold == 10)
        _ = Self.picks(&rotation, [10, 1], 4)
        #expect(rotation.threshold == 7)
        // Steps of 3 end in 1: 1, 4, 7, 10. 7 / 3 * 3 + 1 = 7.
        rotation.startAgain(with: Self.members([12, 3]))
        #expect((rotation.step, rotation.ceiling, rotation.threshold) == (3, 10, 7))
        _ = Self.picks(&rotation, [12, 3], 2)
        #expect(rotation.threshold == 4)
        rotation.startAgain(with: Self.members([2, 1]))
        #expect((rotation.step, rotation.ceiling, rotation.threshold) == (1, 2, 2))
        rotation.startAgain(with: Self.members([0, 0]))
        #expect(rotation.ceiling == 0)
        rotation.startAgain(with: Self.members([0, 5]))
        #expect((rotation.step, rotation.ceiling, rotation.threshold) == (5, 1, 1))
    }

    @Test("wrr takes its turns as if servers over their threshold were not there, and goes on when they are back")
    func overload() {
        var farm = Farm(.wrr, [4, 3, 2], overloaded: [0])
        #expect(farm.picks(10) == "BBCBCBBCBC")
        farm = Farm(.wrr, [3, 3], overloaded: [0, 1])
        #expect(farm.picks(3) == "---")
        farm.relieve(1)
        #expect(farm.picks(3) == "BBB")
        farm.relieve(0)
        #expect(farm.picks(4) == "ABAB")
    }

    @Test("rr passes over servers above their threshold")
    func overloadInOrder() {
        var farm = Farm(.rr, [1, 1, 1], overloaded: [1])
        #expect(farm.picks(4) == "ACAC")
        farm.relieve(1)
        #expect(farm.picks(4) == "ABCA")
    }
}
