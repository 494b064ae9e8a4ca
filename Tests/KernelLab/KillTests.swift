import ConfigurationFile
import Lab
import RealServerSetup
import Testing

extension TheKernelLab {
    /// In the guest a process takes seconds: so all changes are died at within this one, and a killed process
    /// is the sample (see `KillLoop.strideInGuest`).
    @Suite("Death at every step, with tunnels")
    struct KillTests {
        init() throws {
            for module in SetupHost.modules { try Command.require("modprobe \(module)") }
        }

        @Test("kill -9 at the system calls that reach the network: apply is undone by teardown, or carried on by apply")
        func killedApply() throws {
            let scratch = try ScratchDirectory()
            let outcome = try FreshNamespace.run {
                try KillLoop(SetupHost(scratch, .tunnels), stride: KillLoop.strideInGuest).apply(at: "sendmsg")
            }
            #expect(outcome.problems.isEmpty)
            #expect(outcome.kills > 1)
        }

        @Test("kill -9 at the system calls that reach the network: teardown is carried on by teardown")
        func killedTeardown() throws {
            let scratch = try ScratchDirectory()
            let outcome = try FreshNamespace.run {
                try KillLoop(SetupHost(scratch, .tunnels), stride: KillLoop.strideInGuest).teardown(at: "sendmsg")
            }
            #expect(outcome.problems.isEmpty)
            #expect(outcome.kills > 1)
        }

        @Test("death at each change of apply and of teardown, one after the other, leaves what teardown puts right")
        func everyChange() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .tunnels)
                let before = try host.text()
                let configuration = try AgentConfiguration.load(path: host.file)
                let request = SetupRequest(configuration)
                let setup = { (kernel: any Host) in
                    RealServerSetup(request, runDirectory: configuration.runDirectory, host: kernel)
                }
                let alive = setup(KernelHost())
                let untouched = try KernelHost().snapshot(for: request)
                var number = 0
                while true {
                    // Died at the change `number`: of apply, which every other time is carried on, then of teardown.
                    let mortal = MortalHost(until: number)
                    _ = try? setup(mortal).apply()
                    if number % 2 == 1 {
                        try alive.apply()
                        #expect(try alive.plan().isEmpty, "apply after change \(number)")
                    }
                    _ = try? setup(MortalHost(until: number)).teardown()
                    _ = try alive.teardown()
                    #expect(try KernelHost().snapshot(for: request) == untouched, "change \(number)")
                    guard mortal.isDead else { break }
                    number += 1
                }
                #expect(number > 20)
                let difference = HostText.difference(before, try host.text())
                #expect(difference.isEmpty, "\(difference)")
            }
        }
    }

    /// The kernel, for somebody who dies at the change with this number: nothing reaches it from then on.
    private final class MortalHost: Host, @unchecked Sendable {
        private let kernel = KernelHost()
        private let last: Int
        private var performed = 0

        init(until last: Int) { self.last = last }

        private(set) var isDead = false

        func snapshot(for request: SetupRequest) throws(SetupError) -> HostSnapshot {
            if isDead { throw .missingCapability("life") }
            return try kernel.snapshot(for: request)
        }

        func pulse(for request: SetupRequest) throws(SetupError) -> HostPulse {
            if isDead { throw .missingCapability("life") }
            return try kernel.pulse(for: request)
        }

        func perform(_ change: Change) throws(SetupError) {
            if performed == last { isDead = true }
            if isDead { throw .missingCapability("life") }
            performed += 1
            try kernel.perform(change)
        }
    }
}
