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
        let surroundings = readDirectors(top)
        let run = runDirectory
        runDirectory = top.directory("run_dir", example: run, room: Table.roomForSocketDirectory) ?? run
        let state = stateDirectory
        stateDirectory = top.directory("state_dir", example: state, room: Table.roomForDirectory) ?? state
        if let report = top.table("report", .report, among: Schema.ofAgent) {
            reportListen = report.listenAddresses("listen", example: "10.0.0.11:9380")
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
        tunnelSources = top.sourcePrefixes("tunnel_sources", example: "172.16.0.0/16")
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
        if takesDefaultRoute, !tables.isEmpty, !surroundings.hasRepliesByDirector, let node = top["default_route"] {
            let wrong = "would send all that leaves this host to a director, and no service answers by way of one"
            let cure = "remove it, or write reply = \"director\" in the [[service]] that needs it"
            top.findings.report(node, wrong, cure)
        }
    }
}

extension AgentConfiguration.Service {
    /// Reads one `[[service]]`. Nil: something essential is wrong, and reported.
    fileprivate init?(_ table: Table, _ surroundings: inout AgentSurroundings) {
        let name = table.serviceName(&surroundings.names)
        let vips = table.vips(families: [.v4, .v6])
        let ports = table.ports()
        let transport = table.transport()
        let forwarding = ServiceForwarding(table, ports: ports)
        let weight = table.integer("weight", in: 0...65535) ?? 100
        let checks = table.tables("check", .check, among: Schema.ofAgent).compactMap {
            AgentConfiguration.Check($0, needsPort: ports?.isEmpty ?? false)
        }
        let service = name.map(quoted) ?? "\(table.node.path)"
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
        guard let name, let ports, let method = forwarding.method else { return nil }
        self.init(
            name: name, vips: vips.map(\.address), ports: ports, transport: transport, forward: method,
            reply: forwarding.reply, tunnel: forwarding.tunnel, realPort: forwarding.realPort,
            scope: forwarding.scope ?? .global, weight: weight, checks: checks)
    }
}

extension AgentConfiguration.Check {
    /// Reads one `[[service.check]]`. Nil: something essential is wrong, and reported.
    fileprivate init?(_ table: Table, needsPort: Bool) {
        let kind = Kind(table)
        let address = table.hostAddress(
            "address", families: [.v4, .v6, .loopback, .linkLocal], called: "a service", example: "10.0.0.11")
        let port = table.port("port")
        if needsPort, table["port"] == nil {
            table.reportMissing("port", "the service takes all ports: write which one to check, such as port = 80")
        }
        let interval = table.duration("interval", in: .milliseconds(100)...(.seconds(3600)))
        let timeout = table.duration("timeout", in: .milliseconds(10)...(.seconds(3600)))
        let rise = table.integer("rise", in: Table.streak)
        let fall = table.integer("fall", in: Table.streak)
        guard let kind else { return nil }
        self.init(kind, address: address?.address, port: port)
        if let interval { self.interval = interval }
        if let timeout { self.timeout = timeout }
        if let rise { self.rise = rise }
        if let fall { self.fall = fall }
        if self.timeout > self.interval, let node = table["timeout"] ?? table["interval"] {
            let interval = DurationText.text(for: self.interval)
            let wrong = "the timeout, \(DurationText.text(for: self.timeout)), is longer than the interval, \(interval)"
            table.findings.report(node, wrong, "write timeout = \(quoted(interval)) or less, or a longer interval")
        }
    }
}

extension AgentConfiguration.Check.Kind {
    /// Reads what a check asks: exactly one of `http` and `tcp`.
    fileprivate init?(_ table: Table) {
        switch (table["http"], table["tcp"]) {
        case (nil, nil):
            // Whoever asked for a kind of check that is not there yet has been told so.
            if !table.hasLaterKeys {
                table.findings.report(table.node, "asks nothing", "write http = \"/healthz\" or tcp = true")
            }
            return nil
        case (_?, let second?):
            let cure = "keep one, and write a [[service.check]] of its own for the other"
            table.findings.report(second, "is a second question, besides http", cure)
            return nil
        case (_?, nil):
            let path = table.requestPath("http")
            let host = table.requestHost("host")
            let status = table.statusCodes("status")
            guard let path else { return nil }
            self = .http(.init(path, host: host, status: status))
        case (nil, let question?):
            for key in ["host", "status"] {
                guard let node = table[key] else { continue }
                table.findings.report(node, "is for http checks", "remove it, or ask with http = \"/healthz\"")
            }
            guard let asked = table.flag("tcp") else { return nil }
            guard asked else {
                table.findings.report(question, "asks nothing", "write tcp = true, or remove the check")
                return nil
            }
            self = .tcp
        }
    }
}

extension Table {
    /// How many answers in a row change a verdict.
    static let streak = 1...1000

    /// The path of an HTTP request (RFC 9110 §7.1, origin-form).
    fileprivate func requestPath(_ key: String) -> String? {
        guard let (node, path) = text(key, example: "/healthz") else { return nil }
        guard path.hasPrefix("/") else {
            findings.report(node, "\(quoted(path)) does not begin with '/'", "write a path such as \"/healthz\"")
            return nil
        }
        guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
            let cure = "write blanks, '#' and letters beyond ASCII as %20, %23 and so on"
            findings.report(node, "\(quoted(path)) cannot be sent as a path", cure)
            return nil
        }
        return path
    }

    /// The value of a `Host` header (RFC 9110 §7.2).
    fileprivate func requestHost(_ key: String) -> String? {
        guard let (node, host) = text(key, example: "www.example.com") else { return nil }
        let isValid = !host.isEmpty && host.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
        guard isValid else {
            findings.report(node, "\(quoted(host)) cannot be a host name", "write a name such as \"www.example.com\"")
            return nil
        }
        return host
    }

    /// Status codes that count as success (RFC 9110 §15: 100 to 599). 200 unless given.
    fileprivate func statusCodes(_ key: String) -> [ClosedRange<Int>] {
        let cure = "write status = [200], codes of 100 to 599"
        guard let value = self[key] else { return [200...200] }
        guard case .list(let elements) = value.value else {
            return integer(value, in: 100...599, cure).map { [$0...$0] } ?? [200...200]
        }
        if elements.isEmpty { findings.report(value, "is an empty list", cure) }
        return elements.compactMap { integer($0, in: 100...599, cure) }.map { $0...$0 }
    }
}
