internal import ConfigurationFile
internal import Forwarding
internal import NetworkAddress

/// What the engine is to do for one service: its servers' weights without their MACs, which the engine knows itself.
struct ServicePlan: Hashable, Sendable {
    /// One real server.
    struct Server: Hashable, Sendable {
        var address: IPv4Address
        /// The share of new connections; 0: none.
        var weight: Int
    }

    var name: String
    var vips: [IPv4Address]
    /// 0: all.
    var port: UInt16
    var scheduler: SchedulerKind
    var servers: [Server]

    /// One service for each VIP, with the stations the servers are at now.
    func services(_ station: (IPv4Address) -> LinkStation?) -> [VirtualService] {
        let servers = servers.map { RealServer(address: .v4($0.address), weight: $0.weight, station: station($0.address)) }
        return vips.map {
            VirtualService(name: name, vip: .v4($0), port: port, scheduler: scheduler, servers: servers)
        }
    }
}

extension SchedulerKind {
    /// The scheduler of that name; weighted round robin for one that this engine lacks.
    init(_ name: SchedulerName) {
        self = SchedulerKind(rawValue: name.rawValue) ?? .wrr
    }
}
