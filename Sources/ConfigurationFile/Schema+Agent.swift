extension Schema {
    /// All tables of `rsagent.toml`.
    static let ofAgent: [Schema] = [.agent, .report, .agentService, .check]

    /// The top of `rsagent.toml`.
    static let agent = Schema(
        nil,
        keys: [
            "interface", "directors", "tunnel_sources", "lockdown", "arp_block", "default_route", "sentinel", "run_dir",
            "state_dir", "report", "service",
        ])

    /// Where and how the report is served.
    static let report = Schema(
        "[report]", keys: ["listen"],
        later: [
            "tls": "remove it: the report is served as plain HTTP; let a packet filter admit the directors only",
            "token": "remove it: let a packet filter admit the directors only",
            "token_file": "remove it: let a packet filter admit the directors only",
        ])

    /// A service on a real server.
    static let agentService = Schema(
        "[[service]]",
        keys: [
            "name", "vip", "port", "protocol", "forward", "reply", "tunnel", "tunnel_port", "real_port", "scope",
            "weight", "check",
        ],
        later: [
            "slow_start": "remove it: the full weight is reported as soon as the checks pass",
            "load": "remove it: the weight is `weight` while the checks pass, else 0",
            "agent_check": "remove it: let HAProxy check GET /health/NAME on report.listen",
            "persistence": "remove it: it is the director's business",
        ])

    /// A question asked of a service.
    static let check = Schema(
        "[[service.check]]",
        keys: ["http", "tcp", "status", "host", "interval", "timeout", "rise", "fall", "address", "port"],
        later: [
            "exec": "write http = \"/healthz\" or tcp = true, the checks of this version",
            "file": "write http = \"/healthz\" or tcp = true, the checks of this version",
            "grpc": "write http = \"/healthz\" or tcp = true, the checks of this version",
            "systemd": "write http = \"/healthz\" or tcp = true, the checks of this version",
            "tls": "write http = \"/healthz\" or tcp = true, the checks of this version",
        ])
}
