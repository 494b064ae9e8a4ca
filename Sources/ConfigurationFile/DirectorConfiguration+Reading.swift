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
        status = top.listenAddress("status", example: "127.0.0.1:9390")
        ownsVIPs = top.flag("own_vip") ?? true
        let tables = top.tables(
            "service", .directorService, among: Schema.ofDirector,
            absence: "write a [[service]] with its name, vip, port and servers")
        var names: [String: Node] = [:]
        var claims = Claims()
        var servers: [(node: Node, address: IPAddress)] = []
        services = tables.compactMap { Service($0, &names, &claims, &servers) }
        // Only now are all VIPs known, also those of later services.
        for (node, address) in servers {
            guard let line = claims.line(of: address) else { continue }
            let cure = "write the server's own address (RIP), which is on its interface and not on lo"
            top.findings.report(node, "\(address) is a VIP (line \(line))", cure)
        }
    }
}

extension DirectorConfiguration.Service {
    /// Reads one `[[service]]`. Nil: something essential is wrong, and reported.
    fileprivate init?(
        _ table: Table, _ names: inout [String: Node], _ claims: inout Claims,
        _ allServers: inout [(node: Node, address: IPAddress)]
    ) {
        let name = table.serviceName(&names)
        let vips = table.vips(families: .v4)
        let port = table.servicePort()
        let transport = table.directorTransport()
        let forward = table.directorForward()
        let scheduler: SchedulerName = table.choice("scheduler", later: Table.laterSchedulers) ?? .wrr
        for (node, vip) in vips {
            guard let port else { continue }
            let service = name.map(quoted) ?? "\(table.node.path)"
            let ports = port == 0 ? [] : [port]
            claims.claim(vip, at: node, ports: ports, for: service, protocol: transport, table.findings)
        }
        let tables = table.tables(
            "server", .server, among: Schema.ofDirector,
            absence: "write a [[service.server]] with address = \"10.0.0.11\"")
        var seen: [IPAddress: Int] = [:]
        let servers = tables.compactMap { DirectorConfiguration.Server($0, &seen, &allServers) }
        guard let name, let port else { return nil }
        self.init(
            name: name, vips: vips.map(\.address), port: port, transport: transport, forward: forward,
            scheduler: scheduler, servers: servers)
    }
}

extension DirectorConfiguration.Server {
    /// Reads one `[[service.server]]`. `seen`: the lines of the addresses the service has so far.
    fileprivate init?(
        _ table: Table, _ seen: inout [IPAddress: Int], _ allServers: inout [(node: Node, address: IPAddress)]
    ) {
        let example = "10.0.0.11"
        if table["address"] == nil {
            table.reportMissing("address", "write address = \(quoted(example)), the server's own address (RIP)")
        }
        let address = table.hostAddress("address", families: .v4, called: "a server", example: example)
        let agent = table.agentURL("agent", server: address?.address)
        let weight = table.integer("weight", in: 0...65535) ?? 1
        let fall = table.integer("fall", in: Table.streak) ?? 3
        guard let (node, address) = address else { return nil }
        if let line = seen[address] {
            let cure = "remove one of the two, or give it another address"
            table.findings.report(node, "\(address) is a server of this service already (line \(line))", cure)
        } else {
            seen[address] = node.line
        }
        allServers.append((node, address))
        self.init(address: address, agent: agent, weight: weight, fall: fall)
    }
}

extension Table {
    /// The scheduling methods of ipvsadm(8) that are not among ``SchedulerName``.
    fileprivate static let laterSchedulers: [String: String] = {
        let names = ["lc", "wlc", "sed", "nq", "sh", "dh", "mh", "fo", "ovf", "lblc", "lblcr", "twos"]
        let known = SchedulerName.allCases.map { quoted($0.rawValue) }.joined(separator: ", ")
        return Dictionary(uniqueKeysWithValues: names.map { ($0, "write one of \(known)") })
    }()

    /// The forwarding method of a service; DR unless given. The agent serves more than this director sends.
    fileprivate func directorForward() -> ForwardingMethod {
        let cure = "write forward = \"dr\": this version does \"dr\" only"
        _ = choice("forward", names: [ForwardingMethod.dr.rawValue], later: ["nat": cure, "tun": cure])
        return .dr
    }

    /// TCP is the only one of this version.
    fileprivate func directorTransport() -> TransportProtocol {
        let cure = "write protocol = \"tcp\", the only one of this version"
        _ = choice("protocol", names: [TransportProtocol.tcp.rawValue], later: ["udp": cure])
        return .tcp
    }

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

    /// `http://HOST:PORT`, or nil for `false`. Where the key is absent: the server's address, port 9380.
    fileprivate func agentURL(_ key: String, server: IPAddress?) -> String? {
        let host = server.map { SocketAddress(address: $0, port: AgentConfiguration.defaultReportPort).description }
        let standard = "http://\(host ?? "10.0.0.11:9380")"
        let cure = "write \(quoted(standard)), which is what it is if you leave it out, or false for no agent"
        guard let value = self[key] else { return standard }
        switch value.value {
        case .flag(false): return nil
        case .flag(true):
            findings.report(value, "true names no agent", cure)
        case .text(let text):
            if Self.isAgentURL(text) { return text }
            if text.hasPrefix("https://") {
                findings.report(value, "\(quoted(text)) asks for TLS, which is not in this version", cure)
            } else {
                findings.report(value, "\(quoted(text)) is not of the form http://HOST:PORT", cure)
            }
        default:
            findings.report(value, "is \(value.kind), not text or false", cure)
        }
        return nil
    }

    private static func isAgentURL(_ text: String) -> Bool {
        let scheme = "http://"
        guard text.hasPrefix(scheme) else { return false }
        let authority = text.dropFirst(scheme.count)
        if SocketAddress(authority) != nil { return true }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, SocketAddress("127.0.0.1:\(parts[1])") != nil else { return false }
        return HostName.isValid(parts[0])
    }
}
