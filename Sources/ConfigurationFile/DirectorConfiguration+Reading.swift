internal import NetworkAddress

extension DirectorConfiguration {
    /// Reads the file at `path`. Nothing but the file is touched.
    ///
    /// Throws: every problem of the file at once, each with its line, its key and what to write instead.
    public static func load(path: String) throws(ConfigurationError) -> DirectorConfiguration {
        let text = try FileText.read(path, cure: "`rsdirector config example` prints one to start from")
        return try parse(text, file: path)
    }

    /// Reads `text`; `file` is what problems call it.
    ///
    /// Throws: every problem of the text at once, each with its line, its key and what to write instead.
    public static func parse(_ text: String, file: String) throws(ConfigurationError) -> DirectorConfiguration {
        let findings = Findings(file: file)
        var configuration = DirectorConfiguration(interfaces: [], services: [])
        if let top = Table.top(of: text, .director, among: Schema.ofDirector, findings) {
            configuration.read(top)
        }
        if let error = findings.error { throw error }
        return configuration
    }

    private mutating func read(_ top: Table) {
        if top["interface"] == nil {
            top.reportMissing("interface", "write interface = \"eth0\", where packets come in and go out")
        }
        interfaces = top.interfaces("interface")
        top.refuseOtherEngines()
        let standard = runDirectory
        runDirectory = top.directory("run_dir", example: standard, room: Table.roomForSocketDirectory) ?? standard
        var listeners = Listeners()
        status = top.listenAddress("status", example: "127.0.0.1:9390")
        if let status, let node = top["status"] {
            listeners.add(status, at: node, use: "the status is served", top.findings)
        }
        ownsVIPs = top.flag("own_vip") ?? true
        if let flows = top.integer("flows", in: 1 << 10...1 << 26) { self.flows = flows }
        if let workers = top.integer("workers", in: 1...64) { self.workers = workers }
        if let table = top.table("timeouts", .timeouts, among: Schema.ofDirector) { timeouts = Timeouts(table) }
        let agentTable = top.table("agent", .directorAgent, among: Schema.ofDirector)
        if let agentTable { agent = AgentDefaults(agentTable) }
        let joinTable = top.table("join", .join, among: Schema.ofDirector)
        let request = joinTable.map { DirectorJoinRequest($0, &listeners) }
        var surroundings = DirectorSurroundings(agent: agent, isSloppy: top.flag("sloppy") ?? false, join: request)
        readServices(top, &surroundings)
        // Only now is everything known that a service says, also of later ones.
        surroundings.judgeServers(top.findings)
        surroundings.judgeListener("status", of: top, status)
        join = request?.join(surroundings.names)
        surroundings.judgeListener("listen", of: joinTable, join?.listen)
        if !surroundings.isAnyAgentOverTLS, let agentTable {
            for key in AgentAccess.tlsKeys {
                agentTable.refuse(
                    key, "is for agents over TLS, and none is asked over it", "write tls = true beside it")
            }
        }
    }

    private mutating func readServices(_ top: Table, _ surroundings: inout DirectorSurroundings) {
        let tables = top.tables(
            "service", .directorService, among: Schema.ofDirector,
            absence: "write a [[service]] with its name, vip, port and servers")
        for table in tables {
            if let service = Service(table, &surroundings) { services.append(service) }
        }
        var sources: [(line: Int, prefix: Prefix)] = []
        for table in top.tables("outbound", .outbound, among: Schema.ofDirector) {
            if let rule = Outbound(table, &sources, surroundings) { outbound.append(rule) }
        }
    }
}

extension Table {
    /// The packet engine is the only one of this version; the others are refused with what would bring them.
    fileprivate func refuseOtherEngines() {
        let instead = "write engine = \"packet\", which needs nothing but this program"
        _ = choice(
            "engine", names: ["packet"],
            later: [
                "xdp": "\(instead); xdp comes with a later version",
                "ipvs":
                    "\(instead); the kernel's IPVS is driven by keepalived or ldirectord, which rsagent serves too",
            ])
    }
}
