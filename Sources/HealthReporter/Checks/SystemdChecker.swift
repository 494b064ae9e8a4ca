import ConfigurationFile
import Glibc
import NIOCore

/// Whether a unit of systemd is active, as `systemctl is-active UNIT` has it.
///
/// systemd is asked through its own program, and not over D-Bus: the program knows which socket to ask on, as whom, and what
/// the answer means, also after an upgrade. It costs a process for each question, which a longer `interval` makes seldom.
/// Where systemd is not what runs this host the check fails and says so.
struct SystemdChecker: Checker {
    private let runner: ProgramRunner
    /// There where systemd runs the host (sd_booted(3)).
    private let booted: String

    init(
        unit: String, timeout: Duration, group: any EventLoopGroup, systemctl: String = "/usr/bin/systemctl",
        booted: String = "/run/systemd/system"
    ) {
        self.booted = booted
        runner = ProgramRunner(
            Program(arguments: [systemctl, "is-active", "--", unit]), timeout: timeout, group: group)
    }

    func ask() async -> CheckOutcome {
        guard access(booted, F_OK) == 0 else {
            return CheckOutcome(
                ok: false,
                message: "systemd does not run this host: \(booted) is missing; ask by another kind of check",
                latency: .zero)
        }
        return await runner.run { [runner] ending, line in
            switch ending {
            // The state, for which the exit status is but another word: active, inactive, failed, activating.
            case .exited(let status) where !line.isEmpty: CheckAnswer(status == 0, line)
            default: ExecChecker.judge(ending, line: line, of: runner.program, timeout: runner.timeout)
            }
        }
    }
}
