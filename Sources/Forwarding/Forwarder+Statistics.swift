import NetworkAddress

extension Forwarder {
    /// The counters of all services, in the order in which they were applied.
    public func statistics() -> [ServiceStatistics] { board.statistics() }
}

extension Switchboard {
    fileprivate func statistics() -> [ServiceStatistics] {
        (0..<services.count).map { index in
            let service = services[index].pointee
            return ServiceStatistics(
                name: names[index], vip: service.vip.narrow,
                transport: Transport(rawValue: service.transport) ?? .tcp, port: service.port,
                scheduler: service.scheduler, connections: service.connections, inbound: service.inbound,
                outbound: service.outbound, servers: services.members(of: index).map { statistics(of: $0.server) })
        }
    }

    private func statistics(of slot: UInt32) -> ServerStatistics {
        let server = servers[slot].pointee
        return ServerStatistics(
            address: server.identity.address.narrow, port: server.port(for: server.identity.port),
            weight: server.weight, isResolved: server.station != nil, activeConnections: server.active,
            inactiveConnections: server.inactive, templates: server.templates, connections: server.connections,
            inbound: server.inbound, outbound: server.outbound)
    }
}
