import ConfigurationFile

/// What weight a service asks for while it is up, and why. A state machine without a clock of its own.
///
/// Each figure of a measure goes into an average; each rule makes of its average how much of the weight is left; the rule that
/// leaves the least decides (`LoadWeight`); of that a service that has just come up gets a growing share (`SlowStart`).
///
/// The reason changes only when the weight does: a report that says the same is not a new one.
struct WeightGovernor: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a rule goes on with its last average while its measure cannot be read. After that it is left out, for what it
    /// knows is too old; before, a single failure would let the weight jump up and down.
    static let patience = Duration.seconds(30)
    /// In how many steps a slow start goes where no load rules name a smallest step.
    static let plainSteps = 20

    private struct Watched: Sendable {
        let rule: LoadRule
        var average: MovingAverage
        /// When it last had a figure; at first, since when it has none.
        var latest: Instant
        /// Why it is left out; nil: it is in force, or has only just begun. Worded once, since causes may alternate.
        var complaint: String?

        /// Whether it has a say.
        var isInForce: Bool { complaint == nil && average.value != nil }

        mutating func take(_ reading: LoadReading?, at now: Instant) {
            let cause: String?
            switch reading {
            case .figure(let figure):
                average.add(figure, at: now)
                (latest, complaint) = (now, nil)
                return
            case .unreadable(let words): cause = words
            case nil: cause = nil
            }
            // What never was to be had is told at once; what has not come yet is waited for.
            let isMissed = now - latest >= WeightGovernor.patience || (average.value == nil && cause != nil)
            guard isMissed, complaint == nil else { return }
            complaint =
                "the weight does not follow \(rule.measure.rawValue): \(cause ?? "there was no figure for a while")"
        }
    }

    private let base: Int
    private var watched: [Watched]
    private var load: LoadWeight
    private var slowStart: SlowStart
    private var isUp = false
    private var wasWarm: Bool

    /// The weight to report while the service is up.
    private(set) var weight: Int
    /// Why it is not the whole weight, in words; empty where it is.
    private(set) var reason = ""
    /// Whether the weight is still growing.
    private var isStarting = false

    /// Starts with a service that is not up, and load unknown.
    ///
    /// - Parameter wasWarm: whether the service was up, and past its slow start, when the agent ended a moment ago: it does not
    ///   start slowly if it is up still.
    init(_ service: AgentConfiguration.Service, wasWarm: Bool = false, at now: Instant) {
        base = service.weight
        // Weight 0 is an operator's word; no rule makes more of it.
        let rules = base == 0 ? nil : service.load
        watched = (rules?.rules ?? []).map {
            Watched(
                rule: $0, average: MovingAverage(timeConstant: rules?.smoothing ?? .zero), latest: now, complaint: nil)
        }
        load = LoadWeight(base: base, rules: rules)
        slowStart = SlowStart(
            duration: base == 0 ? .zero : service.slowStart,
            steps: rules.map { (100 + $0.step - 1) / $0.step } ?? Self.plainSteps)
        self.wasWarm = wasWarm
        weight = load.weight
    }

    /// The measures its rules look at.
    var measures: Set<LoadMeasure> { Set(watched.map(\.rule.measure)) }

    /// Whether it is up and has nothing more to warm up for.
    var isWarm: Bool { isUp && !isStarting }

    /// What an operator should know: each rule that is left out, and why.
    var warnings: [String] { watched.compactMap(\.complaint) }

    /// Takes one look at all measures into account, and the time that has passed; a measure that is not among `readings` had
    /// no new figure.
    mutating func take(_ readings: [LoadMeasure: LoadReading], at now: Instant) {
        for index in watched.indices { watched[index].take(readings[watched[index].rule.measure], at: now) }
        var least: (factor: Double, cause: LoadWeight.Demand.Cause)?
        for watched in watched where watched.isInForce {
            guard let figure = watched.average.value else { continue }
            let factor = watched.rule.factor(at: figure)
            if factor < least?.factor ?? .infinity {
                least = (factor, LoadWeight.Demand.Cause(measure: watched.rule.measure, figure: figure))
            }
        }
        load.follow(load.demand(factor: least?.factor ?? 1, cause: least?.cause), at: now)
        settle(at: now)
    }

    /// Takes into account whether the service is up; where it has just come up, its slow start begins.
    mutating func serviceIs(up: Bool, at now: Instant) {
        guard up != isUp || (!up && wasWarm) else { return }
        isUp = up
        if up, !wasWarm { slowStart.begin(at: now) }
        wasWarm = false
        settle(at: now)
    }

    private mutating func settle(at now: Instant) {
        let share = slowStart.share(at: now)
        let part = share.map { Int((Double(load.weight) * $0).rounded()) } ?? load.weight
        let next = min(load.weight, max(part, load.floor))
        guard next != weight || (share != nil) != isStarting else { return }
        weight = next
        isStarting = share != nil
        let words = share.map { "slow start \(Int(($0 * 100).rounded()))%" } ?? ""
        reason = [words, load.reason].filter { !$0.isEmpty }.joined(separator: "; ")
    }
}
