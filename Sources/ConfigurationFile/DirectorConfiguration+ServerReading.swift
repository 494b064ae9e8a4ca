internal import NetworkAddress

/// What a service says that its servers depend on.
struct DirectorServiceTerms {
    /// Nil: wrong, and reported.
    let forward: ForwardingMethod?
    /// 0: all; nil: wrong, and reported.
    let port: UInt16?
    let vips: [IPAddress]
    let rise: Int
    let fall: Int
    /// What is asked of servers without an agent.
    let checks: [AgentConfiguration.Check]

    /// Whether packets for `vip` can be sent to `server`: only a tunnel takes them to an address of another family.
    func fit(_ server: IPAddress, _ vip: IPAddress) -> Bool {
        forward == .tun || forward == nil || server.bitWidth == vip.bitWidth
    }

    /// Reports an address that no VIP of the service can be forwarded to.
    func judge(_ address: IPAddress, at node: Node, _ findings: Findings) {
        guard let forward, !vips.isEmpty, !vips.contains(where: { fit(address, $0) }) else { return }
        let other = address.v4 == nil ? "IPv4" : "IPv6"
        findings.report(
            node, "\(address) is \(address.family), and no VIP of the service is",
            "write an \(other) address: with forward = \(quoted(forward.rawValue)) packets keep their family")
    }
}

extension DirectorConfiguration.Server {
    /// Reads one `[[service.server]]`. `seen`: the lines of the addresses the service has so far. Nil: something essential
    /// is wrong, and reported.
    init?(
        _ table: Table, _ terms: DirectorServiceTerms, _ seen: inout [IPAddress: Int],
        _ surroundings: inout DirectorSurroundings
    ) {
        let example = "10.0.0.11"
        if table["address"] == nil {
            table.reportMissing("address", "write address = \(quoted(example)), the server's own address (RIP)")
        }
        let address = table.hostAddress("address", families: [.v4, .v6], called: "a server", example: example)
        let port = table.realPort(terms)
        let agent = table.agent(of: address?.address, &surroundings)
        let weight = table.integer("weight", in: 0...65535) ?? 1
        let fall = table.integer("fall", in: Table.streak) ?? terms.fall
        let rise = table.integer("rise", in: Table.streak) ?? terms.rise
        let thresholds = DirectorConfiguration.Thresholds(table)
        let checks = table.serverChecks(.serverCheck, hasPort: port != nil || terms.port != 0)
        if agent.isThere {
            let cure = "remove it: the agent on the server does the checks; or write agent = false"
            table.refuse("check", "is for servers without an agent", cure)
        }
        guard let (node, address) = address else { return nil }
        if let line = seen[address] {
            let cure = "remove one of the two, or give it another address"
            table.findings.report(node, "\(address) is a server of this service already (line \(line))", cure)
        } else {
            seen[address] = node.line
        }
        surroundings.servers.append((node, address))
        terms.judge(address, at: node, table.findings)
        self.init(
            address: address, port: port, agent: agent.url, access: agent.access, weight: weight, fall: fall,
            rise: rise, thresholds: thresholds,
            checks: agent.isThere ? [] : table["check"] == nil ? terms.checks : checks)
    }
}

extension DirectorConfiguration.Thresholds {
    /// Reads `upper` and `lower`. Nil: no threshold, or a wrong one, which is reported.
    fileprivate init?(_ table: Table) {
        let range = 1...100_000_000
        let upper = table.integer("upper", in: range)
        let lower = table.integer("lower", in: range)
        if table["upper"] == nil {
            table.refuse("lower", "is for servers with an upper threshold", "remove it, or write upper = 1000")
        }
        guard let upper else { return nil }
        if let lower, lower > upper {
            let cure = "write lower = \(upper) or less, or a larger upper"
            table.refuse("lower", "\(lower) is more than upper, \(upper)", cure)
        }
        self.init(upper: upper, lower: lower)
    }
}

extension Table {
    /// The port of a server or a sorry server, which goes with NAT only.
    func realPort(_ terms: DirectorServiceTerms) -> UInt16? {
        let port = port("port")
        guard let forward = terms.forward else { return port }
        if forward != .nat {
            let cure =
                "remove it: with forward = \(quoted(forward.rawValue)) the server listens on the VIP's own port"
            refuse("port", "is for forward = \"nat\"", cure)
        } else if terms.port == 0 {
            let cure = "remove it, or write the one port of the VIP that it stands for, such as port = 80"
            refuse("port", "is one port, and the service takes all", cure)
        }
        return port
    }

    /// The director's own checks. What only an agent can ask has been refused, and is not read.
    func serverChecks(_ schema: Schema, hasPort: Bool) -> [AgentConfiguration.Check] {
        tables("check", schema, among: Schema.ofDirector).compactMap { table in
            if table.keys.contains(where: { schema.refused[$0] != nil }) { return nil }
            return AgentConfiguration.Check(table, hasPort: hasPort)
        }
    }
}
