public import NetworkAddress

extension DirectorConfiguration {
    /// How an agent joins by itself, so that adding a server is installing its agent. It joins with the weight that it says, and
    /// is asked as ``AgentDefaults`` say.
    public struct Join: Sendable, Equatable {
        /// Where agents ask for it, over HTTP. Not on a VIP, and nothing else is served there.
        public var listen: SocketAddress
        /// How that is served over TLS, without a `clientAuthority`: servers show the token. Nil: as plain HTTP.
        public var tls: AgentConfiguration.ReportAdmission.TLS?
        /// What they must show as `Authorization: Bearer TOKEN` (RFC 6750).
        public var token: AgentConfiguration.ReportAdmission.Token
        /// The names of the services they may join, each of one in the file. At least one.
        public var services: Set<String>
        /// Addresses that a server may join with besides the one it connects from. Host bits are zero; none is a /0; no two are
        /// the same.
        public var networks: [Prefix]
        /// How long a server stays whose agent does not say again that it is there: 5 s to 1 h.
        public var lease: Duration
        /// How many servers there may be that joined, each counted in every service: 1 to 100,000.
        public var limit: Int

        /// Creates values that are already known to be valid.
        public init(
            listen: SocketAddress, tls: AgentConfiguration.ReportAdmission.TLS? = nil,
            token: AgentConfiguration.ReportAdmission.Token, services: Set<String>, networks: [Prefix] = [],
            lease: Duration = .seconds(30), limit: Int = 1_000
        ) {
            self.listen = listen
            self.tls = tls
            self.token = token
            self.services = services
            self.networks = networks
            self.lease = lease
            self.limit = limit
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
    private let tls: AgentConfiguration.ReportAdmission.TLS?
    private let networks: [Prefix]
    private let lease: Duration?
    private let limit: Int?

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
        tls = table.table("tls", .joinTLS, among: Schema.ofDirector).flatMap {
            AgentConfiguration.ReportAdmission.TLS($0, folder: "/etc/rsdirector")
        }
        networks = table.networks("networks", .joining)
        lease = table.duration("lease", in: .seconds(5)...(.seconds(3600)), example: "30s")
        limit = table.integer("limit", in: 1...100_000)
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
        var join = DirectorConfiguration.Join(
            listen: listen, tls: tls, token: token, services: Set(services?.map(\.name) ?? Array(names.keys)),
            networks: networks)
        if let lease { join.lease = lease }
        if let limit { join.limit = limit }
        return join
    }
}

extension Table.NetworkRole {
    fileprivate static let joining = Table.NetworkRole(
        example: "10.0.0.0/24", insteadOfEveryone: "write the networks that your servers are in",
        nobody: "which no server has", takesLoopback: false)
}
