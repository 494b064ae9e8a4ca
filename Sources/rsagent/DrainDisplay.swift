import Glibc
import HealthReporter
import Synchronization
import UnixSignals

/// Shows a drain's progress on standard output.
final class DrainDisplay: Sendable {
    private let progress: Mutex<DrainProgressText>

    init() {
        let isTerminal = isatty(1) == 1
        progress = Mutex(DrainProgressText(terminalWidth: isTerminal ? Self.width : nil))
    }

    func show(_ step: DrainWait.Progress, after elapsed: Duration, alarms: [String]) {
        progress.withLock { write($0.text(for: step, after: elapsed, alarms: alarms)) }
    }

    /// Leaves the line that is shown, before something else is said.
    func end() { progress.withLock { write($0.ending()) } }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        if !bytes.isEmpty { _ = Glibc.write(1, bytes, bytes.count) }
    }

    /// The terminal's width in columns (`TIOCGWINSZ`, ioctl_tty(2)); 80 where it does not tell.
    private static var width: Int {
        var size = winsize()
        return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}

/// Runs `body`; nil where SIGINT or SIGTERM came before its end.
func interruptible<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value? {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    return try await withThrowingTaskGroup(of: Value?.self) { tasks in
        tasks.addTask { try await body() }
        tasks.addTask {
            for await _ in signals { break }
            return nil
        }
        defer { tasks.cancelAll() }
        return try await tasks.next() ?? nil
    }
}
