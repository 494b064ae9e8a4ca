extension Table {
    /// A share of a whole: above 0 and below 1.
    func share(_ key: String, example: Double) -> Double? {
        guard let value = self[key],
            let number = number(value, "write \(key) = \(example), a share above 0 and below 1")
        else { return nil }
        guard number > 0, number < 1 else {
            // Somebody who writes 80 means a percentage.
            let isPercentage = number > 1 && number < 100 && number.rounded() == number
            let cure = isPercentage ? "write \(key) = \(number / 100)" : "write a share, such as \(key) = \(example)"
            findings.report(value, "\(Self.written(number)) is not above 0 and below 1", cure)
            return nil
        }
        return number
    }

    /// A number above 0, whole or not, and not above `largest`.
    func positive(_ key: String, upTo largest: Double) -> Double? {
        let cure = "write a number above 0, of at most \(Self.written(largest))"
        guard let value = self[key], let number = number(value, cure) else { return nil }
        guard number > 0, number <= largest else {
            findings.report(value, "\(Self.written(number)) is out of range", cure)
            return nil
        }
        return number
    }

    /// The number that `value` is, with decimals or without. It may be infinite, or none (`nan`).
    private func number(_ value: Node, _ cure: String) -> Double? {
        switch value.value {
        case .integer(let number): return Double(number)
        case .decimal(let number): return number
        default:
            findings.report(value, "is \(value.kind), not a number", cure)
            return nil
        }
    }

    private static func written(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }
}
