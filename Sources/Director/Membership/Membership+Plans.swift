internal import ConfigurationFile
internal import Forwarding
internal import NetworkAddress

extension Membership {
    /// What the engine is to do: for each service a plan for the VIPs of each family it has.
    var plans: [ServicePlan] {
        groups.flatMap { group in
            Family.allCases.filter(group.service.families.contains).map(group.plan)
        }
    }
}

extension Membership.Group {
    fileprivate func plan(_ family: Family) -> ServicePlan {
        let isSorry = apologies.contains(family)
        // Those that are up wait with those that are awaited, lest their clients be the sorry server's for a moment, and then anybody's.
        let isUndecided = isSorry && mayWinQuorum(family)
        var plan = ServicePlan(service, vips: service.vips.filter { $0.family == family })
        plan.servers = fitting(family).map { member in
            let server = member.configuration
            let isAwaited = member.isAwaited || isUndecided && !member.standing.isOut
            return ServicePlan.Server(
                address: server.address, port: server.port ?? 0, weight: isSorry ? 0 : member.standing.weight,
                isOut: !isAwaited && (isSorry || member.standing.isOut), isAwaited: isAwaited,
                method: ServicePlan.Method(service.forward, service.tunnel), upper: server.thresholds?.upper ?? 0,
                lower: server.thresholds?.lower ?? 0)
        }
        // Where a client was, which hashing tells again after a start, it tells only once all servers are there to be counted.
        plan.isSloppy = service.isSloppy && !members.contains(where: \.isAwaited)
        if let sorry = service.sorryServer(for: family) {
            // Also while it has nothing to say: whoever is connected to it stays so.
            plan.servers.append(
                ServicePlan.Server(
                    address: sorry.address, port: sorry.port ?? 0, weight: isSorry ? 1 : 0, isOut: !isSorry,
                    method: ServicePlan.Method(sorry.forward, sorry.tunnel)))
        }
        return plan
    }
}

extension ServicePlan {
    /// A service without its servers.
    fileprivate init(_ service: DirectorConfiguration.Service, vips: [IPAddress]) {
        self.init(
            name: service.name, vips: vips, port: service.port, transport: Transport(service.transport),
            scheduler: SchedulerKind(service.scheduler),
            options: SchedulerOptions(
                hashesPort: service.schedulerFlags.contains(.port),
                fallsBack: service.schedulerFlags.contains(.fallback)),
            persistence: service.persistence.map(Persistence.init),
            expiresQuiescentTemplates: service.persistence?.drainedClients == .move,
            expiresOrphans: service.removedConnections == .forget, isSloppy: service.isSloppy,
            answersReturn: service.reply == .director, servers: [])
    }
}

extension ServicePlan.Method {
    fileprivate init(_ forward: ForwardingMethod, _ tunnel: AgentConfiguration.Tunneling?) {
        switch forward {
        case .dr: self = .direct
        case .nat: self = .nat
        case .tun: self = .tunnel(Encapsulation(tunnel ?? AgentConfiguration.Tunneling()))
        }
    }
}

extension Encapsulation {
    fileprivate init(_ tunnel: AgentConfiguration.Tunneling) {
        switch tunnel.type {
        case .ipip: self = .ipip
        case .gre: self = .gre
        case .gue: self = .gue(port: tunnel.port)
        }
    }
}

extension Persistence {
    fileprivate init(_ persistence: DirectorConfiguration.Persistence) {
        self.init(
            timeout: UInt64(persistence.timeout / .milliseconds(1)), prefixLength4: persistence.prefixLength,
            prefixLength6: persistence.prefixLengthV6)
    }
}

extension Transport {
    fileprivate init(_ transport: TransportProtocol) {
        switch transport {
        case .tcp: self = .tcp
        case .udp: self = .udp
        }
    }
}

extension SchedulerKind {
    fileprivate init(_ name: SchedulerName) {
        switch name {
        case .rr: self = .rr
        case .wrr: self = .wrr
        case .lc: self = .lc
        case .wlc: self = .wlc
        case .sed: self = .sed
        case .nq: self = .nq
        case .sh: self = .sh
        case .dh: self = .dh
        case .mh: self = .mh
        case .fo: self = .fo
        case .ovf: self = .ovf
        case .lblc: self = .lblc
        case .lblcr: self = .lblcr
        case .twos: self = .twos
        }
    }
}
