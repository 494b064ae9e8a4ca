/// Times as the configuration files and the command lines write them: `500ms`, `1s`, `1.5s`, `5m`, `1h`, `14d`.
public enum DurationText {
    /// The units, longest first, in milliseconds.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// The time that `text` says: digits, at most three decimals, and one of `ms`, `s`, `m`, `h`, `d`; nil where it says none.
    public static func duration(from text: some StringProtocol) -> Duration? {
        let number = text.prefix { $0 == "." || ($0.isASCII && $0.isWholeNumber) }
        let unit = text.dropFirst(number.count)
        guard let milliseconds = units.first(where: { $0.name == unit })?.milliseconds else { return nil }
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        // Nine digits of days still fit 64 bits of milliseconds with room to spare.
        guard let whole = parts.first, (1...9).contains(whole.count), let count = Int64(whole) else { return nil }
        var duration = Duration.milliseconds(count * milliseconds)
        if parts.count == 2 {
            let decimals = parts[1]
            guard (1...3).contains(decimals.count), let fraction = Int64(decimals) else { return nil }
            let thousandths = [100, 10, 1][decimals.count - 1] * fraction
            duration += .microseconds(thousandths * milliseconds)
        }
        return duration
    }

    /// `duration` in the largest unit that divides it: `90s`, `500ms`. Less than a millisecond is left out.
    public static func text(for duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        let unit = units.first { milliseconds != 0 && milliseconds % $0.milliseconds == 0 } ?? ("s", 1_000)
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }

    /// The units that are not longer than `longest`, shortest first.
    static func unitNames(upTo longest: Duration) -> [String] {
        units.reversed().filter { .milliseconds($0.milliseconds) <= longest }.map(\.name)
    }
}
