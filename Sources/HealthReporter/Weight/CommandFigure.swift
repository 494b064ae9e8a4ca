import ConfigurationFile
import NIOCore

/// The figure that a program prints, for the load rule `command`.
struct CommandFigure: Sendable {
    /// From the start of one run to the start of the next, unless it takes longer.
    static let interval = Duration.seconds(5)
    /// How long a run may take.
    static let timeout = Duration.seconds(5)

    /// Who runs it: as a check is run, with an end to time, output and children.
    private let runner: ProgramRunner

    /// - Parameter arguments: the program, an absolute path, and what it is told.
    init(_ arguments: [String], timeout: Duration = Self.timeout, on group: any EventLoopGroup) {
        runner = ProgramRunner(Program(arguments: arguments), timeout: timeout, group: group)
    }

    /// Runs it once. What is told of a failure does not depend on what it printed, so that it stays the same.
    func read() async -> LoadReading {
        let program = runner.program.arguments.first ?? ""
        let outcome = await runner.run { [runner] ending, line in
            ExecChecker.judge(
                ending, line: ending == .exited(0) ? line : "", of: runner.program, timeout: runner.timeout)
        }
        guard outcome.ok else { return .unreadable("\(program): \(outcome.message)") }
        guard let figure = Double(outcome.message), figure.isFinite, figure >= 0 else {
            return .unreadable("\(program) did not print a number, 0 or more")
        }
        return .figure(figure)
    }

    /// Runs it again and again until the task is cancelled.
    func run(record: @Sendable (LoadReading) async -> Void) async {
        let clock = ContinuousClock()
        while !Task.isCancelled {
            let start = clock.now
            let reading = await read()
            // A run that was cut short says nothing.
            if Task.isCancelled { return }
            await record(reading)
            try? await clock.sleep(until: start + Self.interval)
        }
    }
}
