import ConfigurationFile
import Glibc

/// The figure that a program prints, for the load rule `command`.
struct CommandFigure: Sendable {
    /// From the start of one run to the start of the next, unless it takes longer.
    static let interval = Duration.seconds(5)
    /// How long a run may take.
    static let timeout = Duration.seconds(5)
    /// The longest output that is a number, in bytes.
    static let longestOutput = 256

    /// How a program ended.
    enum Ending: Sendable, Equatable {
        /// By itself, with this status.
        case exited(CInt)
        /// By a signal that was not ours.
        case killed(signal: CInt)
        /// It was killed, because it printed more than may be.
        case printedTooMuch
        /// It was killed, because its time was up.
        case late
        /// It never ran (errno).
        case notStarted(CInt)
    }

    /// Runs a program, and returns within `timeout` or a moment later, whatever the program does.
    typealias Runner =
        @Sendable (_ arguments: [String], _ timeout: Duration) async -> (
            ending: Ending, output: [UInt8]
        )

    /// The program and its arguments.
    let arguments: [String]
    /// Who runs it.
    let run: Runner

    /// Runs it once.
    func read() async -> LoadReading {
        let (ending, output) = await run(arguments, Self.timeout)
        let program = arguments.first ?? ""
        switch ending {
        case .exited(0): break
        case .exited(let status): return .unreadable("\(program) exited with \(status)")
        case .killed(let signal): return .unreadable("\(program) was killed by signal \(signal)")
        case .late: return .unreadable("\(program) took longer than \(DurationText.text(for: Self.timeout))")
        case .printedTooMuch: return .unreadable("\(program) printed more than a number")
        case .notStarted(let number):
            return .unreadable("cannot start \(program): \(String(cString: strerror(number)))")
        }
        let text = String(decoding: output, as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let figure = Double(words[0]), figure.isFinite, figure >= 0 else {
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
