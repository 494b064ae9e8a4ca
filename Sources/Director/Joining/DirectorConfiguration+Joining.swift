internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

extension DirectorConfiguration.Join {
    /// The address that a server joins with.
    ///
    /// - Parameter caller: where it connects from. Nobody speaks for another's address, unless it is one that the operator lists.
    func address(_ claimed: IPAddress?, from caller: IPAddress) throws(ControlRefusal) -> IPAddress {
        let caller = caller.unmapped
        guard let claimed = claimed?.unmapped, claimed != caller else { return caller }
        guard networks.contains(where: { $0.contains(claimed) }) else {
            throw ControlRefusal(
                .forbidden, operation: "join as \(claimed)",
                cause: "this comes from \(caller), and \(claimed) is in none of `networks` under [join]",
                cure: "let the server leave `address` out, or list its network")
        }
        return claimed
    }
}

// What a join does: the same as `rsdirector server add` would, for as long as the lease.
extension DirectorConfiguration {
    /// The configuration with the server in a service; nil: it is there already, and not by a join.
    ///
    /// - Parameters:
    ///   - port: where its agent answers.
    ///   - known: the weight that its agent asked for before; nil: it has not joined.
    func joining(
        _ service: String, _ address: IPAddress, weight: Int, agentPort port: UInt16, known: Int?
    ) throws(ControlRefusal) -> Self? {
        let operation = "join service \(printableLine(service.utf8, upTo: 63)) as \(address)"
        guard let join, let index = services.firstIndex(where: { $0.name == service }) else {
            throw ControlRefusal(
                .unknown, operation: operation, cause: "there is no such service",
                cure: "there are: \(services.map(\.name).joined(separator: ", "))")
        }
        guard join.services.contains(service) else {
            throw ControlRefusal(
                .forbidden, operation: operation, cause: "servers may not join it by themselves",
                cure: "add it to `services` under [join] in the director's file")
        }
        let agent = agentURL(of: address, port)
        var result = self
        if let place = services[index].servers.firstIndex(where: { $0.address == address }) {
            guard services[index].servers[place].isJoined else { return nil }
            // What was set by hand stays until its agent asks for something else.
            if known != weight { result.services[index].servers[place].weight = weight }
            result.services[index].servers[place].agent = agent
            return result
        }
        let joined = services.lazy.map { $0.servers.count(where: \.isJoined) }.reduce(0, +)
        guard joined < join.limit else {
            throw ControlRefusal(
                .conflict, operation: operation, cause: "\(joined) servers have joined, which is the limit",
                cure: "raise `limit` under [join] in the director's file")
        }
        result = try adding(ServerRequest(service: service, address: address, weight: weight))
        let last = result.services[index].servers.count - 1
        result.services[index].servers[last].isJoined = true
        result.services[index].servers[last].agent = agent
        return result
    }

    /// The configuration with this one server of a service and no other: all that can be wrong with it shows there too, without a look
    /// at the way to every other one.
    func alone(_ address: IPAddress, in service: String) -> Self {
        var result = self
        result.services = services.filter { $0.name == service }.map { service in
            var service = service
            service.servers.removeAll { $0.address != address }
            service.sorryServers = []
            return service
        }
        return result
    }

    /// The configuration without the servers of these leases.
    func without(_ keys: Set<LeaseBook.Key>) -> Self {
        var result = self
        for index in services.indices {
            let name = services[index].name
            result.services[index].servers.removeAll {
                $0.isJoined && keys.contains(.init(service: name, address: $0.address))
            }
        }
        return result
    }

    /// The servers that joined by themselves, each as its service has it.
    var joinedServers: [(key: LeaseBook.Key, server: Server)] {
        services.flatMap { service in
            service.servers.filter(\.isJoined).map { (.init(service: service.name, address: $0.address), $0) }
        }
    }

    /// This configuration, which a file is, with the servers that joined `old`, as far as it lets them. What it says of one of them
    /// itself counts.
    ///
    /// - Parameter isSound: whether a configuration can be carried out. A server that stands in the way of a file goes.
    func keepingJoined(of old: Self, _ isSound: (Self) -> Bool) -> Self {
        let joined = old.joinedServers
        let all = joined.reduce(self) { $0.keeping($1.server, in: $1.key.service) ?? $0 }
        guard !joined.isEmpty, !isSound(all) else { return all }
        return joined.reduce(self) { result, entry in
            guard let next = result.keeping(entry.server, in: entry.key.service), isSound(next) else { return result }
            return next
        }
    }

    /// With that server, which joined; nil: it may not join any more, or is there.
    private func keeping(_ server: Server, in service: String) -> Self? {
        let port = server.agent.flatMap { SocketAddress($0.drop { $0 != "/" }.dropFirst(2)) }?.port
        return
            (try? joining(
                service, server.address, weight: server.weight,
                agentPort: port ?? AgentConfiguration.defaultReportPort, known: nil)) ?? nil
    }

    private func agentURL(of address: IPAddress, _ port: UInt16) -> String {
        "\(agent.isOverTLS ? "https" : "http")://\(SocketAddress(address: address, port: port))"
    }
}
