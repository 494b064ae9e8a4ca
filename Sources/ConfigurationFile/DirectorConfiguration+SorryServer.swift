public import NetworkAddress

extension DirectorConfiguration {
    /// Who answers while too few servers are up: a page that says so, as a rule (keepalived.conf(5), `sorry_server`).
    public struct SorryServer: Sendable, Equatable {
        /// Its own address. With `dr` and `nat` it serves the VIPs of its family. Not a server of the service.
        public var address: IPAddress
        /// The port it listens on where it is not the VIP's; nil: the same. Only with `nat`.
        public var port: UInt16?
        /// How packets reach it.
        public var forward: ForwardingMethod
        /// Which way its answers go.
        public var reply: ReplyPath
        /// What packets are wrapped in; nil unless `forward` is `tun`.
        public var tunnel: AgentConfiguration.Tunneling?

        /// Creates a sorry server from values that are already known to be valid. `reply` and `tunnel` left out are what
        /// `forward` makes of them.
        public init(
            address: IPAddress, port: UInt16? = nil, forward: ForwardingMethod = .dr, reply: ReplyPath? = nil,
            tunnel: AgentConfiguration.Tunneling? = nil
        ) {
            self.address = address
            self.port = port
            self.forward = forward
            self.reply = reply ?? (forward == .nat ? .director : .direct)
            self.tunnel = tunnel ?? (forward == .tun ? AgentConfiguration.Tunneling() : nil)
        }
    }
}

extension Table {
    /// The sorry servers of a service: one table, or a list with one for each family. `seen`: the lines of its servers.
    func sorryServers(
        _ service: ServiceForwarding, _ terms: DirectorServiceTerms, _ seen: [IPAddress: Int],
        _ surroundings: inout DirectorSurroundings
    ) -> [DirectorConfiguration.SorryServer] {
        let key = "sorry_server"
        guard let value = self[key] else { return [] }
        let form = "write \(key) = { address = \"10.0.0.99\" }, or a list of such tables, one for each family"
        var nodes = [value]
        if case .list(let elements) = value.value {
            if elements.isEmpty { findings.report(value, "is an empty list", form) }
            nodes = elements
        }
        var servers: [(node: Node, server: DirectorConfiguration.SorryServer)] = []
        for node in nodes {
            guard let table = Table(node, .sorryServer, among: Schema.ofDirector, findings) else {
                findings.report(node, "is \(node.kind), not a table", form)
                continue
            }
            guard let server = DirectorConfiguration.SorryServer(table, service, terms, seen, &surroundings) else {
                continue
            }
            let rival = servers.first { other in
                terms.vips.contains {
                    Self.serves(other.server, $0) && Self.serves(server, $0)
                }
            }
            if let rival {
                let wrong = "is a second sorry server for the same VIPs, besides the one on line \(rival.node.line)"
                findings.report(node, wrong, "remove one of the two")
            }
            servers.append((node, server))
        }
        return servers.map(\.server)
    }

    private static func serves(_ server: DirectorConfiguration.SorryServer, _ vip: IPAddress) -> Bool {
        server.forward == .tun || server.address.bitWidth == vip.bitWidth
    }
}

extension DirectorConfiguration.SorryServer {
    /// Reads one. What it does not say is as `service` has it. Nil: something essential is wrong, and reported.
    fileprivate init?(
        _ table: Table, _ service: ServiceForwarding, _ terms: DirectorServiceTerms, _ seen: [IPAddress: Int],
        _ surroundings: inout DirectorSurroundings
    ) {
        let example = "10.0.0.99"
        if table["address"] == nil {
            table.reportMissing("address", "write address = \(quoted(example)), the sorry server's own address")
        }
        let address = table.hostAddress("address", families: [.v4, .v6], called: "a server", example: example)
        let given: ForwardingMethod? = table.choice("forward", later: [:])
        let forward = table["forward"] == nil ? service.method : given
        let own = DirectorServiceTerms(
            forward: forward, port: terms.port, vips: terms.vips, rise: terms.rise, fall: terms.fall, checks: [])
        let port = table.realPort(own)
        guard let (node, address) = address, let forward else { return nil }
        if let line = seen[address] {
            let cure = "write the address of a host that answers when the servers do not"
            table.findings.report(node, "\(address) is a server of this service (line \(line))", cure)
        }
        surroundings.servers.append((node, address))
        own.judge(address, at: node, table.findings)
        self.init(
            address: address, port: port, forward: forward,
            reply: forward == .nat || service.method == .nat ? nil : service.reply,
            tunnel: forward == .tun ? service.tunnel : nil)
    }
}
