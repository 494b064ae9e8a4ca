import Lab
import Testing

extension TheLab {
    @Suite("What drifts while the agent runs")
    struct DriftTests {
        @Test("a thousand drifts at random are all repaired, and the host is as it was once the agent is stopped")
        func thousand() throws {
            let seed = UInt64.random(in: 0...UInt64.max)
            let scratch = try ScratchDirectory()
            let figures = try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                let before = try host.text()
                let problem = try host.judge()
                let agent = try host.keptFit { try problem() == nil }
                let figures = try DriftLoop.run(
                    Drift.direct, count: 1_000, limit: .seconds(600), seed: seed, problem: problem)
                let status = try host.stop(agent)
                let output = try agent.output
                #expect(status == 0, "\(output)")
                try host.expectAsBefore(before)
                return figures
            }
            print("seed \(seed)\n\(figures.text)")
            #expect(figures.count == 1_000)
        }
    }
}
