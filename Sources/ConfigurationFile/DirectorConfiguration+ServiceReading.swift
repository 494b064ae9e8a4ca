internal import NetworkAddress

extension DirectorConfiguration.Service {
    /// Reads one `[[service]]`. Nil: something essential is wrong, and reported.
    init?(_ table: Table, _ surroundings: inout DirectorSurroundings) {
        let name = table.serviceName(&surroundings.names)
        let vips = table.vips(families: [.v4, .v6])
        let addresses = vips.map(\.address)
        let port = table.servicePort()
        let given: TransportProtocol? = table.choice("protocol", later: [:])
        let transport = given ?? .tcp
        for (node, vip) in vips {
            guard let port else { continue }
            let label = name.map(quoted) ?? "\(table.node.path)"
            let ports = port == 0 ? [] : [port]
            surroundings.claims.claim(vip, at: node, ports: ports, for: label, protocol: transport, table.findings)
        }
        let forwarding = ServiceForwarding(table, ports: nil)
        let scheduler: SchedulerName? = table.choice("scheduler", later: [:])
        let isSloppy = table.flag("sloppy")
        if given == .udp {
            table.refuse("sloppy", "is for protocol = \"tcp\"", "remove it: any packet of UDP opens a flow")
        }
        let isJoinable = surroundings.join?.admits(name) ?? false
        let terms = DirectorServiceTerms(
            forward: forwarding.method, port: port, vips: addresses,
            rise: table.integer("rise", in: Table.streak) ?? 1, fall: table.integer("fall", in: Table.streak) ?? 3,
            checks: table.serverChecks(.serviceCheck, hasPort: port != 0))
        let (servers, seen, isWhole) = table.servers(terms, isJoinable: isJoinable, vips, &surroundings)
        let removed: DirectorConfiguration.RemovedConnections? = table.choice("removed_connections", later: [:])
        let sorry = table.sorryServers(forwarding, terms, seen, &surroundings)
        let most = addresses.map { vip in servers.count { terms.fit($0.address, vip) } }.min()
        let quorum = DirectorConfiguration.Quorum(table, most: isWhole && !isJoinable ? most : nil)
        let persistence = DirectorConfiguration.Persistence(table, vips: addresses)
        let flags = table.schedulerFlags(of: table["scheduler"] == nil ? .wrr : scheduler)
        let slowStart = table.duration("slow_start", in: .zero...(.seconds(3600)))
        let lastWord = table.duration("last_word", in: .zero...(.seconds(86_400)), example: "60s")
        guard let name, let port, let method = forwarding.method else { return nil }
        self.init(
            name: name, vips: addresses, port: port, transport: transport, forward: method,
            reply: forwarding.reply, tunnel: forwarding.tunnel, scheduler: scheduler ?? .wrr, schedulerFlags: flags,
            persistence: persistence, removedConnections: removed ?? .hold,
            isSloppy: transport == .tcp && isSloppy ?? surroundings.isSloppy, sorryServers: sorry, quorum: quorum,
            slowStart: slowStart ?? .zero, lastWord: lastWord ?? .zero, rise: terms.rise, fall: terms.fall,
            checks: terms.checks, servers: servers)
    }
}

extension Table {
    /// The servers of a service, the line of each address, and whether those are all that the file has, and not none.
    /// `isJoinable`: whether more come by themselves.
    fileprivate func servers(
        _ terms: DirectorServiceTerms, isJoinable: Bool, _ vips: [(node: Node, address: IPAddress)],
        _ surroundings: inout DirectorSurroundings
    ) -> (servers: [DirectorConfiguration.Server], lines: [IPAddress: Int], isWhole: Bool) {
        let tables = tables(
            "server", .server, among: Schema.ofDirector,
            absence: isJoinable ? nil : "write a [[service.server]] with address = \"10.0.0.11\"")
        var seen: [IPAddress: Int] = [:]
        var servers: [DirectorConfiguration.Server] = []
        for table in tables {
            if let server = DirectorConfiguration.Server(table, terms, &seen, &surroundings) { servers.append(server) }
        }
        // Of servers that are wrong nobody knows whom they would have served.
        guard servers.count == tables.count, !servers.isEmpty else { return (servers, seen, false) }
        if servers.allSatisfy({ $0.agent != nil }) {
            let cure = "remove it: the agents check; or write agent = false in the [[service.server]] that has none"
            refuse("check", "is for servers without an agent, and each has one", cure)
        }
        let isEachOfUse = servers.allSatisfy { server in vips.contains { terms.fit(server.address, $0.address) } }
        for (node, vip) in vips
        where !isJoinable && isEachOfUse && !servers.contains(where: { terms.fit($0.address, vip) }) {
            let wrong = "\(vip) is \(vip.family), and no server is"
            let cure = "remove it, add a [[service.server]] with an \(vip.family) address, or write forward = \"tun\""
            findings.report(node, wrong, cure)
        }
        return (servers, seen, true)
    }

    /// How `scheduler` hashes clients. `scheduler`: nil: wrong, and reported.
    fileprivate func schedulerFlags(of scheduler: SchedulerName?) -> Set<SchedulerFlag> {
        let key = "scheduler_flags"
        let known = SchedulerFlag.allCases.map(\.rawValue)
        if let scheduler, !scheduler.takesFlags {
            let takers = SchedulerName.allCases.filter(\.takesFlags).map { quoted($0.rawValue) }
            let cure = "remove it, or write one of those schedulers"
            refuse(key, "is for the schedulers \(takers.joined(separator: " and "))", cure)
        }
        var flags: Set<SchedulerFlag> = []
        for (node, name) in texts(key, example: known[0], mayBeEmpty: true) ?? [] {
            // ipvsadm has the scheduler in front: sh-port, mh-fallback.
            guard let flag = SchedulerFlag(rawValue: name) else {
                let likely = known.first { name.hasSuffix("-\($0)") }.map { "write \(quoted($0))" }
                let all = known.map(quoted).joined(separator: ", ")
                findings.report(node, "\(quoted(name)) is not known", likely ?? "write one of \(all)")
                continue
            }
            guard flags.insert(flag).inserted else {
                findings.report(node, "\(quoted(name)) is listed twice", "remove one of the two")
                continue
            }
        }
        return flags
    }
}
