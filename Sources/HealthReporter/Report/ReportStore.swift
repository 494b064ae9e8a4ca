import ConfigurationFile
import Logging
import NetworkAddress

/// What is known now: every observation comes in here, every answer is made from here.
///
/// Whenever an observation changes what a director should know, the generation grows and whoever waits for a change is
/// resumed at once. Everything that decides is in values without side effects (`ServiceHealth`, `CheckHistory`,
/// `DirectorLedger`, `AdminState`); this joins them.
actor ReportStore {
    struct CheckedService: Sendable {
        let configuration: AgentConfiguration.Service
        let targets: [CheckTarget]
        var histories: [CheckHistory]
        var connections: Int?
    }

    let identity: HealthReporter.Identity
    let logger: Logger
    let adminFile: StateFile
    /// Writes the state files.
    let disk = StateDisk()
    /// What fails again and again.
    let failures: FailureLog
    var checked: [CheckedService]
    var setup: [String: [String]]?
    var warnings: [String: [String]] = [:]
    var admin: AdminState
    var ledger: DirectorLedger
    var directors: DirectorWatch
    var drains = DrainBook()
    var isStopping = false
    var weights: Weights
    /// How busy the host is, and when somebody last asked for it.
    var load = LoadFigures()
    var loadAsked: ContinuousClock.Instant?
    /// When the agent started.
    let started: Timestamp

    var counter: GenerationCounter
    /// Whether more generations are being reserved.
    var isReserving = false
    /// Those who change what is asked for by hand, one at a time.
    var changes = Turns()
    /// What an operator should know of the disk and of callers that are refused, as it was last told.
    var conditions: [String] = []
    var refusals = DirectorRefusals()
    /// How this server stands with the directors it joins by itself, in the order of the configuration.
    var joins: [JoinStatus]
    private var current: [Report.Service] = []
    /// The report as it was last encoded; nil: it has changed since.
    var encoded: EncodedReport?
    var waiters = Waiters()

    /// Reads what survived the last run from `configuration.stateDirectory`, which is created if its parent exists.
    ///
    /// - Parameters:
    ///   - ownAddresses: this host's own addresses; see `LocalEndpoints`.
    ///   - silence: after which time without a question a director is silent, at least.
    ///   - onDirectors: called with the directors, those that are silent last, whenever their order changes.
    init(
        configuration: AgentConfiguration, ownAddresses: [IPAddress] = [], identity: HealthReporter.Identity,
        silence: Duration = HealthReporter.silence, onDirectors: (@Sendable ([IPAddress]) -> Void)? = nil,
        logger: Logger, now: Timestamp = .now(), instant: DirectorPresence.Instant = .now
    ) throws(ReporterError) {
        self.identity = identity
        self.logger = logger
        failures = FailureLog(logger)
        started = now
        adminFile = StateFile("admin.json", in: configuration.stateDirectory)
        try adminFile.createDirectory()
        admin = try AdminState.load(from: adminFile)
        // What is asked for by hand is known by its generation, also where the other file was lost.
        counter = try GenerationCounter(
            file: StateFile("generation", in: configuration.stateDirectory),
            beyond: admin.services.values.map(\.generation).max() ?? 0, logger: logger, now: now)
        ledger = DirectorLedger(directors: configuration.directors)
        directors = DirectorWatch(
            DirectorPresence(directors: configuration.directors, silence: silence, now: instant), tell: onDirectors)
        weights = Weights(configuration, boot: identity.boot, logger: logger, at: instant)
        joins = configuration.joins.map { JoinStatus(director: $0.url) }
        checked = []
        for service in configuration.services {
            let endpoints = try LocalEndpoints(of: service, ownAddresses: ownAddresses)
            let targets = try CheckTarget.all(of: service, at: endpoints)
            checked.append(
                CheckedService(
                    configuration: service, targets: targets,
                    histories: targets.map { CheckHistory(rise: $0.check.rise, fall: $0.check.fall, since: now) }))
        }
        counter.advance()
        ledger.follow(admin.services.filter { $0.value.mode == .drain }.mapValues(\.generation))
        drains.deadlines.follow(admin, now: now, instant: instant)
        current = Self.assess(checked, setup, warnings, admin, ledger, drains, isStopping: false)
    }

    // MARK: Answers

    /// The latest generation.
    var generation: UInt64 { counter.value }

    /// The services as they are now.
    var services: [Report.Service] { current }

    /// The report as it is now.
    func report(at now: Timestamp = .now()) -> Report {
        Report(
            agent: identity.agent, host: identity.host, boot: identity.boot, generation: generation, time: now,
            services: current, warnings: agentWarnings)
    }

    // MARK: Change

    /// Assesses everything anew. Where that makes a difference to a director, or `always`, the generation grows.
    func refresh(always: Bool = false) {
        let next = weigh(Self.assess(checked, setup, warnings, admin, ledger, drains, isStopping: isStopping))
        guard always || next != current else { return }
        let differs = always || next.map(\.withoutMeasurements) != current.map(\.withoutMeasurements)
        for (old, new) in zip(current, next) where old.state != new.state {
            logger.notice(
                "service \(new.name) is \(new.state.rawValue)",
                metadata: ["was": "\(old.state.rawValue)", "reason": "\(new.reason)", "weight": "\(new.weight)"])
        }
        for (old, new) in zip(current, next)
        where old.state == new.state && new.state != .up && old.reason != new.reason {
            logger.info("service \(new.name) is still \(new.state.rawValue)", metadata: ["reason": "\(new.reason)"])
        }
        current = next
        encoded = nil
        guard differs else { return }
        counter.advance()
        reserveAhead()
        waiters.resumeAll()
    }

    /// Takes into account how long the latest answer to a check took, and nothing else: no director need know.
    func measured(_ latency: Duration?, service: Int, check: Int) {
        current[service].checks[check].latencyMilliseconds = latency?.roundedMilliseconds
        encoded = nil
    }

    private static func assess(
        _ checked: [CheckedService], _ setup: [String: [String]]?, _ warnings: [String: [String]], _ admin: AdminState,
        _ ledger: DirectorLedger, _ drains: DrainBook, isStopping: Bool
    ) -> [Report.Service] {
        checked.map { service in
            let configuration = service.configuration
            let checks = zip(service.targets, service.histories).map { target, history in
                Report.CheckResult(
                    name: target.name, ok: history.ok, since: history.since,
                    latencyMilliseconds: history.latency?.roundedMilliseconds, message: history.message,
                    warning: history.warning)
            }
            let entry = admin.services[configuration.name]
            let health = ServiceHealth(
                baseWeight: configuration.weight,
                setup: setup.map { .verified(problems: $0[configuration.name] ?? []) } ?? .unverified,
                checks: checks.map { ($0.name, $0.ok, $0.message) },
                administered: entry,
                connections: service.connections,
                directorsToTell: entry.map { ledger.uninformed(of: configuration.name, generation: $0.generation) }
                    ?? [],
                agentIsStopping: isStopping, isDrainHeld: drains.isHeld(configuration.name),
                isTimeOver: configuration.transport == .udp ? drains.isTimeOver(of: configuration.name) : nil)
            let verdict = health.verdict
            return Report.Service(
                name: configuration.name, vips: configuration.vips, ports: configuration.ports,
                transport: configuration.transport, forward: configuration.forward, state: verdict.state,
                weight: verdict.weight, baseWeight: configuration.weight, reason: verdict.reason,
                connections: service.connections,
                setup: Report.Setup(
                    problems: health.setup.problems,
                    warnings: (warnings[configuration.name] ?? []) + (drains.alarms[configuration.name] ?? [])),
                checks: checks)
        }
    }
}

extension Report.Service {
    /// Without what varies all the time: two that are equal in the rest are the same to a director.
    fileprivate var withoutMeasurements: Report.Service {
        var service = self
        service.connections = nil
        for index in service.checks.indices { service.checks[index].latencyMilliseconds = nil }
        return service
    }
}

extension Duration {
    /// In seconds, a part of one being a whole one.
    var wholeSeconds: Int { Int(components.seconds) + (components.attoseconds > 0 ? 1 : 0) }

    /// In milliseconds, to the microsecond.
    var roundedMilliseconds: Double {
        let microseconds = components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
        return Double(microseconds) / 1_000
    }
}
