import NetworkAddress

extension Forwarder {
    /// The counters of all services, in the order in which they were applied.
    public func statistics() -> [ServiceStatistics] {
        (0..<services.count).map { index in
            let service = services[index].pointee
            return ServiceStatistics(
                name: names[index], vip: IPv4Address(rawValue: service.vip), port: service.port,
                scheduler: service.scheduler, connections: service.connections, packets: service.packets,
                bytes: service.bytes, servers: services.members(of: index).map { statistics(of: $0.server) })
        }
    }

    private func statistics(of slot: UInt32) -> ServerStatistics {
        let server = servers[slot].pointee
        return ServerStatistics(
            address: IPv4Address(rawValue: server.identity.address), weight: server.weight,
            isResolved: server.station != nil, activeConnections: server.active, inactiveConnections: server.inactive,
            connections: server.connections, packets: server.packets, bytes: server.bytes)
    }
}
