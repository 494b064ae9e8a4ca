/// A diagnosis as text for a terminal: problems with their evidence, cause and cure; what is sound in a line each.
public struct DiagnosisText: Sendable {
    private let diagnosis: Diagnosis
    private let isColoured: Bool

    /// How many lines of one topic that is sound are shown before the rest is only counted.
    private static let limit = 5

    /// - Parameter isColoured: whether severities stand out in colour (ECMA-48); not for files, nor with `NO_COLOR`.
    public init(_ diagnosis: Diagnosis, isColoured: Bool) {
        self.diagnosis = diagnosis
        self.isColoured = isColoured
    }

    /// The lines, each with its newline, and a summary.
    public var text: String {
        var lines: [String] = []
        var soundCounts: [Finding.Topic: Int] = [:]
        for finding in diagnosis.findings {
            if finding.severity == .sound {
                soundCounts[finding.topic, default: 0] += 1
                guard soundCounts[finding.topic, default: 0] <= Self.limit else { continue }
            }
            lines += self.lines(finding)
            let count = diagnosis.findings.count { $0.topic == finding.topic && $0.severity == .sound }
            if soundCounts[finding.topic] == Self.limit, count > Self.limit {
                lines.append("\(column(""))\(column(""))and \(count - Self.limit) more like these")
            }
        }
        let problems = diagnosis.findings.count { $0.severity == .problem }
        let warnings = diagnosis.findings.count { $0.severity == .warning }
        let summary = [
            problems == 0 ? "no problems" : problems == 1 ? "1 problem" : "\(problems) problems",
            warnings == 0 ? nil : warnings == 1 ? "1 warning" : "\(warnings) warnings",
        ]
        return (lines + ["", summary.compactMap { $0 }.joined(separator: ", ")]).map { $0 + "\n" }.joined()
    }

    private func lines(_ finding: Finding) -> [String] {
        var lines = [column(finding.topic.rawValue) + word(finding.severity) + finding.what]
        if finding.severity == .sound, finding.evidence.isEmpty { return lines }
        let indent = column("") + column("")
        lines += finding.evidence.map { "\(indent)seen   \($0)" }
        if let cause = finding.cause { lines.append("\(indent)cause  \(cause)") }
        if let cure = finding.cure { lines.append("\(indent)cure   \(cure)") }
        return lines
    }

    private func column(_ text: String) -> String { text + String(repeating: " ", count: max(1, 11 - text.count)) }

    private func word(_ severity: Finding.Severity) -> String {
        let (text, colour) =
            switch severity {
            case .problem: ("PROBLEM", 31)
            case .warning: ("warning", 33)
            case .sound: ("ok", 32)
            }
        return isColoured ? "\u{1B}[\(colour)m\(column(text))\u{1B}[0m" : column(text)
    }
}
