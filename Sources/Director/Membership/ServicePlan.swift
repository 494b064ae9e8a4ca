internal import ConfigurationFile
internal import Forwarding
internal import NetworkAddress

/// What the engine is to do for one service: its servers' weights without their MACs, which the engine knows itself.
struct ServicePlan: Hashable, Sendable {
    /// One real server.
    struct Server: Hashable, Sendable {
        var address: IPAddress
        /// The share of new connections; 0: none.
        var weight: Int
    }

    var name: String
    var vips: [IPAddress]
    /// 0: all.
    var port: UInt16
    var scheduler: SchedulerKind
    var servers: [Server]

    /// One service for each VIP, with the servers of its family and the ways to them as they are now.
    func services(_ way: (IPAddress) -> EnginePort.Way?) -> [VirtualService] {
        let servers = servers.map { server in
            let way = way(server.address)
            return RealServer(
                address: server.address, weight: server.weight, station: way?.station, mtu: way?.mtu ?? 65_535)
        }
        return vips.map { vip in
            VirtualService(
                name: name, vip: vip, port: port, scheduler: scheduler,
                servers: servers.filter { $0.address.bitWidth == vip.bitWidth })
        }
    }
}

extension SchedulerKind {
    /// The scheduler of that name; weighted round robin for one that this engine lacks.
    init(_ name: SchedulerName) {
        self = SchedulerKind(rawValue: name.rawValue) ?? .wrr
    }
}
