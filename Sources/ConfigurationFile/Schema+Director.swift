extension Schema {
    /// All tables of `rsdirector.toml`.
    static let ofDirector: [Schema] = [
        .director, .timeouts, .directorService, .server, .sorryServer, .directorAgent, .join, .outbound, .serviceCheck,
        .serverCheck, .joinTLS,
    ]

    /// The top of `rsdirector.toml`.
    static let director = Schema(
        nil,
        keys: [
            "interface", "engine", "run_dir", "status", "own_vip", "flows", "workers", "sloppy", "timeouts",
            "agent", "join", "service", "outbound",
        ])

    /// When flows are forgotten.
    static let timeouts = Schema("[timeouts]", keys: ["tcp", "tcp_fin", "udp"])

    /// How agents are asked.
    static let directorAgent = Schema("[agent]", keys: ["tls"] + accessKeys)

    /// What an agent is shown, and who must vouch for it.
    private static let accessKeys = ["token", "token_file", "ca", "certificate", "key"]

    /// How agents join by themselves.
    static let join = Schema(
        "[join]", keys: ["listen", "tls", "token", "token_file", "services", "networks", "lease", "limit"])

    /// The files of TLS where agents join.
    static let joinTLS = Schema("[join.tls]", keys: ["certificate", "key"])

    /// A service and the servers behind it.
    static let directorService = Schema(
        "[[service]]",
        keys: [
            "name", "vip", "port", "protocol", "forward", "reply", "tunnel", "tunnel_port", "scheduler",
            "scheduler_flags", "persistence", "persistence_netmask", "persistence_netmask6", "drained_clients",
            "removed_connections", "sloppy", "sorry_server", "quorum", "hysteresis", "slow_start", "last_word", "rise",
            "fall", "check", "server",
        ],
        refused: ["real_port": ("is a key of rsagent.toml", "write port in [[service.server]]")])

    /// A real server.
    static let server = Schema(
        "[[service.server]]",
        keys: ["address", "port", "agent"] + accessKeys + ["weight", "rise", "fall", "upper", "lower", "check"])

    /// Who answers while too few servers are up.
    static let sorryServer = Schema("[service.sorry_server]", keys: ["address", "port", "forward"])

    /// Source NAT.
    static let outbound = Schema("[[outbound]]", keys: ["source", "address", "ports"])

    /// A question the director asks of each server without an agent.
    static let serviceCheck = directorCheck(
        "[[service.check]]", besides: ["address"],
        refused: ["address": ("is one, and the check is asked of each server", "move it into [[service.server.check]]")]
    )

    /// A question the director asks of one server.
    static let serverCheck = directorCheck("[[service.server.check]]", besides: [])

    /// What an agent can check, but for what only the server's own host can answer.
    private static func directorCheck(
        _ header: String, besides absent: [String], refused: [String: (wrong: String, cure: String)] = [:]
    ) -> Schema {
        let local = CheckQuestion.allCases.filter { !$0.needsPort }.map(\.rawValue) + ["exists"]
        let refusal = (wrong: "asks the server's own host", cure: "remove it: the agent on that host can ask it")
        return Schema(
            header, keys: Schema.check.keys.filter { !local.contains($0) && !absent.contains($0) },
            refused: refused.merging(local.map { ($0, refusal) }) { first, _ in first })
    }
}
