internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress
internal import PacketIO

extension StatusSnapshot {
    /// What the engine counts, joined with what the agents say.
    init(
        director: String, host: String, time: Timestamp, engine: EngineSnapshot, groups: [Membership.Group],
        rates: RateBook
    ) {
        self.director = director
        self.host = host
        self.time = time
        flows = engine.flows
        flowCapacity = engine.flowCapacity
        drops = engine.drops
        total = rates.total
        interfaces = engine.interfaces.map(Interface.init)
        vips = engine.interfaces.flatMap { interface in interface.vips.map { VIP($0, on: interface) } }
        outbound = engine.outbound.enumerated().map { index, counted in
            Outbound(counted, rate: rates.rate(of: .init(counted, at: index)))
        }
        services = groups.flatMap { group in
            group.service.vips.map { vip in
                let counted = engine.services.first {
                    $0.vip == vip && $0.port == group.service.port && $0.transport == .init(group.service.transport)
                }
                return Service(group, vip: vip, counted: counted, rates: rates, stations: engine.stations)
            }
        }
    }
}

extension StatusSnapshot.Interface {
    fileprivate init(_ interface: EngineSnapshot.Interface) {
        name = interface.name
        mac = interface.mac?.description
        up = interface.mac != nil && interface.fault == nil
        fault = interface.fault
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
        _ group: Membership.Group, vip: IPAddress, counted: ServiceStatistics?, rates: RateBook,
        stations: [IPAddress: MACAddress]
    ) {
        name = group.service.name
        transport = group.service.transport
        self.vip = vip
        port = group.service.port
        scheduler = group.service.scheduler
        schedulerFlags = group.service.schedulerFlags.ipvsNames(of: scheduler)
        persistence = group.service.persistence.map {
            .init(
                timeout: $0.timeout.components.seconds,
                prefixLength: vip.v4 == nil ? $0.prefixLengthV6 : $0.prefixLength)
        }
        total = counted.map(StatusSnapshot.Figures.init) ?? .init()
        rate = counted.flatMap { rates.rate(of: .init($0)) } ?? .init()
        servers = group.members.map { member in
            let configured = member.configuration
            let port = configured.port ?? group.service.port
            let server = counted?.servers.first { $0.address == configured.address && $0.port == port }
            var told = StatusSnapshot.Server(
                member, forward: group.service.forward, port: port, counted: server,
                mac: stations[configured.address])
            if let counted, let server { told.rate = rates.rate(of: .init(server, of: counted)) ?? .init() }
            return told
        }
        guard let sorry = group.service.sorryServer(for: vip.family) else { return }
        servers.append(
            StatusSnapshot.Server(
                sorry, port: sorry.port ?? group.service.port, isWanted: group.apologies.contains(vip.family),
                of: counted, rates: rates, mac: stations[sorry.address]))
    }
}

extension StatusSnapshot.Server {
    fileprivate init(
        _ member: Membership.Member, forward: ForwardingMethod, port: UInt16, counted: ServerStatistics?,
        mac: MACAddress?
    ) {
        address = member.configuration.address
        self.port = port
        self.forward = forward
        // What is in force, which a change on its way to the engine is not yet.
        weight = counted?.weight ?? member.standing.weight
        active = counted?.activeConnections ?? 0
        inactive = counted?.inactiveConnections ?? 0
        templates = counted?.templates ?? 0
        upper = member.configuration.thresholds?.upper
        lower = member.configuration.thresholds?.lower
        total = counted.map(StatusSnapshot.Figures.init) ?? .init()
        rate = .init()
        state = member.standing.state
        reason = member.standing.reason
        agent = member.configuration.agent
        agentWeight = member.standing.agentWeight
        joined = member.configuration.isJoined
        self.mac = mac?.description
    }
}

extension StatusSnapshot.Server {
    /// The sorry server. `isWanted`: too few others are up.
    fileprivate init(
        _ sorry: DirectorConfiguration.SorryServer, port: UInt16, isWanted: Bool, of service: ServiceStatistics?,
        rates: RateBook, mac: MACAddress?
    ) {
        let counted = service?.servers.first { $0.address == sorry.address && $0.port == port }
        address = sorry.address
        self.port = port
        forward = sorry.forward
        weight = counted?.weight ?? (isWanted ? 1 : 0)
        active = counted?.activeConnections ?? 0
        inactive = counted?.inactiveConnections ?? 0
        templates = counted?.templates ?? 0
        total = counted.map(StatusSnapshot.Figures.init) ?? .init()
        rate = .init()
        if let service, let counted { rate = rates.rate(of: .init(counted, of: service)) ?? .init() }
        state = .up
        reason = isWanted ? "too few servers are up" : ""
        self.sorry = true
        self.mac = mac?.description
    }
}

extension Set<SchedulerFlag> {
    /// As ipvsadm prints them: `sh-fallback` before `sh-port` (`print_sched_flags` of ipvsadm.c).
    fileprivate func ipvsNames(of scheduler: SchedulerName) -> [String] {
        [SchedulerFlag.fallback, .port].filter(contains).map { "\(scheduler.rawValue)-\($0.rawValue)" }
    }
}

extension Transport {
    fileprivate init(_ transport: TransportProtocol) {
        self = transport == .tcp ? .tcp : .udp
    }
}
