internal import Glibc

/// `kill -9` of the real `rsagent` at every system call that changes something, one after the other.
///
/// strace delivers SIGKILL as the process enters the n-th call of a kind; n grows until a run gets through. So the steps are
/// those the program really makes, whatever they are.
public struct KillLoop {
    /// The system calls by which rsagent changes the kernel's network and files. All of netlink's requests go by sendmsg but
    /// for libnftables' questions (sendto), which change nothing.
    public static let calls = ["sendmsg", "write", "fsync", "rename", "unlink", "mkdir", "rmdir", "flock"]

    /// Where it runs. Everything is done in the calling thread's namespace, which must be this host's.
    private let host: SetupHost
    /// The host before rsagent was ever run.
    private let before: String
    /// From one killed call to the next: more than 1 where a machine is too slow for all of them.
    private let stride: Int

    private static let killed: Int32 = 128 + 9

    /// What an emulated guest has time for, where a process takes seconds: `RSLAB_KILL_STRIDE=1` kills at every call there
    /// too, which takes it a quarter of an hour where it has a core to itself.
    public static var strideInGuest: Int {
        getenv("RSLAB_KILL_STRIDE").flatMap { Int(String(cString: $0)) } ?? 8
    }

    /// What a loop came to.
    public struct Outcome: Sendable {
        /// How many runs were killed.
        public var kills = 0
        /// What was not as it should be, each with the number of the call.
        public var problems: [String] = []
    }

    /// Looks at the host as it is now: each killed run must be undone to that.
    public init(_ host: SetupHost, stride: Int = 1) throws {
        self.host = host
        self.stride = stride
        before = try host.text()
    }

    /// `apply`, killed at each `call` in turn, is undone by `teardown`; every other time it is carried on by `apply` first.
    public func apply(at call: String) throws -> Outcome {
        var outcome = Outcome()
        while true {
            let number = outcome.kills * stride + 1
            let status = try agent("apply", killedAt: call, number)
            if outcome.kills % 2 == 1 {
                try expect("apply", &outcome, call)
                let plan = try host.agent("plan")
                if plan.status != 0 { outcome.problems.append("after \(call) \(number): \(plan.text)") }
            }
            try expectUndone(&outcome, call)
            if status == 0 { return outcome }
            outcome.kills += 1
        }
    }

    /// `teardown`, killed at each `call` in turn, is carried on by `teardown`.
    public func teardown(at call: String) throws -> Outcome {
        var outcome = Outcome()
        while true {
            try expect("apply", &outcome, call)
            let status = try agent("teardown", killedAt: call, outcome.kills * stride + 1)
            try expectUndone(&outcome, call)
            if status == 0 { return outcome }
            outcome.kills += 1
        }
    }

    private func expectUndone(_ outcome: inout Outcome, _ call: String) throws {
        try expect("teardown", &outcome, call)
        let difference = HostText.difference(before, try host.text())
        guard !difference.isEmpty else { return }
        note("after \(call)", difference, &outcome)
    }

    private func expect(_ command: String, _ outcome: inout Outcome, _ call: String) throws {
        let run = try host.agent(command)
        if run.status != 0 { note("\(command) after \(call)", run.text, &outcome) }
    }

    private func note(_ what: String, _ text: String, _ outcome: inout Outcome) {
        outcome.problems.append("\(what) \(outcome.kills * stride + 1): \(text)")
    }

    /// Runs `rsagent COMMAND`, killed as it enters the `number`-th `call`.
    private func agent(_ command: String, killedAt call: String, _ number: Int) throws -> Int32 {
        let run = try Command.run([
            // Not with --seccomp-bpf, which would be faster: strace 6.1 then loses count after the first call.
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
            "inject=\(call):signal=SIGKILL:when=\(number)", Product.agent, command, "--config", host.file,
        ])
        guard run.status == 0 || run.status == Self.killed else { throw LabError("exit \(run.status): \(run.text)") }
        return run.status
    }
}
