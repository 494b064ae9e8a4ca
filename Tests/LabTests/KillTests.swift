import Lab
import Testing

extension TheLab {
    @Suite("kill -9 at every step")
    struct KillTests {
        /// Calls that one of the two ways does not make.
        private static let notInApply: Set = ["unlink", "rmdir"]
        private static let notInTeardown: Set = ["fsync", "mkdir"]

        @Test(
            "apply, killed at any call, is undone by teardown, and carried on by apply",
            arguments: KillLoop.calls)
        func apply(call: String) throws {
            let scratch = try ScratchDirectory()
            let outcome = try FreshNamespace.run { try KillLoop(SetupHost(scratch, .direct)).apply(at: call) }
            #expect(outcome.problems.isEmpty)
            // Each change of the network is at least one of these, so that it is known that the count works.
            #expect(outcome.kills > 20 || call != "sendmsg", "\(outcome.kills)")
            print("\(call): \(outcome.kills) kills")
            #expect(outcome.kills > 0 || Self.notInApply.contains(call), "\(call) was never entered")
        }

        @Test("teardown, killed at any call, is carried on by teardown", arguments: KillLoop.calls)
        func teardown(call: String) throws {
            let scratch = try ScratchDirectory()
            let outcome = try FreshNamespace.run { try KillLoop(SetupHost(scratch, .direct)).teardown(at: call) }
            #expect(outcome.problems.isEmpty)
            // Each change of the network is at least one of these, so that it is known that the count works.
            #expect(outcome.kills > 20 || call != "sendmsg", "\(outcome.kills)")
            print("\(call): \(outcome.kills) kills")
            #expect(outcome.kills > 0 || Self.notInTeardown.contains(call), "\(call) was never entered")
        }
    }
}
