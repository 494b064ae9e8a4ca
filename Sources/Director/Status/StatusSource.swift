internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter

/// Where everybody who asks how the director is doing gets the answer: the engine, who is in service, and what follows from
/// counters over time.
actor StatusSource {
    private let director: String
    private let host: String
    private let engine: Engine
    private let groups: @Sendable () async -> [Membership.Group]
    private var rates = RateBook()

    /// - Parameters:
    ///   - director: the program and its version.
    ///   - host: the host's name.
    ///   - groups: the services and their servers as they stand.
    init(
        director: String, host: String, engine: Engine, groups: @escaping @Sendable () async -> [Membership.Group]
    ) {
        self.director = director
        self.host = host
        self.engine = engine
        self.groups = groups
    }

    /// Keeps the rates, until cancelled.
    func run() async {
        var last = SuspendingClock.now
        while (try? await Task.sleep(for: RateEstimator.interval)) != nil {
            let counted = await engine.snapshot()
            let now = SuspendingClock.now
            rates.sample(counted.services, counted.outbound, after: now - last)
            last = now
        }
    }

    /// What there is to know now.
    func snapshot() async -> StatusSnapshot {
        let groups = await groups()
        let engine = await engine.snapshot()
        rates.note(engine.services)
        return StatusSnapshot(
            director: director, host: host, time: .now(), engine: engine, groups: groups, rates: rates)
    }

    /// What the flow tables hold.
    func connections(_ question: ConnectionQuestion) async -> ConnectionList {
        var list = ConnectionList.Builder(question)
        await engine.list { slice in
            for connection in slice.found { list.add(connection) }
            return true
        }
        return list.finished
    }
}
