/// The progress of a drain as an operator reads it: on a terminal one line that is written anew, else a line for each
/// change. Who is found to send new connections gets a line that stays, once.
public struct DrainProgressText: Sendable {
    /// How wide the terminal is, in columns; nil: it is none.
    private let width: Int?
    private var told: DrainWait.Progress?
    private var alarms: Set<String> = []
    private var line = ""

    /// For a terminal of that width, at least 20 columns, or (nil) a file or a pipe.
    public init(terminalWidth width: Int?) {
        self.width = width.map { max(20, $0) }
    }

    /// What is to be written for a step, so long after the drain was asked for; empty: nothing.
    public mutating func text(
        for step: DrainWait.Progress, after elapsed: Duration, alarms: [String] = []
    ) -> String {
        var text = ""
        for alarm in alarms.sorted() where self.alarms.insert(alarm).inserted {
            text += erasing + "warning: \(alarm)".printable + "\n"
        }
        // What is said once stays.
        let isLast =
            switch step {
            case .done, .nobodyToTell, .nothingToCount: true
            default: false
            }
        let words = "\(step) (\(elapsed.components.seconds) s)".printable
        guard let width else {
            // The number of seconds alone is no change.
            defer { told = step }
            return told == step ? text : text + words + "\n"
        }
        if isLast { return text + erasing + words + "\n" }
        let next = String(words.prefix(width - 1))
        guard next != line || !text.isEmpty else { return "" }
        text += erasing + next
        line = next
        return text
    }

    /// What leaves a terminal's line as it is and goes to the next one, before something else is written.
    public func ending() -> String { line.isEmpty ? "" : "\n" }

    /// Back to the beginning of the line, and nothing left of it (ECMA-48, EL).
    private var erasing: String { width == nil ? "" : "\r\u{1B}[K" }
}

extension String {
    /// Without what would move a cursor: words come from elsewhere.
    fileprivate var printable: String {
        String(map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "?" : $0 })
    }
}
