public import ConfigurationFile
public import HealthReporter
public import NetworkAddress

extension StatusSnapshot {
    /// One service on one VIP.
    public struct Service: Codable, Sendable, Equatable {
        /// The name the agents know it by.
        public var name: String
        /// The transport protocol.
        public var transport: TransportProtocol
        /// The address clients connect to.
        public var vip: IPAddress
        /// The port clients connect to; 0: all.
        public var port: UInt16
        /// How a server is picked.
        public var scheduler: SchedulerName
        /// How the scheduler does it, by ipvsadm's names: `sh-port`.
        public var schedulerFlags: [String]
        /// Whether clients stay with their server; nil: they do not.
        public var persistence: Persistence?
        /// Since the service is there.
        public var total: Figures
        /// A second, over about the last 8.
        public var rate: Figures
        /// The servers, in the order of the configuration, and behind them the sorry server that this VIP has.
        public var servers: [Server]

        enum CodingKeys: String, CodingKey {
            case name, vip, port, scheduler, persistence, total, rate, servers
            case transport = "protocol"
            case schedulerFlags = "scheduler_flags"
        }
    }

    /// How clients stay with their server.
    public struct Persistence: Codable, Sendable, Equatable {
        /// For how many seconds after their last new connection.
        public var timeout: Int64
        /// How many leading bits of an address make a client: 1 to 32, with an IPv6 VIP to 128.
        public var prefixLength: Int

        enum CodingKeys: String, CodingKey {
            case timeout
            case prefixLength = "prefix_length"
        }
    }

    /// One real server of a service.
    public struct Server: Codable, Sendable, Equatable {
        /// The RIP.
        public var address: IPAddress
        /// The port packets reach it on; 0: whichever the client used.
        public var port: UInt16
        /// How packets reach it.
        public var forward: ForwardingMethod
        /// Its share of new connections: what the agent asks for × what is configured, 0 to 65535.
        public var weight: Int
        /// Connections in SYN_RECV and ESTABLISHED, as far as one direction tells.
        public var active: Int
        /// Connections closing or closed, and those of UDP.
        public var inactive: Int
        /// Clients that stay with it.
        public var templates: Int
        /// From how many connections on it gets no new ones; nil: without a limit.
        public var upper: Int?
        /// Below how many it gets new ones again; nil: three quarters of `upper`.
        public var lower: Int?
        /// Since the server is there.
        public var total: Figures
        /// A second, over about the last 8.
        public var rate: Figures
        /// Its state, by its agent; `up` where it has none.
        public var state: ServiceState
        /// Why, in words; empty where there is nothing to explain.
        public var reason: String
        /// Where its agent answers; nil: it has none.
        public var agent: String?
        /// What the agent asks for; nil: no agent, or it did not say.
        public var agentWeight: Int?
        /// Whether its agent joined by itself: no file has it.
        public var joined = false
        /// Whether it is the sorry server: nobody checks it, and it has a weight while too few others are up.
        public var sorry = false
        /// The MAC its packets go to; nil: not known, so that it gets nothing.
        public var mac: String?

        enum CodingKeys: String, CodingKey {
            case address, port, forward, weight, active, inactive, templates, upper, lower, total, rate, state, reason
            case agent, joined, sorry, mac
            case agentWeight = "agent_weight"
        }
    }
}
