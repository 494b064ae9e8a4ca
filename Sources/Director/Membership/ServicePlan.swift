internal import Forwarding
internal import NetworkAddress

/// What the engine is to do for one service on VIPs of one family: everything but how the servers are reached, which the
/// engine knows itself.
struct ServicePlan: Hashable, Sendable {
    /// How packets reach a server.
    enum Method: Hashable, Sendable {
        case direct
        case nat
        case tunnel(Encapsulation)
    }

    /// One server, or the sorry server.
    struct Server: Hashable, Sendable {
        var address: IPAddress
        /// NAT: the port on the server; 0: the one the client used.
        var port: UInt16 = 0
        /// The share of new connections; 0: none.
        var weight: Int
        /// See `RealServer.isOut`.
        var isOut = false
        /// See `RealServer.isAwaited`.
        var isAwaited = false
        var method = Method.direct
        /// Thresholds; 0: none, or IPVS's.
        var upper = 0
        var lower = 0
    }

    /// How a server is reached at the moment.
    struct Reach: Sendable {
        /// Nil while the MAC is not known.
        var station: LinkStation?
        /// The longest IP packet that the way there takes, in bytes.
        var mtu: Int
        /// Our own address towards it, of its family, which tunnels begin at; nil: not known.
        var source: IPAddress?
    }

    var name: String
    var vips: [IPAddress]
    /// 0: all.
    var port: UInt16
    var transport = Transport.tcp
    var scheduler: SchedulerKind
    var options = SchedulerOptions()
    var persistence: Persistence?
    var expiresQuiescentTemplates = false
    var expiresOrphans = false
    var isSloppy = false
    var answersReturn = false
    var servers: [Server]

    /// One service for each VIP, with the servers where they are reached now; `reach` is nil for one that is not.
    func services(_ reach: (IPAddress) -> Reach?) -> [VirtualService] {
        let servers = servers.map { RealServer($0, reach($0.address)) }
        return vips.map { vip in
            VirtualService(
                name: name, vip: vip, transport: transport, port: port, scheduler: scheduler, options: options,
                persistence: persistence, expiresQuiescentTemplates: expiresQuiescentTemplates,
                expiresOrphans: expiresOrphans, isSloppy: isSloppy, answersReturn: answersReturn, servers: servers)
        }
    }
}

extension RealServer {
    /// A server that is not reached stays in the list and gets nothing, and so does one whose tunnel has no beginning.
    fileprivate init(_ server: ServicePlan.Server, _ reach: ServicePlan.Reach?) {
        let method = ForwardMethod(server, from: reach?.source)
        self.init(
            address: server.address, port: server.port, weight: server.weight, isOut: server.isOut,
            isAwaited: server.isAwaited, method: method ?? .direct, station: method == nil ? nil : reach?.station,
            mtu: reach?.mtu ?? 65_535, upper: server.upper, lower: server.lower)
    }
}

extension ForwardMethod {
    /// Nil: a tunnel from nowhere.
    fileprivate init?(_ server: ServicePlan.Server, from source: IPAddress?) {
        switch server.method {
        case .direct: self = .direct
        case .nat: self = .nat
        case .tunnel(let encapsulation):
            guard let source, source.bitWidth == server.address.bitWidth else { return nil }
            self = .tunnel(Tunnel(encapsulation, from: source, to: server.address))
        }
    }
}
