public import NetworkAddress

extension DirectorConfiguration {
    /// One real server of a service.
    public struct Server: Sendable, Equatable {
        /// The RIP. With `dr` and `nat` it serves the VIPs of its family, with `tun` those of both.
        public var address: IPAddress
        /// The port the service listens on where it is not the VIP's; nil: the same. Only with `nat`.
        public var port: UInt16?
        /// Where its agent answers, as `http://HOST:PORT` or `https://HOST:PORT`; nil: no agent, `weight` and `checks` rule.
        public var agent: String?
        /// What its agent is shown, and who must vouch for it. Servers with the same agent have the same.
        public var access: AgentAccess
        /// Multiplies what the agent reports; the weight itself where there is no agent. 0 to 65535.
        public var weight: Int
        /// After how many polls in a row without an answer the server is taken to be down: 1 to 1000.
        public var fall: Int
        /// After how many polls in a row with an answer it is taken to be up again: 1 to 1000.
        public var rise: Int
        /// How many connections it may have; nil: as many as come.
        public var thresholds: Thresholds?
        /// What the director itself asks of the server; all must pass. Empty where there is an agent. Where a check names
        /// no address it is asked of ``address``, and where it names no port of the port that packets are sent to.
        public var checks: [AgentConfiguration.Check]
        /// Whether its agent joined by itself (``Join``). False of all that a file has.
        public var isJoined = false

        /// Creates a server from values that are already known to be valid.
        public init(
            address: IPAddress, port: UInt16? = nil, agent: String?, access: AgentAccess = AgentAccess(),
            weight: Int = 1, fall: Int = 3, rise: Int = 1, thresholds: Thresholds? = nil,
            checks: [AgentConfiguration.Check] = []
        ) {
            self.address = address
            self.port = port
            self.agent = agent
            self.access = access
            self.weight = weight
            self.fall = fall
            self.rise = rise
            self.thresholds = thresholds
            self.checks = checks
        }
    }

    /// Between how many connections a server takes new ones (ipvsadm(8), `--u-threshold`, `--l-threshold`).
    public struct Thresholds: Sendable, Equatable {
        /// With so many it takes no more: 1 to 100,000,000.
        public var upper: Int
        /// With fewer than so many it takes new ones again: 1 to `upper`; nil: with fewer than three quarters of `upper`.
        public var lower: Int?

        /// Thresholds of these numbers.
        public init(upper: Int, lower: Int? = nil) {
            self.upper = upper
            self.lower = lower
        }
    }
}
