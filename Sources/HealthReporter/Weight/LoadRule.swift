import ConfigurationFile

/// What a load rule looks at; the raw value is its name in a report's reason.
enum LoadMeasure: String, Sendable, Hashable, CaseIterable {
    case cpu
    case cpuPressure = "cpu pressure"
    case memory
    case loadAverage = "load average"
    case connections
    case command

    /// This measure with a figure, for people: `cpu 0.83`, `connections 2412`.
    func words(_ figure: Double) -> String {
        switch self {
        case .cpu, .cpuPressure, .memory, .loadAverage: "\(rawValue) \(figure.rounded(toDecimals: 2))"
        case .connections: "\(rawValue) \(figure.rounded(toDecimals: 0))"
        case .command: "\(rawValue) \(figure.rounded(toDecimals: figure < 100 ? 2 : 0))"
        }
    }
}

/// One look at a measure: its figure, or why there is none.
enum LoadReading: Sendable, Equatable {
    case figure(Double)
    /// In words, the same words for the same cause.
    case unreadable(String)

    /// The figure, where there is one.
    var value: Double? {
        if case .figure(let figure) = self { figure } else { nil }
    }
}

/// One measure and the two figures between which it takes the weight down.
struct LoadRule: Sendable, Equatable {
    let measure: LoadMeasure
    /// Up to this figure the weight is full.
    let full: Double
    /// From this figure on nothing of it is left.
    let end: Double

    /// How much of the weight is left: 1 up to `full`, falling in a straight line to 0 at `end`.
    func factor(at figure: Double) -> Double {
        min(1, max(0, (end - figure) / (end - full)))
    }
}

extension AgentConfiguration.LoadRules {
    /// The rules there are.
    var rules: [LoadRule] {
        func share(_ measure: LoadMeasure, _ full: Double?) -> LoadRule? {
            full.map { LoadRule(measure: measure, full: $0, end: 1) }
        }
        func amount(_ measure: LoadMeasure, _ full: Double?) -> LoadRule? {
            full.map { LoadRule(measure: measure, full: $0, end: 2 * $0) }
        }
        return [
            share(.cpu, cpu), share(.cpuPressure, cpuPressure), share(.memory, memory),
            amount(.loadAverage, loadAverage), amount(.connections, connections.map(Double.init)),
            amount(.command, command?.full),
        ].compactMap(\.self)
    }
}

extension Double {
    /// As text with so many digits behind the point: formatters are Foundation's, which is not linked.
    fileprivate func rounded(toDecimals decimals: Int) -> String {
        let scale = decimals == 2 ? 100.0 : 1.0
        // What a program prints may be larger than any Int.
        guard magnitude * scale < 1e15 else { return "\(self)" }
        let units = Int((self * scale).rounded())
        guard decimals == 2 else { return "\(units)" }
        let hundredths = units % 100
        return "\(units / 100).\(hundredths < 10 ? "0" : "")\(hundredths)"
    }
}
