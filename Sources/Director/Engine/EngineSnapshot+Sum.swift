internal import Forwarding
internal import PacketIO

extension EngineSnapshot {
    /// Counts what another worker has counted as well. What both know of the interfaces, the VIPs and the servers' MACs, the first
    /// one is believed.
    mutating func add(_ other: EngineSnapshot) {
        for (index, interface) in zip(interfaces.indices, other.interfaces) {
            interfaces[index].counters.add(interface.counters)
        }
        for index in services.indices {
            guard let same = other.services.first(where: { $0.isSame(as: services[index]) }) else { continue }
            services[index].add(same)
        }
        for index in outbound.indices {
            guard let same = other.outbound.first(where: { $0.isSame(as: outbound[index]) }) else { continue }
            outbound[index].add(same)
        }
        flows += other.flows
        flowCapacity += other.flowCapacity
        drops.merge(other.drops) { $0 &+ $1 }
    }
}

extension OutboundStatistics {
    fileprivate func isSame(as other: OutboundStatistics) -> Bool {
        (address, ports, sources) == (other.address, other.ports, other.sources)
    }

    fileprivate mutating func add(_ other: OutboundStatistics) {
        activeConnections += other.activeConnections
        inactiveConnections += other.inactiveConnections
        connections &+= other.connections
        inbound.add(other.inbound)
        outbound.add(other.outbound)
    }
}

extension ServiceStatistics {
    fileprivate func isSame(as other: ServiceStatistics) -> Bool {
        (vip, transport, port) == (other.vip, other.transport, other.port)
    }

    fileprivate mutating func add(_ other: ServiceStatistics) {
        connections &+= other.connections
        inbound.add(other.inbound)
        outbound.add(other.outbound)
        for index in servers.indices {
            guard
                let same = other.servers.first(where: {
                    ($0.address, $0.port) == (servers[index].address, servers[index].port)
                })
            else { continue }
            servers[index].activeConnections += same.activeConnections
            servers[index].inactiveConnections += same.inactiveConnections
            servers[index].templates += same.templates
            servers[index].connections &+= same.connections
            servers[index].inbound.add(same.inbound)
            servers[index].outbound.add(same.outbound)
        }
    }
}
