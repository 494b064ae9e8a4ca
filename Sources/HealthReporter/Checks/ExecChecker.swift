import CLinux
import ConfigurationFile
import Glibc
import NIOCore
import Synchronization

/// Runs a program for each question, on a thread of its own that blocks in its stead, and kills it with all of its process
/// group when the time is up or nobody waits for it any more.
struct ProgramRunner: Sendable {
    let program: Program
    let timeout: Duration
    let group: any EventLoopGroup
    private let errand = Errand()

    init(_ program: Program, timeout: Duration, group: any EventLoopGroup) {
        (self.program, self.timeout, self.group) = (program, timeout, group)
    }

    /// Beyond the timeout: how long a program that was killed may take to be gone. One that does not go, because it waits
    /// in the kernel, is waited for on its thread alone.
    private static let grace = Duration.milliseconds(250)

    /// Runs it once. It has ended, and was reaped, when this returns, also where the task was cancelled.
    ///
    /// - Parameter judge: makes an answer of how it ended and the first line it printed.
    func run(_ judge: @escaping @Sendable (Program.Ending, String) -> CheckAnswer) async -> CheckOutcome {
        let stop = clinux_event_open()
        guard stop >= 0 else {
            let cause = String(cString: strerror(errno)).lowercased()
            return CheckOutcome(ok: false, message: "cannot run it: \(cause)", latency: .zero)
        }
        let handle = Handle(stop)
        let deadline = ContinuousClock.now + timeout
        return await asked(
            timeout: timeout + Self.grace, on: group.next(), late: { [timeout] in .late(timeout) },
            onCancel: { clinux_event_signal(handle.descriptor) }
        ) { answer in
            errand.begin(answer) { [program] in
                let (ending, output) = program.run(until: deadline, stop: handle.descriptor)
                return judge(ending, printableLine(output))
            }
        }
    }

    /// A descriptor that is closed when the last one who has it lets it go.
    private final class Handle: Sendable {
        let descriptor: CInt

        init(_ descriptor: CInt) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }
}

/// Whether a program ends with exit status 0. What it says is the first line it prints.
struct ExecChecker: Checker {
    let runner: ProgramRunner
    private let said = Latest<String>()

    init(runner: ProgramRunner) { self.runner = runner }

    func ask() async -> CheckOutcome {
        var outcome = await runner.run { [runner] in
            Self.judge($0, line: $1, of: runner.program, timeout: runner.timeout)
        }
        outcome.message = steady(outcome.message)
        return outcome
    }

    /// The words of the answer before where only figures differ: "load 0.53" after "load 0.52" would otherwise make every
    /// report a new one, and wake every director for it.
    private func steady(_ message: String) -> String {
        if let before = said.value, before.withoutFigures == message.withoutFigures { return before }
        said.value = message
        return message
    }

    /// What a program's end says.
    static func judge(_ ending: Program.Ending, line: String, of program: Program, timeout: Duration) -> CheckAnswer {
        let saying = line.isEmpty ? "" : ": \(line)"
        switch ending {
        case .exited(0): return CheckAnswer(true, line.isEmpty ? "exit status 0" : line)
        case .exited(let status): return CheckAnswer(false, "exit status \(status)\(saying)")
        case .killed(let signal):
            return CheckAnswer(
                false, "killed by signal \(signal) (\(String(cString: strsignal(signal)).lowercased()))\(saying)")
        case .printedTooMuch: return CheckAnswer(false, "killed: it printed more than \(Program.longestOutput) bytes")
        case .late: return .late(timeout)
        case .stopped: return CheckAnswer(false, "killed: the agent stops")
        case .unknown: return CheckAnswer(false, "its exit status was taken by somebody else")
        case .notStarted(let error): return CheckAnswer(false, reason(error, of: program.arguments.first ?? ""))
        }
    }

    /// Why a program did not start, and what to do about it (execve(2)).
    private static func reason(_ error: CInt, of path: String) -> String {
        let cause = "cannot run \(path): \(String(cString: strerror(error)).lowercased())"
        switch error {
        case ENOENT where access(path, F_OK) == 0:
            return "\(cause); the interpreter that its first line (#!) or its ELF header names is missing"
        case ENOENT: return "\(cause); install it, or correct `exec`"
        case EACCES: return "\(cause); it must be a file that may be executed (chmod a+x)"
        case ENOEXEC: return "\(cause); a script begins with its interpreter (#!/bin/sh)"
        default: return cause
        }
    }
}

extension String {
    /// The same without its digits.
    fileprivate var withoutFigures: String { String(unicodeScalars.filter { $0.properties.numericType == nil }) }
}
