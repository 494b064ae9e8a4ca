/// The agent's status, drawn again whenever it changes and once a second.
public struct StatusWatch: Sendable {
    /// What is written, and where.
    public enum Style: Sendable {
        /// A table that is drawn over itself on a terminal of so many rows, asked anew each time.
        case screen(isColoured: Bool, rows: @Sendable () -> Int)
        /// A table for each change.
        case tables
        /// The report as a line of JSON for each change.
        case json
    }

    /// How long a change is waited for before the table is drawn again all the same.
    static let interval = Duration.seconds(1)
    /// How often it is drawn at most.
    static let shortest = Duration.milliseconds(50)

    private let client: ControlClient
    private let style: Style
    private let write: @Sendable (String) -> Void

    /// A watch over the agent that `client` talks to; `write` gets what is to be seen.
    public init(_ client: ControlClient, style: Style, write: @escaping @Sendable (String) -> Void) {
        self.client = client
        self.style = style
        self.write = write
    }

    /// Watches until cancelled, also while no agent runs: it may be on its way back.
    ///
    /// - Throws: `ReporterError` where this user may not ask.
    public func run() async throws(ReporterError) {
        if case .screen = style { write(Screen.opening) }
        defer { if case .screen = style { write(Screen.closing) } }
        var shown: UInt64?
        var complaint: String?
        while !Task.isCancelled {
            do throws(ReporterError) {
                let report =
                    if let shown {
                        try await client.report(since: shown, wait: Self.interval)
                    } else {
                        try await client.report()
                    }
                let control = try await client.directors()
                show(report, control, isNews: report.generation != shown)
                (shown, complaint) = (report.generation, nil)
                try? await Task.sleep(for: Self.shortest)
            } catch {
                guard !Task.isCancelled else { return }
                guard error.kind != .permission else { throw error }
                show(waiting: error, isNews: complaint != error.cause)
                (shown, complaint) = (nil, error.cause)
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    private func show(_ report: Report, _ control: ControlAnswer, isNews: Bool) {
        switch style {
        case .screen(let isColoured, let rows):
            let table = StatusTable(report: report, control: control, isColoured: isColoured)
            write(Screen.frame(table.text, rows: rows()))
        case .tables where isNews:
            write(StatusTable(report: report, control: control, isColoured: false).text + "\n")
        case .json where isNews:
            write(String(decoding: report.json(), as: UTF8.self) + "\n")
        case .tables, .json: break
        }
    }

    private func show(waiting error: ReporterError, isNews: Bool) {
        let text = "\(error.cause), waiting\n"
        switch style {
        case .screen(_, let rows): write(Screen.frame(text, rows: rows()))
        case .tables where isNews: write(text + "\n")
        case .tables, .json: break
        }
    }
}

extension StatusWatch {
    /// What a terminal is told (ECMA-48, and xterm's private modes, which all that matter know).
    package enum Screen {
        /// The other screen, so that what was on this one is there again afterwards; no cursor; long lines are cut, not wrapped.
        package static let opening = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
        /// Everything as it was.
        package static let closing = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

        /// A text drawn over the last one: each line clears what is left of the old one, nothing flickers. What does not fit is left
        /// out, with a word that it is.
        package static func frame(_ text: String, rows: Int) -> String {
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if lines.last == "" { lines.removeLast() }
            let rows = max(1, rows)
            if lines.count > rows {
                let hidden = lines.count - (rows - 1)
                lines = lines.prefix(rows - 1) + ["… \(hidden) more lines"]
            }
            // No newline after the last: on a full screen it would scroll.
            return "\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J"
        }
    }
}
