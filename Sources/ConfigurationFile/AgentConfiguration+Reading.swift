internal import NetworkAddress

extension AgentConfiguration {
    /// Reads the file at `path`. Nothing but the file is touched.
    ///
    /// Throws: every problem of the file at once, each with its line, its key and what to write instead.
    public static func load(path: String) throws(ConfigurationError) -> AgentConfiguration {
        let text = try FileText.read(path, cure: "`rsagent config example` prints one to start from")
        return try parse(text, file: path)
    }

    /// Reads `text`; `file` is what problems call it.
    ///
    /// Throws: every problem of the text at once, each with its line, its key and what to write instead.
    public static func parse(_ text: String, file: String) throws(ConfigurationError) -> AgentConfiguration {
        let findings = Findings(file: file)
        var configuration = AgentConfiguration(services: [])
        if let top = Table.top(of: text, .agent, among: Schema.ofAgent, findings) {
            configuration.read(top)
        }
        if let error = findings.error { throw error }
        return configuration
    }

    private mutating func read(_ top: Table) {
        interface = top.interface("interface")
        var surroundings = readDirectors(top)
        let run = runDirectory
        runDirectory = top.directory("run_dir", example: run, room: Table.roomForSocketDirectory) ?? run
        let state = stateDirectory
        stateDirectory = top.directory("state_dir", example: state, room: Table.roomForDirectory) ?? state
        if let stop = top.duration("stop_timeout", in: Self.upToAnHour) { stopTimeout = stop }
        if let report = top.table("report", .report, among: Schema.ofAgent) {
            surroundings.isReportElsewhere = report["listen"] != nil
            readReport(report, &surroundings.listeners)
        }
        let tables = top.tables(
            "service", .agentService, among: Schema.ofAgent, absence: "write a [[service]] with its name, vip and port")
        readServices(tables, top, surroundings)
    }

    /// Who sends packets here, who is believed, and what is watched.
    private mutating func readDirectors(_ top: Table) -> AgentSurroundings {
        let problemsBefore = top.findings.count
        let directors = top.hostAddresses(
            "directors", families: [.v4, .v6, .loopback, .linkLocal], called: "a director", example: "10.0.0.1")
        let areDirectorsWhole = top.findings.count == problemsBefore
        self.directors = directors.map(\.address)
        tunnelSources = top.networks("tunnel_sources", .tunnelSources)
        isLockedDown = top.flag("lockdown") ?? true
        let isAdmissionWhole = top.findings.count == problemsBefore
        isARPBlocked = top.flag("arp_block") ?? false
        takesDefaultRoute = top.flag("default_route") ?? false
        isSentinelOn = top.flag("sentinel") ?? true
        let someoneIsAdmitted = !tunnelSources.isEmpty || directors.contains { !$0.address.isLoopback }
        return AgentSurroundings(
            directors: directors, areDirectorsWhole: areDirectorsWhole,
            admitsTunnelPackets: someoneIsAdmitted || !isLockedDown || !isAdmissionWhole)
    }

    private mutating func readServices(_ tables: [Table], _ top: Table, _ surroundings: AgentSurroundings) {
        var surroundings = surroundings
        services = tables.compactMap { Service($0, &surroundings) }
        readJoins(top, surroundings)
        // Only now are all VIPs known, also those of later services.
        for (node, address) in surroundings.agentChecks {
            guard let line = surroundings.claims.line(of: address) else { continue }
            let cure = "write an address of this server's own (RIP): HAProxy asks each server by itself"
            top.findings.report(node, "\(address) is a VIP (line \(line))", cure)
        }
        if takesDefaultRoute, !tables.isEmpty, !surroundings.hasRepliesByDirector, let node = top["default_route"] {
            let wrong = "would send all that leaves this host to a director, and no service answers by way of one"
            let cure = "remove it, or write reply = \"director\" in the [[service]] that needs it"
            top.findings.report(node, wrong, cure)
        }
    }

    /// How long a drain on stopping and a slow start may take.
    fileprivate static let upToAnHour = Duration.zero...(.seconds(3600))
}

extension Table.NetworkRole {
    fileprivate static let tunnelSources = Table.NetworkRole(
        example: "172.16.0.0/16",
        insteadOfEveryone:
            "write the networks that directors send from, or lockdown = false to take packets from anyone",
        nobody: "where no packet comes from", takesLoopback: false)
}

extension AgentConfiguration.Service {
    /// Reads one `[[service]]`. Nil: something essential is wrong, and reported.
    fileprivate init?(_ table: Table, _ surroundings: inout AgentSurroundings) {
        let name = table.serviceName(&surroundings.names)
        let vips = table.vips(families: [.v4, .v6])
        let ports = table.ports()
        let given: TransportProtocol? = table["protocol"] == nil ? .tcp : table.choice("protocol", later: [:])
        let transport = given ?? .tcp
        let forwarding = ServiceForwarding(table, ports: ports)
        let weight = table["weight"] == nil ? 100 : table.integer("weight", in: 0...65535)
        let load = table.table("load", .load, among: Schema.ofAgent).map {
            AgentConfiguration.LoadRules($0, weight: weight, transport: transport)
        }
        let slowStart = table.duration("slow_start", in: AgentConfiguration.upToAnHour)
        let drainSettle = table.duration("drain_settle", in: AgentConfiguration.upToAnHour)
        let directorConnections: DirectorConnections? = table.choice("director_connections", later: [:])
        // Of a protocol that is wrong nobody knows what goes with it.
        if given == .tcp {
            let cure = "remove it: a drain waits until the last connection is closed"
            table.refuse("drain_settle", "is for protocol = \"udp\"", cure)
        } else if given == .udp {
            table.refuse("director_connections", "is for protocol = \"tcp\"", "remove it: UDP has no connections")
        }
        let checks = table.tables("check", .check, among: Schema.ofAgent).compactMap {
            AgentConfiguration.Check($0, hasPort: ports?.isEmpty != true)
        }
        let service = name.map(quoted) ?? "\(table.node.path)"
        let agentCheck = table.agentCheck(of: service, &surroundings)
        for (node, vip) in vips {
            if let director = surroundings.directors.first(where: { $0.address == vip }) {
                let wrong = "\(vip) is the address of a director (line \(director.node.line))"
                table.findings.report(node, wrong, "write the VIP here and the director's own address (DIP) there")
            }
            guard let ports else { continue }
            surroundings.claims.claim(
                vip, at: node, ports: ports, for: service, protocol: transport, table.findings)
        }
        forwarding.judge(table, vips, called: service, in: &surroundings)
        guard let name, let ports, let weight, let method = forwarding.method else { return nil }
        self.init(
            name: name, vips: vips.map(\.address), ports: ports, transport: transport, forward: method,
            reply: forwarding.reply, tunnel: forwarding.tunnel, realPort: forwarding.realPort,
            scope: forwarding.scope ?? .global, weight: weight, load: load,
            slowStart: slowStart ?? .zero, drainSettle: drainSettle ?? Self.defaultDrainSettle,
            directorConnections: directorConnections, agentCheck: agentCheck, checks: checks)
    }
}

extension Table {
    /// Where HAProxy's agent check of a service is answered: an address and port that nothing else listens on.
    fileprivate func agentCheck(of service: String, _ surroundings: inout AgentSurroundings) -> SocketAddress? {
        let key = "agent_check"
        guard let node = self[key], let listen = listenAddress(key, example: "10.0.0.11:9381") else { return nil }
        surroundings.listeners.add(listen, at: node, use: "the agent_check of \(service) is answered", findings)
        surroundings.agentChecks.append((node, listen.address))
        if !surroundings.isReportElsewhere, listen.port == AgentConfiguration.defaultReportPort,
            !listen.address.isLoopback
        {
            let wrong = "\(listen.port) is the port of the report, as long as [report] does not say where to listen"
            findings.report(node, wrong, "write another port, such as \(quoted("10.0.0.11:9381"))")
        }
        return listen
    }
}
