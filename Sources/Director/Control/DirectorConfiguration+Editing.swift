internal import ConfigurationFile
internal import NetworkAddress

// What `rsdirector server` does: the same as writing it into the file would, without the file.
extension DirectorConfiguration {
    /// The configuration with one more server, which has what the service says for those that come at run time.
    func adding(_ request: ServerRequest) throws(ControlRefusal) -> Self {
        let operation = "add server \(request.address) to service \(request.service)"
        let index = try self.index(of: request, operation)
        let service = services[index]
        if let known = service.servers.first(where: { $0.address == request.address }) {
            throw ControlRefusal(
                .conflict, operation: operation,
                cause: "it is one of its servers already" + (known.isJoined ? ", and joined by itself" : ""),
                cure: "`rsdirector server set` changes its weight")
        }
        let agent = request.agent ?? true ? self.agent.url(of: request.address) : nil
        if let agent, agentsShownSomethingElse.contains(agent) {
            throw ControlRefusal(
                .conflict, operation: operation,
                cause:
                    "its agent, \(agent), is asked already for a server that shows it a token or authority of its own",
                cure: "write this server in the file, with the same")
        }
        var result = self
        result.services[index].servers.append(try server(request, agent: agent, of: service, operation))
        return result
    }

    /// One more server of the service, which has what that says for those that come at run time.
    ///
    /// - Parameter agent: where its agent answers; nil: it has none.
    func server(
        _ request: ServerRequest, agent: String?, of service: Service, _ operation: String
    ) throws(ControlRefusal) -> Server {
        guard request.address.isHost else {
            throw ControlRefusal(
                .invalid, operation: operation, cause: "that is not the address of a host",
                cure: "give the server's own address (RIP)")
        }
        if services.contains(where: { $0.vips.contains(request.address) }) {
            throw ControlRefusal(
                .conflict, operation: operation, cause: "that is a VIP", cure: "give the server's own address (RIP)")
        }
        if service.sorryServers.contains(where: { $0.address == request.address }) {
            throw ControlRefusal(.conflict, operation: operation, cause: "it is the service's sorry server")
        }
        guard service.vips.contains(where: { service.fits(request.address, $0) }) else {
            let family = request.address.v4 == nil ? "IPv6" : "IPv4"
            throw ControlRefusal(
                .invalid, operation: operation,
                cause:
                    "it is \(family), no VIP of the service is, and with \(service.forward.rawValue) packets keep their family"
            )
        }
        var server = Server(
            address: request.address, agent: agent, access: agent == nil ? AgentAccess() : access, fall: service.fall,
            rise: service.rise, checks: agent == nil ? service.checks : [])
        try server.take(request, of: service, operation)
        return server
    }

    /// Agents of servers here that are shown something else than those of servers that come at run time. An agent is asked once for
    /// all its servers.
    var agentsShownSomethingElse: Set<String> {
        let access = access
        return Set(services.lazy.flatMap(\.servers).filter { $0.access != access }.compactMap(\.agent))
    }

    /// The configuration with another weight or port of a server.
    func setting(_ request: ServerRequest) throws(ControlRefusal) -> Self {
        let operation = "set server \(request.address) of service \(request.service)"
        if request.agent != nil {
            throw ControlRefusal(
                .invalid, operation: operation, cause: "whether it has an agent is not changed at run time",
                cure: "write it in the file and `rsdirector reload`")
        }
        guard request.weight != nil || request.port != nil else {
            throw ControlRefusal(
                .invalid, operation: operation, cause: "there is nothing to set", cure: "give a weight or a port")
        }
        let index = try self.index(of: request, operation)
        guard let place = services[index].servers.firstIndex(where: { $0.address == request.address }) else {
            throw unknown(request.address, in: request.service, to: "set")
        }
        var result = self
        try result.services[index].servers[place].take(request, of: services[index], operation)
        return result
    }

    /// The configuration without a server.
    func removing(_ request: ServerRequest) throws(ControlRefusal) -> Self {
        let operation = "remove server \(request.address) of service \(request.service)"
        if request.weight != nil || request.port != nil || request.agent != nil {
            throw ControlRefusal(
                .invalid, operation: operation, cause: "a server is removed by its service and address alone")
        }
        let index = try self.index(of: request, operation)
        guard let place = services[index].servers.firstIndex(where: { $0.address == request.address }) else {
            throw unknown(request.address, in: request.service, to: "remove")
        }
        guard !services[index].servers[place].isJoined else {
            throw ControlRefusal(
                .conflict, operation: operation, cause: "it joined by itself, and would do so again",
                cure: "stop its agent, which drains and leaves, or drain it here, which holds also when it comes back; "
                    + "one that is dead goes with its lease")
        }
        var result = self
        result.services[index].servers.remove(at: place)
        return result
    }

    /// That there is no such server, or no such service.
    func unknown(_ address: IPAddress, in service: String, to verb: String) -> ControlRefusal {
        let operation = "\(verb) server \(address) of service \(service)"
        guard let known = services.first(where: { $0.name == service }) else { return noService(operation) }
        let addresses = known.servers.map(\.address.description).joined(separator: ", ")
        return ControlRefusal(
            .unknown, operation: operation, cause: "it is not one of its servers",
            cure: addresses.isEmpty ? "it has none" : "they are: \(addresses)")
    }

    private func index(of request: ServerRequest, _ operation: String) throws(ControlRefusal) -> Int {
        guard let index = services.firstIndex(where: { $0.name == request.service }) else { throw noService(operation) }
        return index
    }

    /// That there is no such service.
    func noService(_ operation: String) -> ControlRefusal {
        // As many as one may look through: a join asks for many, and each is answered.
        let names = services.prefix(20).map(\.name).joined(separator: ", ")
        let more = services.count > 20 ? " and \(services.count - 20) more" : ""
        return ControlRefusal(
            .unknown, operation: operation, cause: "there is no such service", cure: "there are: \(names)\(more)")
    }

    /// What agents are shown that are asked as `[agent]` says.
    private var access: AgentAccess {
        agent.isOverTLS ? agent.access : AgentAccess(token: agent.access.token)
    }
}

extension DirectorConfiguration.Server {
    /// Takes up a weight and a port, where they are given.
    mutating func take(
        _ request: ServerRequest, of service: DirectorConfiguration.Service, _ operation: String
    ) throws(ControlRefusal) {
        if let weight = request.weight { try take(weight: weight, operation) }
        try take(port: request.port, of: service, operation)
    }

    /// Takes up a weight.
    mutating func take(weight: Int, _ operation: String) throws(ControlRefusal) {
        guard (0...Membership.Standing.maximumWeight).contains(weight) else {
            throw ControlRefusal(
                .invalid, operation: operation,
                cause: "the weight \(weight) is not from 0 to \(Membership.Standing.maximumWeight)")
        }
        self.weight = weight
    }

    /// Takes up a port of its own, where one is given.
    mutating func take(
        port: UInt16?, of service: DirectorConfiguration.Service, _ operation: String
    ) throws(ControlRefusal) {
        guard let port else { return }
        guard service.forward == .nat, service.port != 0, port != 0 else {
            throw ControlRefusal(
                .invalid, operation: operation,
                cause:
                    "port \(port): a server has a port of its own only with forward = \"nat\" and one port of the VIP",
                cure: "leave it out")
        }
        self.port = port
    }
}
