import NetworkAddress

/// Everything a service's state follows from, and the state that follows.
///
/// In order, the first that applies: taken down by hand is `maint`; a host that is not fit for the traffic is `down`,
/// because packets sent to it would vanish; a drain is `draining`, then `drained`; a failing check is `down`; an agent
/// that is about to stop is `draining`; all else is `up`.
struct ServiceHealth: Sendable {
    /// Whether the host is fit to receive the VIP's traffic.
    enum Setup: Sendable, Equatable {
        /// Nobody has looked yet.
        case unverified
        /// What is wrong with it; empty: nothing.
        case verified(problems: [String])

        var problems: [String] {
            switch self {
            case .unverified: ["not yet verified"]
            case .verified(let problems): problems
            }
        }

        /// The same as parts of a service's reason.
        var reasons: [String] {
            switch self {
            case .unverified: ["setup not yet verified"]
            case .verified(let problems): problems.map { "setup: \($0)" }
            }
        }
    }

    /// What follows.
    struct Verdict: Sendable, Equatable {
        var state: ServiceState
        /// 0 in every state but `up`.
        var weight: Int
        /// In words. It must not hold what changes by itself, such as an age or a number of connections.
        var reason: String
    }

    var baseWeight: Int
    var setup: Setup
    /// The checks' names, verdicts and messages, in the order of the configuration.
    var checks: [(name: String, ok: Bool, message: String)]
    /// What an operator asked for; nil: nothing.
    var administered: AdminState.Entry?
    /// Connections open now; nil: they could not be counted.
    var connections: Int?
    /// The directors that were not yet told of the drain. Empty too where none is configured.
    var directorsToTell: [IPAddress]
    /// Whether the agent is about to stop.
    var agentIsStopping: Bool
    /// Whether a drain cannot be over yet, whatever the number of connections: see `DrainBook`.
    var isDrainHeld = false
    /// Where there are no connections to count: whether the time is over that a drain leaves what is under way. Nil: there
    /// are connections.
    var isTimeOver: Bool?

    /// What follows from all that.
    var verdict: Verdict {
        let setupReasons = setup.reasons
        let checkReasons = checks.filter { !$0.ok }.map { "\($0.name): \($0.message)" }

        if let administered, administered.mode == .maint {
            return quiesced(.maint, [administered.words] + setupReasons)
        }
        if !setupReasons.isEmpty {
            return quiesced(.down, setupReasons + (administered.map { [$0.words] } ?? []))
        }
        if let administered {
            let drained = directorsToTell.isEmpty && !isDrainHeld && (isTimeOver ?? (connections == 0))
            return quiesced(drained ? .drained : .draining, [administered.words] + drainReasons + checkReasons)
        }
        if !checkReasons.isEmpty {
            return quiesced(.down, checkReasons)
        }
        if agentIsStopping {
            return quiesced(.draining, ["agent stopping"])
        }
        return Verdict(state: .up, weight: baseWeight, reason: "")
    }

    private var drainReasons: [String] {
        let directors = directorsToTell.map(\.description).joined(separator: ", ")
        let told = directors.isEmpty ? [] : ["not yet acknowledged by \(directors)"]
        if isTimeOver != nil { return told + ["UDP has no connections to count"] }
        return told + (connections == nil ? ["connections cannot be counted"] : [])
    }

    private func quiesced(_ state: ServiceState, _ reasons: [String]) -> Verdict {
        Verdict(state: state, weight: 0, reason: reasons.joined(separator: "; "))
    }
}
