extension DirectorConfiguration {
    /// How an agent joins by itself, so that adding a server is installing its agent. It joins with the weight 1, and is asked
    /// as ``AgentDefaults`` say.
    public struct Join: Sendable, Equatable {
        /// Where agents ask for it, over HTTP. Not on a VIP, and nothing else is served there.
        public var listen: SocketAddress
        /// What they must show as `Authorization: Bearer TOKEN` (RFC 6750).
        public var token: AgentConfiguration.ReportAdmission.Token
        /// The names of the services they may join, each of one in the file. At least one.
        public var services: Set<String>

        /// Creates values that are already known to be valid.
        public init(
            listen: SocketAddress, token: AgentConfiguration.ReportAdmission.Token, services: Set<String>
        ) {
            self.listen = listen
            self.token = token
            self.services = services
        }
    }
}

/// `[join]`, while it is not known yet which services there are.
struct DirectorJoinRequest {
    private let table: Table
    private let token: AgentConfiguration.ReportAdmission.Token?
    private let listen: SocketAddress?
    /// Each where it is written; nil: not given, which is every service.
    private let services: [(node: Node, name: String)]?

    /// Reads the table. Who listens is noted in `listeners`.
    init(_ table: Table, _ listeners: inout Listeners) {
        self.table = table
        token = AgentConfiguration.ReportAdmission.Token(table, fileExample: "/etc/rsdirector/join-token")
        if table["token"] == nil, table["token_file"] == nil {
            let cure = "write token_file = \"/etc/rsdirector/join-token\": without one anybody could become a server"
            table.reportMissing("token", cure)
        }
        let example = "10.0.0.1:9391"
        if table["listen"] == nil {
            table.reportMissing("listen", "write listen = \(quoted(example)), where agents reach this director")
        }
        listen = table.listenAddress("listen", example: example)
        if let listen, let node = table["listen"] {
            listeners.add(listen, at: node, use: "agents join", table.findings)
            if listen.address.isLoopback {
                let cure = "write an address of this host that agents reach, such as \(quoted(example))"
                table.findings.report(node, "\(listen.address) is this host only, where no agent comes from", cure)
            }
        }
        services =
            table["services"] == nil ? nil : (table.texts("services", example: "web") ?? []).map { ($0.node, $0.text) }
    }

    /// Whether agents may join the service of this name.
    func admits(_ name: String?) -> Bool {
        guard let services, let name else { return true }
        return services.contains { $0.name == name }
    }

    /// What it comes to, once the services' names are known. Nil: something is wrong, and reported.
    func join(_ names: [String: Node]) -> DirectorConfiguration.Join? {
        for (node, name) in services ?? [] where names[name] == nil {
            let likely = Schema.nearest(to: name, in: names.keys.sorted())
            let cure = likely.map { "did you mean \(quoted($0))?" } ?? "write the name of a [[service]]"
            table.findings.report(node, "there is no service \(quoted(name))", cure)
        }
        guard let listen, let token else { return nil }
        return .init(listen: listen, token: token, services: Set(services?.map(\.name) ?? Array(names.keys)))
    }
}
