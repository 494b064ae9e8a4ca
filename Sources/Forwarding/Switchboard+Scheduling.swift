import NetworkAddress

// Which server a new connection goes to.
extension Switchboard {
    /// A server, and the template that led to it.
    struct Choice {
        var server: UInt32
        var template: UInt32?
    }

    /// The server for a new connection of a service's, or nil where none may get one (`ip_vs_schedule`).
    mutating func choose(_ service: Int, _ packet: Packet) throws(DropReason) -> Choice? {
        guard let persistence = services[service].pointee.persistence else {
            return schedule(service, packet).map { Choice(server: $0) }
        }
        let key = TemplateKey(
            network: persistence.network(of: packet.source), vip: packet.destination,
            port: services[service].pointee.port, transport: packet.transport)
        let deadline = clock &+ persistence.timeout
        let finding = templates.find(key, now: clock)
        if case .valid(let template) = finding, try leads(to: templates.server(template), service) {
            templates.renew(template, deadline: deadline)
            return Choice(server: templates.server(template), template: template)
        }
        guard let server = schedule(service, packet) else { return nil }
        switch finding {
        case .unknown: break
        case .valid(let template), .stale(let template):
            lead(template, to: server)
            templates.renew(template, deadline: deadline)
            return Choice(server: server, template: template)
        }
        // Where there is no room to remember it, a client is served all the same.
        guard let added = templates.add(key, server: server, deadline: deadline) else { return Choice(server: server) }
        servers[server].pointee.templates += 1
        if let displaced = added.displaced { releaseTemplate(of: displaced) }
        return Choice(server: server, template: added.index)
    }

    private mutating func lead(_ template: UInt32, to server: UInt32) {
        let old = templates.server(template)
        templates.lead(template, to: server)
        servers[server].pointee.templates += 1
        releaseTemplate(of: old)
    }

    /// One template fewer leads to this server.
    mutating func releaseTemplate(of server: UInt32) {
        servers[server].pointee.templates -= 1
        servers.forgetIfUnused(server)
    }

    /// Whether a template may still lead to this server (`ip_vs_check_template` in `net/netfilter/ipvs/ip_vs_conn.c`).
    ///
    /// - Throws: where it does, and nothing can be sent there yet. The client tries again in a moment; with another server it would
    ///   have lost what it has on this one.
    private func leads(to slot: UInt32, _ service: Int) throws(DropReason) -> Bool {
        let server = servers[slot]
        guard server.pointee.service == service, !server.pointee.isOut else { return false }
        guard !server.pointee.isAwaited else { throw .serverUnresolved }
        guard server.pointee.weight > 0 || !services[service].pointee.expiresQuiescentTemplates else { return false }
        guard server.pointee.station != nil else { throw .serverUnresolved }
        return true
    }

    private mutating func schedule(_ service: Int, _ packet: Packet) -> UInt32? {
        let question = ScheduleQuestion(
            source: packet.source, sourcePort: packet.sourcePort, destination: packet.destination,
            destinationPort: packet.destinationPort)
        return services.schedule(service, for: question, servers: servers, now: clock)
    }
}

extension Persistence {
    /// What clients are told apart by.
    func network(of client: IPv6Address) -> IPv6Address {
        let length = client.mappedIPv4 != nil ? 96 + prefixLength4 : prefixLength6
        return IPv6Address(high: client.high & Self.mask(length), low: client.low & Self.mask(length - 64))
    }

    /// So many leading bits of 64, none for a negative number.
    private static func mask(_ length: Int) -> UInt64 {
        length <= 0 ? 0 : length >= 64 ? .max : ~(.max >> UInt64(length))
    }
}
