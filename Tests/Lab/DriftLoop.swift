internal import Glibc

/// Drifts at random, one after the other, on a host that a running agent keeps fit, and how long each repair took.
public struct DriftLoop {
    /// How long repairs took, by the drift's kind.
    public struct Figures: Sendable {
        /// Every repair's time, by kind.
        public var times: [String: [Duration]] = [:]

        /// How many drifts there were.
        public var count: Int { times.values.reduce(0) { $0 + $1.count } }

        /// One line per kind, in milliseconds: how often, the median, what nearly all kept within, the worst.
        public var text: String {
            let lines = times.sorted { $0.key < $1.key }.map { kind, times in
                let sorted = times.sorted()
                let median = Self.milliseconds(sorted[sorted.count / 2])
                let most = Self.milliseconds(sorted[sorted.count * 19 / 20])
                let worst = Self.milliseconds(sorted[sorted.count - 1])
                return "\(kind): \(times.count) times, median \(median) ms, 95 % within \(most) ms, worst \(worst) ms"
            }
            return lines.joined(separator: "\n")
        }

        private static func milliseconds(_ time: Duration) -> Int { Int((time / .milliseconds(1)).rounded()) }
    }

    /// How long an emulated guest has for it, where a repair takes seconds: two minutes, or what `RSLAB_DRIFT_SECONDS` says.
    public static var limitInGuest: Duration {
        .seconds(getenv("RSLAB_DRIFT_SECONDS").flatMap { Int(String(cString: $0)) } ?? 120)
    }

    /// Inflicts `count` of `drifts`, or as many as fit in `limit`, waiting each time until the host `isFit` again, which is
    /// asked on the calling thread. The time of a repair is counted from the end of the drift's last command, and includes one
    /// look of the judge's own.
    ///
    /// - Parameters:
    ///   - seed: what decides on the order: the same number gives the same drifts.
    ///   - problem: what the judge sees where the host is not fit; nil: it is.
    public static func run(
        _ drifts: [Drift], count: Int, limit: Duration, seed: UInt64, problem: () throws -> String?
    ) throws -> Figures {
        var generator = SeededNumbers(seed: seed)
        var figures = Figures()
        let clock = ContinuousClock()
        let end = clock.now + limit
        for number in 0..<count {
            // Every kind comes before any comes again.
            let isFirstRound = number < drifts.count
            let drift = drifts[isFirstRound ? number : Int.random(in: 0..<drifts.count, using: &generator)]
            try SetupHost.perform(drift.lines)
            let start = clock.now
            var last: String?
            do {
                try Deadline.block(until: "the repair of \(drift.lines)", every: .milliseconds(1)) {
                    last = try problem()
                    return last == nil
                }
            } catch {
                throw LabError("drift \(number) of seed \(seed): \(error): \(last ?? "")")
            }
            figures.times[drift.kind, default: []].append(clock.now - start)
            if clock.now > end { break }
        }
        return figures
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
