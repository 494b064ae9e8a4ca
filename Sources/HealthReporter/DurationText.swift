/// Durations as the configuration and the endpoints write them: `500ms`, `30s`, `5m`, `1h`.
enum DurationText {
    /// The duration, or nil. A number without a unit is in seconds, as `wait=30`.
    static func parse(_ text: some StringProtocol) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 9, let number = Int64(digits) else { return nil }
        switch text[digits.endIndex...] {
        case "ms": return .milliseconds(number)
        case "", "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3_600)
        default: return nil
        }
    }
}

extension Duration {
    /// In the largest unit that leaves no fraction: `500ms`, `30s`, `5m`.
    var words: String {
        let milliseconds = components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
        if milliseconds == 0 || milliseconds % 1_000 != 0 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1_000
        if seconds % 3_600 == 0 { return "\(seconds / 3_600)h" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
