import ConfigurationFile

/// The weight that load leaves to a service, which does not flap.
///
/// Load asks for a weight with every sample (`Demand`). What is reported follows the least of what was asked for during the
/// last five time constants: it falls at once, and rises only as far as the load has allowed all that time. So a load that
/// swings faster than that holds the weight down at its crests, where it would else go up and down with each swing. And
/// it follows only in steps: a smaller difference is not reported, but for the one that takes it to either end.
struct LoadWeight: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What load asked for with one sample.
    struct Demand: Sendable, Equatable {
        /// Not rounded.
        var weight: Double
        /// The measure that asks for the least, and its average; nil where no rule is in force.
        var cause: Cause?

        struct Cause: Sendable, Equatable {
            var measure: LoadMeasure
            var figure: Double
        }
    }

    /// For how many time constants a low demand is remembered: after five an exponential average has all but settled (99%).
    static let memory = 5

    let floor: Int
    let ceiling: Int
    /// The smallest change, at least 1.
    private let step: Double
    private var recent: RecentLeast

    /// What is to be reported.
    private(set) var weight: Int
    /// Why it is less than `ceiling`, as of when it last changed: `cpu 0.83`. Empty where it is not.
    private(set) var reason = ""

    /// Starts at the ceiling. Without rules it stays there.
    init(base: Int, rules: AgentConfiguration.LoadRules?) {
        ceiling = rules?.ceiling ?? base
        floor = min(rules?.floor ?? 1, ceiling)
        step = max(1, Double(base) * Double(rules?.step ?? 1) / 100)
        recent = RecentLeast(window: (rules?.smoothing ?? .zero) * Self.memory)
        weight = ceiling
    }

    /// What is asked for where `factor` of the weight is left, 0 to 1.
    func demand(factor: Double, cause: Demand.Cause?) -> Demand {
        Demand(weight: Double(floor) + Double(ceiling - floor) * factor, cause: cause)
    }

    /// Takes a demand into account.
    mutating func follow(_ demand: Demand, at now: Instant) {
        let least = recent.add(demand, at: now)
        let next = Int(least.weight.rounded())
        let reachesAnEnd = next == floor || next == ceiling
        guard next != weight, reachesAnEnd || Double(abs(next - weight)) >= step else { return }
        weight = next
        reason = next < ceiling ? least.cause.map { $0.measure.words($0.figure) } ?? "" : ""
    }
}

/// The least demand of the last while.
///
/// Kept in fiftieths of that time, so that its size does not depend on how often something is added; a demand is forgotten
/// up to a fiftieth early.
private struct RecentLeast: Sendable {
    typealias Demand = LoadWeight.Demand

    private struct Part: Sendable {
        let start: ContinuousClock.Instant
        var least: Demand
    }

    private static let parts = 50
    /// Zero: only the latest demand counts.
    let window: Duration
    private var parts: [Part] = []

    init(window: Duration) {
        self.window = window
    }

    /// Adds a demand, and returns the least there is then.
    mutating func add(_ demand: Demand, at now: ContinuousClock.Instant) -> Demand {
        if let last = parts.last, now - last.start < window / Self.parts {
            if demand.weight <= last.least.weight { parts[parts.count - 1].least = demand }
        } else {
            parts.append(Part(start: now, least: demand))
        }
        parts.removeAll { now - $0.start > window }
        // The latest of equals: its cause is the one to name.
        return parts.reduce(demand) { $1.least.weight < $0.weight ? $1.least : $0 }
    }
}
