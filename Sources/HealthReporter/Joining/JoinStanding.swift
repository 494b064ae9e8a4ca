/// How this server stands with one director that it joins by itself.
public struct JoinStatus: Codable, Sendable, Equatable {
    /// How it stands.
    public enum State: String, Codable, Sendable, CaseIterable {
        /// It has not been answered yet.
        case joining
        /// It is a server of ``JoinStatus/services``.
        case joined
        /// The director does not take it.
        case refused
        /// The director does not answer.
        case unreachable
    }

    /// Where the director takes joins: `http://10.0.0.1:9391`.
    public var director: String
    /// How it stands.
    public var state: State
    /// The services it is a server of there, by this join or because the director's own file has it. Empty unless `joined`.
    public var services: [String]
    /// Why, in words; empty where there is nothing to explain.
    public var reason: String

    /// A status.
    public init(director: String, state: State = .joining, services: [String] = [], reason: String = "") {
        self.director = director
        self.state = state
        self.services = services
        self.reason = reason
    }
}

/// What came of asking a director.
enum JoinOutcome: Sendable, Equatable {
    case answered(JoinAnswer)
    case refused(String)
    case unreachable(String)
}

/// Where a join is and when to ask again: a state machine without a clock or dice of its own.
struct JoinStanding: Sendable {
    /// How many times a lease is renewed before it would run out.
    static let renewals = 3
    /// The pause after the first failure; each that follows is twice as long.
    static let shortestPause = Duration.seconds(1)
    /// The longest pause: a director that comes back has its servers again within that.
    static let longestPause = Duration.seconds(10)
    /// How long an answer may take at most, in all. The director looks at its own network before it takes a server in.
    static let longestTimeout = Duration.seconds(5)
    /// The longest name that is told of a service, in characters: what names are in the file.
    private static let longestName = 63

    private(set) var status: JoinStatus
    /// Whether the director has ever taken it: then there is something to leave.
    private(set) var hasJoined = false
    private var failures = 0
    private var lease = Duration.zero

    init(director: String) { status = JoinStatus(director: director) }

    /// What came of asking. Returns whether that is news.
    mutating func take(_ outcome: JoinOutcome) -> Bool {
        let old = status
        switch outcome {
        case .answered(let answer):
            (failures, hasJoined) = (0, true)
            lease = .seconds(min(max(answer.leaseSeconds, 1), 86_400))
            status.state = .joined
            status.services = answer.services.filter { $0.outcome != .refused }.map(Self.name(of:))
            status.reason = answer.services.compactMap(Self.remark).joined(separator: "; ")
        case .refused(let reason): fail(.refused, reason)
        case .unreachable(let reason): fail(.unreachable, reason)
        }
        return status != old
    }

    /// How long to wait before asking again.
    ///
    /// - Parameter chance: from 0 up to 1: agents that were started at once do not ask at once for ever.
    func pause(chance: Double) -> Duration {
        if status.state == .joined { return lease / Self.renewals * (1 - 0.2 * chance) }
        let doublings = min(max(failures - 1, 0), 10)
        return min(Self.shortestPause * (1 << doublings), Self.longestPause) * (1 - 0.5 * chance)
    }

    /// How long an answer may take now: one that is lost leaves time to ask again before the lease is over.
    var timeout: Duration { hasJoined ? min(Self.longestTimeout, lease / Self.renewals) : Self.longestTimeout }

    private mutating func fail(_ state: JoinStatus.State, _ reason: String) {
        failures += 1
        status.state = state
        status.services = []
        status.reason = reason
    }

    /// As it may be printed: whatever answers there may have said it.
    private static func name(of service: JoinAnswer.Service) -> String {
        printableLine(service.name.utf8, upTo: longestName)
    }

    private static func remark(_ service: JoinAnswer.Service) -> String? {
        switch service.outcome {
        case .joined: nil
        case .configured: "\(name(of: service)): in the director's own file"
        case .refused: "\(name(of: service)) refused: \(printableLine(service.reason.utf8, upTo: 300))"
        }
    }
}
