import NIOCore
import Testing

@testable import HealthReporter

@Suite("Beat")
struct BeatTests {
    private let beat = Beat(phase: .milliseconds(7))

    private func at(_ milliseconds: UInt64) -> NIODeadline { .uptimeNanoseconds(milliseconds * 1_000_000) }

    @Test(
        "the next beat is behind a moment, by one interval at most",
        arguments: [(0, 7), (6, 7), (7, 57), (8, 57), (56, 57), (57, 107), (1_000_000, 1_000_007)] as [(UInt64, UInt64)]
    )
    func next(moment: UInt64, expected: UInt64) {
        #expect(beat.next(after: at(moment)) == at(expected))
    }

    @Test(
        "a wait of half a second or more ends with the nearest beat, a shorter one when it is over",
        arguments: [
            (500, 507), (1_000, 1_007), (1_031, 1_007), (1_033, 1_057), (1_056, 1_057), (499, 499), (0, 0), (20, 20),
        ]
            as [(Int, UInt64)])
    func end(wait: Int, expected: UInt64) {
        #expect(beat.end(of: .milliseconds(wait), from: at(0)) == at(expected))
    }

    @Test("waits that end within the same beat are one wake-up")
    func together() {
        let now = at(123_456)
        let ends = Set(stride(from: 985, through: 1_020, by: 1).map { beat.end(of: .milliseconds($0), from: now) })
        #expect(ends.count == 1)
    }
}
