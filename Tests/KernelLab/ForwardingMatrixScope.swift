import Lab
import Testing

/// One fleet for all cells of a suite: in the guest a host takes a second to make.
struct ForwardingMatrixScope: SuiteTrait, TestScoping {
    /// The fleet of the suite that runs.
    @TaskLocal static var fleet: ForwardingFleet?

    let isRecursive = false

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let fleet = try await ForwardingFleet(directedBy: .ipvs)
        do {
            try await Self.$fleet.withValue(fleet) { try await function() }
        } catch {
            try await fleet.remove()
            throw error
        }
        try await fleet.remove()
    }
}
