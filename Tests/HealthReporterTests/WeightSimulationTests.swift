import ConfigurationFile
import Testing

@testable import HealthReporter

/// What becomes of the weight under loads that swing, an hour each at one sample a second, with the default smoothing (10 s),
/// step (5) and floor (1) and `cpu = 0.8`. Prints the figures that docs/design.md has.
@Suite("The weight under a load that swings")
struct WeightSimulationTests {
    /// A load over time, and what is taken for flapping under it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let load: @Sendable (inout Normal, Int) -> Double
        /// The most changes of the weight, and the most turns among them: changes the other way than the one before.
        let mostChanges: Int
        let mostTurns: Int
        /// Within how many seconds the last change has been made; nil: changes go on, because the load does.
        var settled: Int?
        /// What the weight must have been at times: damping that never lets it move would pass all else.
        var reaches: ClosedRange<Int>?

        var testDescription: String { name }
    }

    /// Normally distributed numbers, the same in every run.
    struct Normal {
        private var state: UInt64 = 24

        /// Irwin and Hall's: the sum of twelve even ones.
        mutating func next(mean: Double, deviation: Double) -> Double {
            var sum = -6.0
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sum += Double(state >> 11) / Double(1 << 53)
            }
            return mean + deviation * sum
        }
    }

    private static func square(_ low: Double, _ high: Double, period: Int) -> @Sendable (inout Normal, Int) -> Double {
        { _, second in second % period < period / 2 ? low : high }
    }

    private static func noise(_ mean: Double, _ deviation: Double) -> @Sendable (inout Normal, Int) -> Double {
        { random, _ in min(1, max(0, random.next(mean: mean, deviation: deviation))) }
    }

    /// Up from 0 to 1 and down again.
    private static func ramp(period: Int) -> @Sendable (inout Normal, Int) -> Double {
        { _, second in 1 - abs(Double(second % period) / Double(period) * 2 - 1) }
    }

    static let cases = [
        Case(
            name: "square wave 0.7 to 1.0, period 4 s", load: square(0.7, 1, period: 4), mostChanges: 10, mostTurns: 1,
            settled: 120),
        Case(
            name: "square wave 0.7 to 1.0, period 20 s", load: square(0.7, 1, period: 20), mostChanges: 10,
            mostTurns: 1,
            settled: 120),
        Case(
            name: "square wave 0.7 to 1.0, period 40 s", load: square(0.7, 1, period: 40), mostChanges: 15,
            mostTurns: 1,
            settled: 120),
        // Longer than is remembered: it is followed, one turn at each edge.
        Case(
            name: "square wave 0.3 to 1.0, period 10 min", load: square(0.3, 1, period: 600), mostChanges: 130,
            mostTurns: 11, reaches: 1...100),
        Case(
            name: "ramp 0 to 1 and back, period 10 min", load: ramp(period: 600), mostChanges: 240, mostTurns: 11,
            reaches: 15...100),
        Case(
            name: "noise around the figure, 0.80 ± 0.02", load: noise(0.8, 0.02), mostChanges: 20, mostTurns: 12),
        Case(
            name: "noise around the figure, 0.80 ± 0.05", load: noise(0.8, 0.05), mostChanges: 60, mostTurns: 36),
        Case(name: "noise on the slope, 0.90 ± 0.05", load: noise(0.9, 0.05), mostChanges: 60, mostTurns: 36),
        Case(
            name: "noise below the figure, 0.60 ± 0.10", load: noise(0.6, 0.1), mostChanges: 0, mostTurns: 0, settled: 0
        ),
        Case(
            name: "2 s of full load every 5 min, else 0.6",
            load: { _, second in second % 300 < 2 && second > 2 ? 1 : 0.6 }, mostChanges: 0, mostTurns: 0, settled: 0),
        Case(
            name: "20 s of full load once, else 0.6",
            load: { _, second in (600..<620).contains(second) ? 1 : 0.6 }, mostChanges: 40, mostTurns: 1, settled: 720,
            reaches: 45...100),
    ]

    /// The changes of a weight in an hour.
    private struct Changes {
        var count = 0
        var turns = 0
        var lastAt = 0
        var lowest: Int
        var highest: Int
        private var weight: Int
        private var direction = 0

        init(from weight: Int) {
            (self.weight, lowest, highest) = (weight, weight, weight)
        }

        mutating func see(_ next: Int, at second: Int) {
            guard next != weight else { return }
            let way = next > weight ? 1 : -1
            if way == -direction { turns += 1 }
            (weight, direction, lastAt) = (next, way, second)
            (lowest, highest) = (min(lowest, next), max(highest, next))
            count += 1
        }
    }

    private func changes(_ rules: AgentConfiguration.LoadRules, under item: Case) -> Changes {
        var governor = WeightGovernorTests.governor(rules)
        var random = Normal()
        var changes = Changes(from: governor.weight)
        for second in 0..<3_600 {
            governor.take([.cpu: .figure(item.load(&random, second))], at: WeightGovernorTests.after(Double(second)))
            changes.see(governor.weight, at: second)
        }
        return changes
    }

    @Test("does not flap", arguments: cases)
    func doesNotFlap(item: Case) {
        let plain = changes(AgentConfiguration.LoadRules(cpu: 0.8, smoothing: .zero, step: 1), under: item)
        let damped = changes(AgentConfiguration.LoadRules(cpu: 0.8), under: item)
        print(
            "| \(item.name) | \(plain.count) | \(damped.count) | \(damped.turns) | \(damped.lowest)–\(damped.highest) |"
                + " \(damped.lastAt) s |")
        #expect(damped.count <= item.mostChanges)
        #expect(damped.turns <= item.mostTurns)
        if let settled = item.settled { #expect(damped.lastAt <= settled) }
        if let reaches = item.reaches {
            #expect(damped.lowest <= reaches.lowerBound && damped.highest >= reaches.upperBound)
        }
    }
}
