import Synchronization

/// What the endpoint has done since the agent started, for `/metrics`. Every key comes from a short list of ours: nothing a
/// caller sends makes a new one.
final class EndpointCounters: Sendable {
    /// A path as it is counted: names of services are not told apart.
    enum Path: String, Sendable, CaseIterable {
        case report, service, directors, health, weight, livez, readyz, metrics, change, other
    }

    /// Answers over HTTP.
    struct Request: Hashable, Sendable {
        var path: Path
        var status: Int
    }

    /// What became of a connection that was not simply answered.
    enum Closure: String, Sendable, CaseIterable {
        /// There was no room for it.
        case turnedAway = "turned_away"
        /// It made room for a newer one.
        case evicted
        /// It took too long.
        case tooSlow = "too_slow"
        /// It sent too much.
        case tooLarge = "too_large"
    }

    /// A closure, and of whose connection.
    struct Closed: Hashable, Sendable {
        var closure: Closure
        var caller: Caller
    }

    /// Everything that is counted.
    struct Counts: Sendable {
        var requests: [Request: Int] = [:]
        var closed: [Closed: Int] = [:]
        var agentChecks: [String: Int] = [:]
        /// Requests and lines refused to strangers.
        var strangers = 0
        /// Requests that showed no token or a wrong one, of callers that may ask.
        var refusedTokens: [Caller: Int] = [:]
    }

    private let counts = Mutex(Counts())

    /// As of now.
    var current: Counts { counts.withLock { $0 } }

    func count(_ path: Path, _ status: Int) {
        counts.withLock { $0.requests[Request(path: path, status: status), default: 0] += 1 }
    }

    func count(_ closure: Closure, of caller: Caller) {
        counts.withLock { $0.closed[Closed(closure: closure, caller: caller), default: 0] += 1 }
    }

    /// A line was answered for `service`, one of the configured ones.
    func countAgentCheck(of service: String) {
        counts.withLock { $0.agentChecks[service, default: 0] += 1 }
    }

    func countStranger() {
        counts.withLock { $0.strangers += 1 }
    }

    func countRefusedToken(of caller: Caller) {
        counts.withLock { $0.refusedTokens[caller, default: 0] += 1 }
    }
}

extension Question {
    /// How its path is counted.
    var countedPath: EndpointCounters.Path {
        switch (path.first, path.count) {
        case ("v1", 2) where path[1] == "report": .report
        case ("v1", 2) where path[1] == "directors": .directors
        case ("v1", 2) where method == "POST" && Endpoint.Change(rawValue: String(path[1])) != nil: .change
        case ("v1", 3) where path[1] == "services": .service
        case ("health", 1), ("health", 2): .health
        case ("weight", 2): .weight
        case ("livez", 1): .livez
        case ("readyz", 1): .readyz
        case ("metrics", 1): .metrics
        default: .other
        }
    }
}
