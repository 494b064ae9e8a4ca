public import ConfigurationFile
public import NetworkAddress

/// What an agent says about its host: the JSON of `GET /v1/report`. The agent encodes it, a director decodes it.
///
/// Keys that a reader does not know are skipped, so that an older director understands a newer agent.
///
/// `generation` grows whenever something changed that a director should act on or an operator should see: a state, a
/// weight, a reason, the setup with its warnings, a check's verdict, its message or its warning. `time`, a service's `connections` and a check's
/// `latencyMilliseconds` are as of the answer: they change all the time and do not make a new generation.
public struct Report: Codable, Sendable, Equatable {
    /// Which program speaks, with its version: `rsagent 0.1.0`.
    public var agent: String
    /// The host's name.
    public var host: String
    /// The host's boot ID (`/proc/sys/kernel/random/boot_id`): another one means that the host was started anew.
    public var boot: String
    /// Grows with every change and never goes back, also across restarts of the agent.
    public var generation: UInt64
    /// When the report was made.
    public var time: Timestamp
    /// The services, in the order of the agent's configuration. Names are unique.
    public var services: [Service]
    /// What an operator should look into and is not about one service, in words: a director that no longer asks, say. Empty too
    /// where an agent does not know of such.
    public var warnings: [String]

    /// Creates a report.
    public init(
        agent: String, host: String, boot: String, generation: UInt64, time: Timestamp, services: [Service],
        warnings: [String] = []
    ) {
        self.agent = agent
        self.host = host
        self.boot = boot
        self.generation = generation
        self.time = time
        self.services = services
        self.warnings = warnings
    }

    /// As an agent wrote it; agents before warnings were told leave them out.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        agent = try container.decode(String.self, forKey: .agent)
        host = try container.decode(String.self, forKey: .host)
        boot = try container.decode(String.self, forKey: .boot)
        generation = try container.decode(UInt64.self, forKey: .generation)
        time = try container.decode(Timestamp.self, forKey: .time)
        services = try container.decode([Service].self, forKey: .services)
        warnings = try container.decodeIfPresent([String].self, forKey: .warnings) ?? []
    }

    /// The service of that name, or nil.
    public func service(named name: String) -> Service? {
        services.first { $0.name == name }
    }
}

extension Report {
    /// One service on this real server.
    public struct Service: Codable, Sendable, Equatable {
        /// The name the agent's and the director's configuration agree on.
        public var name: String
        /// The addresses clients connect to.
        public var vips: [IPAddress]
        /// The ports clients connect to; empty: all.
        public var ports: [UInt16]
        /// The transport protocol.
        public var transport: TransportProtocol
        /// How the agent expects its packets.
        public var forward: ForwardingMethod
        /// Whether the service takes connections.
        public var state: ServiceState
        /// The share of new connections it asks for, 0 to 65535; 0 in every state but `up`.
        public var weight: Int
        /// What a healthy, idle server reports.
        public var baseWeight: Int
        /// Why the state and the weight are what they are, in words; empty where there is nothing to explain.
        public var reason: String
        /// Connections that clients hold open now; nil where they could not be counted, and with UDP, which has none.
        public var connections: Int?
        /// Whether the host is fit to receive the VIP's traffic.
        public var setup: Setup
        /// The verdict of each check.
        public var checks: [CheckResult]

        /// Creates a service's part of a report.
        public init(
            name: String, vips: [IPAddress], ports: [UInt16], transport: TransportProtocol, forward: ForwardingMethod,
            state: ServiceState, weight: Int, baseWeight: Int, reason: String, connections: Int?, setup: Setup,
            checks: [CheckResult]
        ) {
            self.name = name
            self.vips = vips
            self.ports = ports
            self.transport = transport
            self.forward = forward
            self.state = state
            self.weight = weight
            self.baseWeight = baseWeight
            self.reason = reason
            self.connections = connections
            self.setup = setup
            self.checks = checks
        }

        enum CodingKeys: String, CodingKey {
            case name, vips, ports, forward, state, weight, reason, connections, setup, checks
            case transport = "protocol"
            case baseWeight = "base_weight"
        }
    }

    /// Whether the host is fit to receive a service's traffic.
    public struct Setup: Codable, Sendable, Equatable {
        /// Whether nothing is wrong.
        public var ok: Bool
        /// What is wrong, in words; empty where `ok`.
        public var problems: [String]
        /// What an operator should look into though it does not take the service down, in words: another host that answers
        /// for a VIP, say. Empty too where an agent does not know of such.
        public var warnings: [String]

        /// Creates a setup that is sound when there are no problems.
        public init(problems: [String], warnings: [String] = []) {
            ok = problems.isEmpty
            self.problems = problems
            self.warnings = warnings
        }

        /// As an agent wrote it; agents before warnings were told leave them out.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            ok = try container.decode(Bool.self, forKey: .ok)
            problems = try container.decode([String].self, forKey: .problems)
            warnings = try container.decodeIfPresent([String].self, forKey: .warnings) ?? []
        }
    }

    /// The dampened verdict of one check.
    public struct CheckResult: Codable, Sendable, Equatable {
        /// What is asked, and where if that is not obvious: `http /healthz`, `tcp on 192.0.2.10`.
        public var name: String
        /// Whether the check passes: after `rise` successes in a row, until `fall` failures in a row.
        public var ok: Bool
        /// Since when `ok` has been what it is.
        public var since: Timestamp
        /// How long the latest answer took; nil before the first.
        public var latencyMilliseconds: Double?
        /// The latest answer that agrees with `ok`, in words.
        public var message: String
        /// What an operator should look into though the check may pass, in words: a certificate that ends soon, say. Nil
        /// where there is nothing, and with agents that do not know of such.
        public var warning: String?

        /// Creates a verdict.
        public init(
            name: String, ok: Bool, since: Timestamp, latencyMilliseconds: Double?, message: String,
            warning: String? = nil
        ) {
            self.name = name
            self.ok = ok
            self.since = since
            self.latencyMilliseconds = latencyMilliseconds
            self.message = message
            self.warning = warning
        }

        enum CodingKeys: String, CodingKey {
            case name, ok, since, message, warning
            case latencyMilliseconds = "latency_ms"
        }
    }
}
