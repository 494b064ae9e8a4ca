public import NetworkAddress

/// Who polls, and what is taken out of service by hand: the answer to `GET /v1/directors` and to every change, on the
/// control socket.
public struct ControlAnswer: Codable, Sendable, Equatable {
    /// The report's generation as of the answer.
    public var generation: UInt64
    /// The configured directors, in the order of the configuration.
    public var directors: [DirectorStatus]
    /// The services drained or in maintenance, in the order of the configuration.
    public var administered: [AdministeredService]
    /// The weights set by hand, in the order of the configuration.
    public var weights: [WeightByHand]
    /// The directors that are joined by this server itself, in the order of the configuration.
    public var joins: [JoinStatus]

    /// Creates an answer.
    public init(
        generation: UInt64, directors: [DirectorStatus], administered: [AdministeredService],
        weights: [WeightByHand] = [], joins: [JoinStatus] = []
    ) {
        self.generation = generation
        self.directors = directors
        self.administered = administered
        self.weights = weights
        self.joins = joins
    }
}

/// A configured director as the agent knows it.
public struct DirectorStatus: Codable, Sendable, Equatable {
    /// Its address, as in the agent's configuration.
    public var address: IPAddress
    /// How it names itself (`&director=NAME`); nil if it does not.
    public var name: String?
    /// When it last asked; nil: not since the agent started.
    public var lastPoll: Timestamp?
    /// The latest generation it is known to have been told of; nil: none.
    public var acknowledgedGeneration: UInt64?
    /// What is wrong with its latest questions, which were refused: `wrong token`; nil: nothing.
    public var refused: String?

    /// Creates a director's status.
    public init(
        address: IPAddress, name: String?, lastPoll: Timestamp?, acknowledgedGeneration: UInt64?, refused: String? = nil
    ) {
        self.refused = refused
        self.address = address
        self.name = name
        self.lastPoll = lastPoll
        self.acknowledgedGeneration = acknowledgedGeneration
    }

    enum CodingKeys: String, CodingKey {
        case address, name, refused
        case lastPoll = "last_poll"
        case acknowledgedGeneration = "acknowledged_generation"
    }
}

/// How many connections were ended: the answer to `POST /v1/cut`, on the control socket.
public struct CutAnswer: Codable, Sendable, Equatable {
    /// Of all services named.
    public var connections: Int

    /// Creates an answer.
    public init(connections: Int) {
        self.connections = connections
    }
}

/// A service taken out by hand, and which directors know.
public struct AdministeredService: Codable, Sendable, Equatable {
    /// The service's name.
    public var name: String
    /// What was asked.
    public var mode: AdminMode
    /// Why, in the operator's words; may be empty.
    public var reason: String
    /// When it was asked.
    public var since: Timestamp
    /// When it ends by itself; nil: only by `undrain`.
    public var until: Timestamp?
    /// The first generation of the report that tells of it.
    public var generation: UInt64
    /// The configured directors that have been told.
    public var acknowledgedBy: [IPAddress]
    /// The configured directors that have not.
    public var waitingFor: [IPAddress]
    /// The configured directors that never ask about it, though they ask about others: they are not waited for.
    public var unconcerned: [IPAddress]
    /// What directors say themselves, in words: `10.0.0.1: HAProxy lb1 has web/rs1 NOLB`.
    public var testimony: [String]
    /// Those that have, and are given time for what they sent before: two polls more, or what stands for them.
    public var settling: [IPAddress]
    /// Who still sends new connections though all directors have been told, in words.
    public var alarms: [String]
    /// Of a drained service that has no connections to count (UDP): how long what is under way is left in peace once the
    /// directors act on the drain (`drain_settle`), or how much of that is left, in seconds. Nil: that is over, or there are
    /// connections to wait for.
    public var secondsLeft: Int?

    /// Creates a service taken out by hand.
    public init(
        name: String, mode: AdminMode, reason: String, since: Timestamp, until: Timestamp?, generation: UInt64,
        acknowledgedBy: [IPAddress], waitingFor: [IPAddress], unconcerned: [IPAddress] = [],
        testimony: [String] = [], settling: [IPAddress] = [], alarms: [String] = [], secondsLeft: Int? = nil
    ) {
        self.name = name
        self.mode = mode
        self.reason = reason
        self.since = since
        self.until = until
        self.generation = generation
        self.acknowledgedBy = acknowledgedBy
        self.waitingFor = waitingFor
        self.unconcerned = unconcerned
        self.testimony = testimony
        self.settling = settling
        self.alarms = alarms
        self.secondsLeft = secondsLeft
    }

    enum CodingKeys: String, CodingKey {
        case name, mode, reason, since, until, generation, unconcerned, testimony, settling, alarms
        case acknowledgedBy = "acknowledged_by"
        case waitingFor = "waiting_for"
        case secondsLeft = "seconds_left"
    }
}
