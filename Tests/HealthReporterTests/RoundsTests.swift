import NIOCore
import Testing

@testable import HealthReporter

@Suite("Rounds")
struct RoundsTests {
    private let second = Duration.seconds(1)
    private let start = NIODeadline.uptimeNanoseconds(3_600_000_000_000)

    private func rounds() -> Rounds { Rounds(beat: Beat(phase: .milliseconds(7))) }

    private func seconds(_ from: NIODeadline, _ to: NIODeadline) -> Double { Double((to - from).nanoseconds) / 1e9 }

    @Test("checks that begin at different times are asked together from then on, an interval apart but for jitter")
    func together() {
        let rounds = rounds()
        var random = SystemRandomNumberGenerator()
        let places = (0..<10).map { _ in rounds.join(every: second) }
        var due = places.enumerated().map { $1.next(after: start + .milliseconds(Int64($0) * 30), using: &random) }
        var lengths: Set<Int64> = []
        for _ in 0..<200 {
            #expect(Set(due).count == 1)
            let before = due[0]
            // The answers take their time, of course not all the same.
            due = places.enumerated().map { $1.next(after: before + .microseconds(Int64($0) * 100), using: &random) }
            #expect((0.92...1.08).contains(seconds(before, due[0])))
            lengths.insert((due[0] - before).nanoseconds)
        }
        #expect(lengths.count > 1, "no two hosts keep in step for ever")
    }

    @Test("of many, each crowd has a beat of its own and is asked in every round")
    func crowds() {
        let rounds = rounds()
        var random = SystemRandomNumberGenerator()
        let places = (0..<1_000).map { _ in rounds.join(every: second) }
        var due = places.map { ($0, $0.next(after: start, using: &random)) }
        for _ in 0..<20 {
            #expect(Set(due.map(\.1)).count == 20, "as many as an interval has beats")
            // As time goes by: who is due first asks first.
            let next = due.sorted { $0.1 < $1.1 }.map { ($0.0, $0.0.next(after: $0.1, using: &random)) }
            let pauses = zip(due.sorted { $0.1 < $1.1 }, next).map { seconds($0.1, $1.1) }
            #expect(pauses.allSatisfy { (0.92...1.08).contains($0) })
            due = next
        }
    }

    @Test("a question that took longer than the interval is followed at once, and the next is in step again")
    func overrun() {
        let rounds = rounds()
        var random = SystemRandomNumberGenerator()
        let (slow, quick) = (rounds.join(every: second), rounds.join(every: second))
        let first = quick.next(after: start, using: &random)
        #expect(slow.next(after: start, using: &random) == first)
        let second = quick.next(after: first, using: &random)
        #expect(slow.next(after: first, using: &random) == second, "which is over when the answer comes")
        let third = quick.next(after: second, using: &random)
        #expect(slow.next(after: second + .milliseconds(400), using: &random) == third)
    }

    @Test("other intervals have other rounds")
    func intervals() {
        let rounds = rounds()
        var random = SystemRandomNumberGenerator()
        let (often, seldom) = (rounds.join(every: second), rounds.join(every: .seconds(60)))
        #expect(often.next(after: start, using: &random) < start + .seconds(2))
        #expect(seldom.next(after: start, using: &random) > start + .seconds(50))
    }
}
