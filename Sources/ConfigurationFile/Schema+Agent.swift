extension Schema {
    /// All tables of `rsagent.toml`.
    static let ofAgent: [Schema] = [.agent, .report, .reportTLS, .agentService, .load, .check, .agentJoin]

    /// The top of `rsagent.toml`.
    static let agent = Schema(
        nil,
        keys: [
            "interface", "directors", "tunnel_sources", "lockdown", "arp_block", "default_route", "sentinel", "run_dir",
            "state_dir", "stop_timeout", "report", "join", "service",
        ])

    /// Where and how the report is served, and to whom.
    static let report = Schema("[report]", keys: ["listen", "allow", "token", "token_file", "tls"])

    /// The files of TLS.
    static let reportTLS = Schema("[report.tls]", keys: ["certificate", "key", "client_ca"])

    /// Which directors this server joins by itself.
    static let agentJoin = Schema(
        "[[join]]", keys: ["director", "token", "token_file", "ca", "services", "weight", "address"])

    /// A service on a real server.
    static let agentService = Schema(
        "[[service]]",
        keys: [
            "name", "vip", "port", "protocol", "forward", "reply", "tunnel", "tunnel_port", "real_port", "scope",
            "weight", "slow_start", "drain_settle", "director_connections", "agent_check", "load", "check",
        ],
        later: ["persistence": "remove it: it is the director's business"])

    /// How the weight follows load.
    static let load = Schema("[service.load]", keys: LoadRule.allCases.map(\.rawValue) + LoadRule.settings)

    /// A question asked of a service.
    static let check = Schema(
        "[[service.check]]",
        keys: CheckQuestion.allCases.map(\.rawValue) + CheckQuestion.details.flatMap(\.keys) + [
            "interval", "fast_interval", "timeout", "rise", "fall",
        ])
}
