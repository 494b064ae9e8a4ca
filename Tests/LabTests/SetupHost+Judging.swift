import ConfigurationFile
import Lab
import RealServerSetup
import Testing

extension SetupHost {
    /// As `RealServerSetup` sees the host: nil where it is fit, else what is wrong.
    func judge() throws -> () throws -> String? {
        let configuration = try AgentConfiguration.load(path: file)
        let setup = RealServerSetup(SetupRequest(configuration), runDirectory: configuration.runDirectory)
        return {
            let plan = try setup.plan()
            return plan.isEmpty ? nil : "\(plan.steps.map(\.reason) + plan.refusals.map(\.problem))"
        }
    }

    /// The host must read as it did before.
    func expectAsBefore(_ before: String, _ location: SourceLocation = #_sourceLocation) throws {
        try Self.settle()
        let difference = HostText.difference(before, try text())
        #expect(difference.isEmpty, "\(difference)", sourceLocation: location)
    }
}
