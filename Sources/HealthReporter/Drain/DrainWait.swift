public import NetworkAddress

/// Decides when a drain is over: first every configured director has been told, then no connection is open for a while.
///
/// The order matters. A director that does not know yet goes on sending new connections, so a count of zero says nothing
/// before; what a director sent on just before it knew shows up a moment later, so each is given two polls more (see
/// `DirectorLedger`), and one zero is not enough; and while somebody still sends, connections that come and go between two
/// counts are no proof of anything.
public struct DrainWait: Sendable {
    /// How it ended; the raw value is the exit status of `rsagent drain --wait`.
    public enum Outcome: Int32, Sendable {
        /// The last connection is closed.
        case drained = 0
        /// The time was up, with connections still open or a director still not told.
        case timeout = 3
        /// No director at all took notice in time.
        case notAcknowledged = 4
        /// Somebody ended the drain, or put something else in its place.
        case undrained = 5
    }

    /// How far it is.
    public enum Progress: Sendable, Equatable {
        /// No director is configured: nobody is waited for, only connections are.
        case nobodyToTell
        /// These services have no connections to count: nobody is waited for but the directors, and then a time.
        case nothingToCount([String])
        /// These directors have not been told yet.
        case waitingForDirectors([IPAddress])
        /// These directors have been told, and are given time for what they sent before.
        case settling([IPAddress])
        /// So many connections are open in all.
        case waitingForConnections(Int)
        /// No connection is open now, and these still send new ones, in words.
        case stillSending([String])
        /// The time is up, so many connections are open in all, and they are to be ended.
        case cutting(Int)
        /// What is under way to these services, which have no connections to count, is left in peace for a time.
        case leaving([String])
        /// The connections of these services cannot be counted.
        case uncountable([String])
        /// No connection is open; whether it stays so is being watched.
        case holding
        /// The agent does not answer; it may be restarting, which a drain survives.
        case agentSilent
        /// It is over.
        case done(Outcome)
    }

    /// What is known at one moment.
    public struct Sample: Sendable, Equatable {
        /// What is taken out by hand.
        public var administered: [AdministeredService]
        /// Open connections by the service's name, counted after `administered` was asked for; no entry where they could
        /// not be counted.
        public var connections: [String: Int]
        /// The services that have none to count (UDP).
        public var withoutConnections: Set<String>

        /// Creates a sample.
        public init(
            administered: [AdministeredService], connections: [String: Int], withoutConnections: Set<String> = []
        ) {
            self.administered = administered
            self.connections = connections
            self.withoutConnections = withoutConnections
        }
    }

    /// How long no connection may have been open before the drain is over.
    public static let hold = Duration.milliseconds(500)
    /// How often a sample is taken.
    public static let sampleInterval = Duration.milliseconds(75)
    /// How many samples without a connection there must have been in that time.
    static let fewestSamples = 5
    /// How long after the time is up a wait by force goes on: until directors know, what they send is cut.
    public static let forcedTime = Duration.seconds(10)

    /// How long it may take in all.
    public let timeout: Duration
    /// How long it may take until one director has been told.
    public let acknowledgementTimeout: Duration
    /// Whether no director is configured.
    public let hasNobodyToTell: Bool
    /// Whether connections that are open when the time is up are to be ended.
    public let isForced: Bool
    /// Since when the time is up, where it is and `isForced`.
    public private(set) var forcedSince: Duration?

    private let awaited: [String: UInt64]
    private var hasAcknowledgement = false
    private var zeroSince: Duration?
    private var zeroSamples = 0

    /// A wait for what `answer`, the answer to a drain, says is drained.
    ///
    /// - Parameters:
    ///   - timeout: How long it may take in all.
    ///   - acknowledgementTimeout: How long it may take until one director has been told; at most `timeout`.
    ///   - isForced: Whether connections that are open when the time is up are to be ended, and the wait goes on for
    ///     `forcedTime`.
    public init(
        for answer: ControlAnswer, timeout: Duration, acknowledgementTimeout: Duration = .seconds(30),
        isForced: Bool = false
    ) {
        self.timeout = timeout
        self.acknowledgementTimeout = min(timeout, acknowledgementTimeout)
        self.isForced = isForced
        hasNobodyToTell = answer.directors.isEmpty
        awaited = Dictionary(answer.administered.filter { $0.mode == .drain }.map { ($0.name, $0.generation) }) {
            first, _ in first
        }
    }

    /// The services that are waited for, sorted.
    public var services: [String] { awaited.keys.sorted() }

    /// Takes a sample into account.
    ///
    /// - Parameters:
    ///   - sample: What is known; nil where the agent did not answer.
    ///   - elapsed: Since the drain was asked for.
    public mutating func evaluate(_ sample: Sample?, at elapsed: Duration) -> Progress {
        let progress = judge(sample, at: elapsed)
        if progress != .holding, progress != .done(.drained) { (zeroSince, zeroSamples) = (nil, 0) }
        if case .done = progress { return progress }
        let isUnheard = !hasNobodyToTell && !hasAcknowledgement
        // What is to be ended by force has all of its time: nobody is cut because a director is silent.
        let limit = isUnheard && !isForced ? acknowledgementTimeout : timeout
        guard elapsed >= limit || forcedSince != nil else { return progress }
        let outcome = Progress.done(isUnheard ? .notAcknowledged : .timeout)
        guard isForced else { return outcome }
        let since = forcedSince ?? elapsed
        forcedSince = since
        guard elapsed - since < Self.forcedTime else { return outcome }
        let open = sample.map(openConnections) ?? 0
        return open > 0 ? .cutting(open) : progress
    }

    private func openConnections(_ sample: Sample) -> Int {
        services.reduce(0) { $0 + (sample.connections[$1] ?? 0) }
    }

    private mutating func judge(_ sample: Sample?, at elapsed: Duration) -> Progress {
        guard let sample else { return .agentSilent }
        var (missing, settling, alarms): ([IPAddress], [IPAddress], [String]) = ([], [], [])
        var leaving: [String] = []
        for (name, generation) in awaited {
            // A later generation is another drain: somebody ended ours in between, and new connections came.
            guard
                let entry = sample.administered.first(where: { $0.name == name }), entry.mode == .drain,
                entry.generation == generation
            else { return .done(.undrained) }
            missing += entry.waitingFor.filter { !missing.contains($0) }
            settling += entry.settling.filter { !settling.contains($0) }
            alarms += entry.alarms.filter { !alarms.contains($0) }
            if !entry.acknowledgedBy.isEmpty { hasAcknowledgement = true }
            if entry.secondsLeft != nil { leaving.append(name) }
        }
        guard missing.isEmpty else { return .waitingForDirectors(missing.sorted()) }
        guard settling.isEmpty else { return .settling(settling.sorted()) }

        let uncounted = services.filter {
            sample.connections[$0] == nil && !sample.withoutConnections.contains($0)
        }
        guard uncounted.isEmpty else { return .uncountable(uncounted) }
        let open = openConnections(sample)
        guard open == 0 else { return .waitingForConnections(open) }
        guard alarms.isEmpty else { return .stillSending(alarms.sorted()) }
        guard leaving.isEmpty else { return .leaving(leaving.sorted()) }

        let since = zeroSince ?? elapsed
        (zeroSince, zeroSamples) = (since, zeroSamples + 1)
        return elapsed - since >= Self.hold && zeroSamples >= Self.fewestSamples ? .done(.drained) : .holding
    }
}

extension DrainWait.Progress: CustomStringConvertible {
    /// One line for a terminal.
    public var description: String {
        switch self {
        case .nobodyToTell: "no `directors` are configured: nobody is waited for but the open connections"
        case .nothingToCount(let services):
            "\(services.joined(separator: ", ")): UDP has no connections to count: over when the directors act on it and "
                + "drain_settle has passed"
        case .leaving(let services):
            "\(services.joined(separator: ", ")): what is under way is left in peace for drain_settle"
        case .waitingForDirectors(let directors):
            "waiting for \(directors.map(\.description).joined(separator: ", ")) to take notice"
        case .settling(let directors):
            "\(directors.map(\.description).joined(separator: ", ")) took notice: waiting for what is still on its way"
        case .waitingForConnections(1): "1 connection is open"
        case .waitingForConnections(let count): "\(count) connections are open"
        case .stillSending(let alarms): "no connection is open, but \(alarms.joined(separator: "; "))"
        case .cutting(let count): "the time is up: ending \(count == 1 ? "1 connection" : "\(count) connections")"
        case .uncountable(let services): "the connections of \(services.joined(separator: ", ")) cannot be counted"
        case .holding: "no connection is open"
        case .agentSilent: "rsagent does not answer"
        case .done(.drained): "drained"
        case .done(.timeout): "not drained in time"
        case .done(.notAcknowledged): "no director took notice in time"
        case .done(.undrained): "the drain was ended meanwhile"
        }
    }
}
