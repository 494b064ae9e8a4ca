import ConfigurationFile
import Lab
import RealServerSetup
import Testing

extension TheKernelLab {
    @Suite("What drifts of tunnels while the agent runs")
    struct DriftTests {
        init() throws {
            for module in SetupHost.modules { try Command.require("modprobe \(module)") }
        }

        @Test("drifts of tunnels at random are all repaired, and the host is as it was once the agent is stopped")
        func drifts() throws {
            let seed = UInt64.random(in: 0...UInt64.max)
            let scratch = try ScratchDirectory()
            let figures = try FreshNamespace.run {
                let host = try SetupHost(scratch, .tunnels)
                let before = try host.text()
                let configuration = try AgentConfiguration.load(path: host.file)
                let judge = RealServerSetup(SetupRequest(configuration), runDirectory: configuration.runDirectory)
                let problem = { () throws -> String? in
                    let plan = try judge.plan()
                    return plan.isEmpty ? nil : "\(plan.steps.map(\.reason) + plan.refusals.map(\.problem))"
                }
                let agent = try host.keptFit { try problem() == nil }
                let figures = try DriftLoop.run(
                    Drift.tunnels, count: 1_000, limit: DriftLoop.limitInGuest, seed: seed, problem: problem)
                let status = try host.stop(agent)
                let output = try agent.output
                #expect(status == 0, "\(output)")
                try SetupHost.settle()
                let difference = HostText.difference(before, try host.text())
                #expect(difference.isEmpty, "\(difference)")
                return figures
            }
            print("seed \(seed)\n\(figures.text)")
            #expect(figures.count >= Drift.tunnels.count)
        }
    }
}
