import Lab
import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("A journal that is not as it was left", .enabled(if: FreshNamespace.isAvailable))
struct JournalFaultTests {
    @Test("cut at any byte: plan and apply go on or say what is wrong, teardown undoes all or touches nothing")
    func truncated() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try KernelTests.host()
            let setup = KernelTests.setup(scratch)
            let before = try KernelHost().snapshot(for: setup.request).addresses
            // Judges what is on the host, without a record.
            let judge = RealServerSetup(setup.request, runDirectory: "\(scratch.path)/none")
            try setup.apply()
            let path = "\(scratch.path)/run/journal"
            let whole = try #require(try File.read(path))
            var outcomes: [String: Int] = [:]
            for length in 0..<whole.count {
                // Cut within a line, one byte is as good as another: there the two ways take turns.
                let isEndOfLine = length == 0 || whole[length - 1] == UInt8(ascii: "\n")
                for appliesFirst in isEndOfLine ? [false, true] : [length % 2 == 0] {
                    // An apply that finds nothing on record and nothing to do leaves no folder.
                    if !(try File.names(in: scratch.path).contains("run")) {
                        try Command.require("mkdir \(scratch.path)/run")
                    }
                    try File.write(Array(whole.prefix(length)), to: path, flags: 0o1100)
                    let cut: Comment = "cut to \(length) of \(whole.count) bytes, apply first: \(appliesFirst)"
                    Self.judge("plan", &outcomes) { () throws(SetupError) in _ = try setup.plan() }
                    if appliesFirst {
                        Self.judge("apply", &outcomes) { () throws(SetupError) in try setup.apply() }
                        #expect(try judge.plan().isEmpty, cut)
                    }
                    let isUndone = Self.judge("teardown", &outcomes) { () throws(SetupError) in
                        _ = try setup.teardown()
                    }
                    // Never the VIP without what hides it: either it is gone, or all of it is in force.
                    let addresses = try KernelHost().snapshot(for: setup.request).addresses
                    let isHeld = addresses.contains { $0.prefix.address == .v4(KernelTests.vip) }
                    let isFit = try judge.plan().isEmpty
                    #expect(isHeld == isFit, cut)
                    if isFit { continue }
                    #expect(isUndone && addresses == before, cut)
                    try judge.apply()
                    try Command.require("rm -r \(scratch.path)/none")
                }
            }
            for command in ["plan", "apply", "teardown"] {
                #expect(outcomes["\(command) refused"] != nil && outcomes["\(command) done"] != nil, "\(outcomes)")
            }
        }
    }

    /// Whether `body` got through; what it throws must name the journal and a way out.
    @discardableResult
    private static func judge(
        _ what: String, _ outcomes: inout [String: Int], _ body: () throws(SetupError) -> Void
    ) -> Bool {
        do throws(SetupError) {
            try body()
            outcomes["\(what) done", default: 0] += 1
            return true
        } catch {
            outcomes["\(what) refused", default: 0] += 1
            #expect(error.description.contains("/run/journal: "), "\(error)")
            #expect(error.description.contains("remove"), "\(error)")
            return false
        }
    }

    @Test("of a newer version: all three say so and touch nothing")
    func newer() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try KernelTests.host()
            let setup = KernelTests.setup(scratch)
            try setup.apply()
            let path = "\(scratch.path)/run/journal"
            var journal = try #require(try RunDirectory(existing: "\(scratch.path)/run")?.journal())
            journal.header.journal = 2
            try File.write(journal.text, to: path, flags: 0o1000)
            let before = try HostText.read(filesBelow: scratch.path)
            let errors = [
                #expect(throws: SetupError.self) { _ = try setup.plan() },
                #expect(throws: SetupError.self) { try setup.apply() },
                #expect(throws: SetupError.self) { _ = try setup.teardown() },
            ]
            for error in errors {
                #expect(error?.description.contains("newer rsagent") == true, "\(String(describing: error))")
            }
            try KernelTests.expect(before, scratch, #_sourceLocation)
        }
    }

    @Test("of another boot: apply sets it aside and goes on, teardown before that says where it belongs")
    func otherBoot() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try KernelTests.host()
            let setup = KernelTests.setup(scratch)
            try setup.apply()
            var journal = try #require(try RunDirectory(existing: "\(scratch.path)/run")?.journal())
            _ = try setup.teardown()
            journal.header.boot = "another"
            try Command.require("mkdir -p \(scratch.path)/run")
            try File.write(journal.text, to: "\(scratch.path)/run/journal", flags: 0o1100)
            let before = try HostText.read(filesBelow: scratch.path)
            let error = #expect(throws: SetupError.self) { _ = try setup.teardown() }
            #expect(error?.description.contains("another boot") == true)
            try KernelTests.expect(before, scratch, #_sourceLocation)
            // What another boot recorded says nothing of this host.
            #expect(try setup.apply().count == 3)
            #expect(try setup.plan().isEmpty)
            _ = try setup.teardown()
            #expect(try Command.require("ip addr show dev lo").output.contains("192.0.2.10") == false)
            #expect(try Command.require("find \(scratch.path) -type f -printf %f").output == "journal.stale")
        }
    }

    @Test("a journal that can no longer be written halfway through an apply: what was changed is undone")
    func unwritable() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try KernelTests.host()
            let host = LosingHost(journal: "\(scratch.path)/run/journal")
            let error = #expect(throws: SetupError.self) { try KernelTests.setup(scratch, host: host).apply() }
            #expect(error?.description.contains("/run/journal") == true, "\(String(describing: error))")
            #expect(try !Command.require("ip addr show dev lo").output.contains("192.0.2.10"))
            #expect(try Sysctl.value("net.ipv4.conf.eth0.arp_ignore") == "0")
            #expect(try Sysctl.value("net.ipv4.conf.eth0.arp_announce") == "0")
        }
    }
}

/// The kernel; but with the first change the journal is lost and an interface appears, which a second round has to record.
private final class LosingHost: Host, @unchecked Sendable {
    private let kernel = KernelHost()
    private let journal: String
    private var hasLost = false

    init(journal: String) { self.journal = journal }

    func snapshot(for request: SetupRequest) throws(SetupError) -> HostSnapshot { try kernel.snapshot(for: request) }

    func pulse(for request: SetupRequest) throws(SetupError) -> HostPulse { try kernel.pulse(for: request) }

    func perform(_ change: Change) throws(SetupError) {
        if !hasLost {
            hasLost = true
            try File.remove(journal)
            _ = try? KernelTests.nic(1)
        }
        try kernel.perform(change)
    }
}
