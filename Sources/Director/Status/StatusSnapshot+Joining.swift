internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress
internal import PacketIO

extension StatusSnapshot {
    /// What the engine counts, joined with what the agents say.
    init(
        director: String, host: String, time: Timestamp, engine: EngineSnapshot, groups: [Membership.Group]
    ) {
        self.director = director
        self.host = host
        self.time = time
        flows = engine.flows
        flowCapacity = engine.flowCapacity
        drops = engine.drops
        interfaces = engine.interfaces.map(Interface.init)
        vips = engine.interfaces.flatMap { interface in interface.vips.map { VIP($0, on: interface) } }
        services = groups.flatMap { group in
            group.service.vips.map { vip in
                let counted = engine.services.first { $0.vip == vip && $0.port == group.service.port }
                return Service(group, vip: vip, counted: counted, stations: engine.stations)
            }
        }
    }
}

extension StatusSnapshot.Interface {
    fileprivate init(_ interface: EngineSnapshot.Interface) {
        name = interface.name
        mac = interface.mac?.description
        up = interface.mac != nil
        received = interface.counters.received
        ringDrops = interface.counters.ringDrops
        transmitted = interface.counters.transmitted
        refused = interface.counters.refused
    }
}

extension StatusSnapshot.VIP {
    fileprivate init(_ vip: EngineSnapshot.VIP, on port: EngineSnapshot.Interface) {
        address = vip.address
        interface = port.name
        conflict = vip.contender?.description
        guard port.mac != nil else {
            state = .lost
            return
        }
        switch vip.state {
        case .silent: state = .silent
        case .probing: state = .probing
        case .announcing, .owned: state = .owned
        case .taken(let holder):
            state = .taken
            conflict = holder.description
        }
    }
}

extension StatusSnapshot.Service {
    fileprivate init(
        _ group: Membership.Group, vip: IPAddress, counted: ServiceStatistics?, stations: [IPAddress: MACAddress]
    ) {
        name = group.service.name
        transport = group.service.transport
        self.vip = vip
        port = group.service.port
        scheduler = group.service.scheduler
        connections = counted?.connections ?? 0
        packets = counted?.inbound.packets ?? 0
        bytes = counted?.inbound.bytes ?? 0
        servers = group.members.map { member in
            let address = member.configuration.address
            return StatusSnapshot.Server(
                member, forward: group.service.forward,
                counted: counted?.servers.first { $0.address == address },
                mac: stations[address])
        }
    }
}

extension StatusSnapshot.Server {
    fileprivate init(
        _ member: Membership.Member, forward: ForwardingMethod, counted: ServerStatistics?, mac: MACAddress?
    ) {
        address = member.configuration.address
        self.forward = forward
        // What is in force, which a change on its way to the engine is not yet.
        weight = counted?.weight ?? member.standing.weight
        active = counted?.activeConnections ?? 0
        inactive = counted?.inactiveConnections ?? 0
        connections = counted?.connections ?? 0
        packets = counted?.inbound.packets ?? 0
        bytes = counted?.inbound.bytes ?? 0
        state = member.standing.state
        reason = member.standing.reason
        agent = member.configuration.agent
        agentWeight = member.standing.agentWeight
        self.mac = mac?.description
    }
}
