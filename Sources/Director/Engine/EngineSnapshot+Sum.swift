internal import Forwarding
internal import PacketIO

extension EngineSnapshot {
    /// Counts what another worker has counted as well. What both know of the interfaces, the VIPs and the servers' MACs, the first
    /// one is believed; what is wrong with an interface, whoever has it to tell.
    mutating func add(_ other: EngineSnapshot) {
        for (index, interface) in zip(interfaces.indices, other.interfaces) {
            interfaces[index].counters.add(interface.counters)
            if interfaces[index].fault == nil { interfaces[index].fault = interface.fault }
        }
        services.add(other.services)
        outbound.add(other.outbound)
        flows += other.flows
        flowCapacity += other.flowCapacity
        drops.merge(other.drops) { $0 &+ $1 }
    }
}

/// Counters of one thing, which others count for themselves as well.
private protocol Counted {
    /// Whether both are about the same thing.
    func isSame(as other: Self) -> Bool
    /// Counts what the other has counted as well.
    mutating func add(_ other: Self)
}

extension Array where Element: Counted {
    /// Counts to each of these what others counted of it. Both mostly have the same order, and are only searched through where
    /// they do not.
    fileprivate mutating func add(_ others: [Element]) {
        for index in indices {
            let atPlace = others.indices.contains(index) && others[index].isSame(as: self[index])
            guard let same = atPlace ? others[index] : others.first(where: { $0.isSame(as: self[index]) }) else {
                continue
            }
            self[index].add(same)
        }
    }
}

extension OutboundStatistics: Counted {
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

extension ServiceStatistics: Counted {
    fileprivate func isSame(as other: ServiceStatistics) -> Bool {
        (vip, transport, port) == (other.vip, other.transport, other.port)
    }

    fileprivate mutating func add(_ other: ServiceStatistics) {
        connections &+= other.connections
        inbound.add(other.inbound)
        outbound.add(other.outbound)
        servers.add(other.servers)
    }
}

extension ServerStatistics: Counted {
    fileprivate func isSame(as other: ServerStatistics) -> Bool { (address, port) == (other.address, other.port) }

    fileprivate mutating func add(_ other: ServerStatistics) {
        activeConnections += other.activeConnections
        inactiveConnections += other.inactiveConnections
        templates += other.templates
        connections &+= other.connections
        inbound.add(other.inbound)
        outbound.add(other.outbound)
    }
}
