extension Schema {
    /// All tables of `rsdirector.toml`.
    static let ofDirector: [Schema] = [.director, .directorService, .server]

    /// The top of `rsdirector.toml`.
    static let director = Schema(
        nil, keys: ["interface", "engine", "run_dir", "status", "own_vip", "service"],
        later: ["outbound": "remove it: let the packet filter of a router do source NAT"])

    /// A service and the servers behind it.
    static let directorService = Schema(
        "[[service]]", keys: ["name", "vip", "port", "protocol", "forward", "scheduler", "server"],
        later: [
            "persistence": "remove it: each connection is scheduled by itself",
            "persistence_netmask": "remove it: each connection is scheduled by itself",
            "tunnel": "remove it: this version does \"dr\" only",
            "tunnel_port": "remove it: this version does \"dr\" only",
        ])

    /// A real server.
    static let server = Schema(
        "[[service.server]]", keys: ["address", "agent", "weight", "fall"],
        later: [
            "port": "remove it: with forward = \"dr\" the server listens on the VIP's own port",
            "check": "remove it: the agent on the server does the checks",
        ])
}
