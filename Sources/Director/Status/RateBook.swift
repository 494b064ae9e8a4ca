internal import Forwarding
internal import NetworkAddress

/// What follows from counters over time: rates, and totals that never fall.
struct RateBook: Sendable {
    /// What has a rate: a service, or one of its servers; or a rule of source NAT.
    struct Key: Hashable, Sendable {
        var vip: IPAddress
        /// Nil: a rule of source NAT.
        var transport: Transport?
        var port: UInt16
        /// Nil: the service itself.
        var server: IPAddress?
        var serverPort: UInt16 = 0

        init(_ service: ServiceStatistics) {
            (vip, transport, port) = (service.vip, service.transport, service.port)
        }

        init(_ server: ServerStatistics, of service: ServiceStatistics) {
            self.init(service)
            (self.server, serverPort) = (server.address, server.port)
        }

        /// The rule of that place among all.
        init(_ rule: OutboundStatistics, at index: Int) {
            (vip, port) = (rule.address, UInt16(clamping: index))
        }
    }

    private var estimators: [Key: FiguresEstimator] = [:]
    private var services: [Key: StatusSnapshot.Figures] = [:]
    /// What the services counted that are no more.
    private var past = StatusSnapshot.Figures()

    /// All connections and packets since the director started, also of services that were removed meanwhile. As of the last
    /// ``note(_:)``.
    var total: StatusSnapshot.Figures { services.values.reduce(past, +) }

    /// How fast the figures grow; nil: not yet known.
    func rate(of key: Key) -> StatusSnapshot.Figures? { estimators[key]?.perSecond }

    /// Takes up what is counted, whenever somebody asked the engine.
    mutating func note(_ statistics: [ServiceStatistics]) {
        var current: [Key: StatusSnapshot.Figures] = [:]
        for service in statistics { current[Key(service)] = StatusSnapshot.Figures(service) }
        for (key, figures) in services where current[key] == nil { past = past + figures }
        services = current
    }

    /// Takes up what is counted, `elapsed` after the last time; forgets the rates of what is gone.
    mutating func sample(
        _ statistics: [ServiceStatistics], _ outbound: [OutboundStatistics] = [], after elapsed: Duration
    ) {
        note(statistics)
        var sampled: [Key: FiguresEstimator] = [:]
        func sample(_ key: Key, _ figures: StatusSnapshot.Figures) {
            var estimator = estimators[key] ?? FiguresEstimator()
            estimator.sample(figures, after: elapsed)
            sampled[key] = estimator
        }
        for service in statistics {
            sample(Key(service), StatusSnapshot.Figures(service))
            for server in service.servers { sample(Key(server, of: service), StatusSnapshot.Figures(server)) }
        }
        for (index, rule) in outbound.enumerated() {
            sample(Key(rule, at: index), StatusSnapshot.Figures(rule))
        }
        estimators = sampled
    }
}
