/// Times in microseconds, sorted.
struct Distribution: CustomStringConvertible {
    private let sorted: [Int32]

    init(microseconds: [Int32]) { sorted = microseconds.sorted() }

    /// The time that this part of all did not exceed, in milliseconds.
    func quantile(_ part: Double) -> Double {
        guard !sorted.isEmpty else { return .nan }
        let rank = Int((part * Double(sorted.count)).rounded(.up)) - 1
        return Double(sorted[min(max(rank, 0), sorted.count - 1)]) / 1_000
    }

    var description: String {
        let parts = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1)]
        return parts.map { "\($0) \(Self.text(quantile($1))) ms" }.joined(separator: ", ")
    }

    /// With two decimals.
    private static func text(_ number: Double) -> String {
        let hundredths = Int((number * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}
