internal import ConfigurationFile
internal import NetworkAddress

/// What is different between two configurations, in words.
struct ConfigurationDifference {
    /// What services and servers became, a line each.
    let changes: [String]
    /// What only a restart brings about, a line each.
    let needsRestart: [String]

    init(from old: DirectorConfiguration, to new: DirectorConfiguration) {
        changes = Self.services(old.services, new.services) + Self.outbound(old.outbound, new.outbound)
        needsRestart = Self.atTheTop(old, new)
    }

    private static func services(
        _ old: [DirectorConfiguration.Service], _ new: [DirectorConfiguration.Service]
    ) -> [String] {
        let before = Dictionary(uniqueKeysWithValues: old.map { ($0.name, $0) })
        let names = Set(new.map(\.name))
        var lines = old.filter { !names.contains($0.name) }.map { "service \($0.name): removed" }
        for service in new {
            guard let known = before[service.name] else {
                lines.append("service \(service.name): added with \(service.servers.count) servers")
                continue
            }
            var rest = known
            rest.servers = service.servers
            if rest != service { lines.append("service \(service.name): changed") }
            lines += servers(of: service.name, known.servers, service.servers)
        }
        return lines
    }

    private static func servers(
        of name: String, _ old: [DirectorConfiguration.Server], _ new: [DirectorConfiguration.Server]
    ) -> [String] {
        let before = Dictionary(uniqueKeysWithValues: old.map { ($0.address, $0) })
        let addresses = Set(new.map(\.address))
        let gone = old.filter { !addresses.contains($0.address) }
        var lines = gone.map { "service \(name): server \($0.address) removed" }
        for server in new {
            guard let known = before[server.address] else {
                let verb = server.isJoined ? "joined" : "added"
                lines.append("service \(name): server \(server.address) \(verb), weight \(server.weight)")
                continue
            }
            guard known != server else { continue }
            var rest = known
            rest.weight = server.weight
            let what = rest == server ? "has weight \(server.weight), before \(known.weight)" : "changed"
            lines.append("service \(name): server \(server.address) \(what)")
        }
        return lines
    }

    private static func outbound(
        _ old: [DirectorConfiguration.Outbound], _ new: [DirectorConfiguration.Outbound]
    ) -> [String] {
        let text = { (rule: DirectorConfiguration.Outbound) in
            let sources = rule.sources.map(\.description).joined(separator: ", ")
            return "outbound: \(sources) as \(rule.address.withPorts(rule.ports))"
        }
        return old.filter { !new.contains($0) }.map { "\(text($0)) removed" }
            + new.filter { !old.contains($0) }.map { "\(text($0)) added" }
    }

    private static func atTheTop(_ old: DirectorConfiguration, _ new: DirectorConfiguration) -> [String] {
        let keys: [(key: String, isSame: Bool)] = [
            ("interface", old.interfaces == new.interfaces), ("run_dir", old.runDirectory == new.runDirectory),
            ("status", old.status == new.status), ("own_vip", old.ownsVIPs == new.ownsVIPs),
            ("flows", old.flows == new.flows), ("workers", old.workerCount == new.workerCount),
            ("[timeouts]", old.timeouts == new.timeouts),
            ("listen, tls and token of [join]", DirectorConfiguration.Join.haveSameEar(old.join, new.join)),
        ]
        var lines = keys.filter { !$0.isSame }.map { "\($0.key): what the file says comes into force with a restart" }
        // Clients whose worker changed would lose their connections: which one it is stays as it is.
        let isWider = new.clientPrefix4 < old.clientPrefix4 || new.clientPrefix6 < old.clientPrefix6
        if isWider, old.workerCount > 1 {
            lines.append(
                "persistence_netmask: until a restart each of the \(old.workerCount) workers keeps its own clients of a network "
                    + "together, and they may get as many servers")
        }
        return lines
    }
}

extension DirectorConfiguration {
    /// What of `file` can come into force while the director runs; the rest stays as it is, and so do servers that joined by
    /// themselves, whom no file has.
    ///
    /// - Parameter isSound: whether a configuration can be carried out.
    func reloaded(from file: DirectorConfiguration, _ isSound: (Self) -> Bool = { _ in true }) -> Self {
        var result = self
        result.services = file.services
        result.agent = file.agent
        result.outbound = file.outbound
        // Whoever takes [join] away wants nobody to join any more, now; a place to listen at is only had by a restart.
        if file.join == nil { result.join = nil }
        if let old = join, let new = file.join {
            var join = new
            (join.listen, join.tls, join.token) = (old.listen, old.tls, old.token)
            result.join = join
        }
        return result.keeping(joinedServers, isSound)
    }
}

extension DirectorConfiguration.Join {
    /// Whether agents join in the same place and with the same token, or not any more: the rest is looked at with each join.
    fileprivate static func haveSameEar(_ old: Self?, _ new: Self?) -> Bool {
        guard new != nil else { return true }
        return old?.listen == new?.listen && old?.tls == new?.tls && old?.token == new?.token
    }
}
