internal import ConfigurationFile
internal import HealthReporter
internal import Logging
internal import NetworkAddress

/// Who is in service, for everybody: what the agents, the checks, the file and the operator say comes in, what the engine does
/// goes out, one change at a time.
actor MembershipBoard {
    /// What is in force: the file, and what was changed by hand since it was read.
    private(set) var configuration: DirectorConfiguration
    private(set) var membership: Membership
    /// Until when servers that joined by themselves stay.
    var leases = LeaseBook(at: .now)
    /// The agents to poll, whenever they became others, and at the start.
    nonisolated let agents: AsyncStream<[Membership.Agent]>
    private let tellAgents: AsyncStream<[Membership.Agent]>.Continuation
    /// The servers that the director asks itself, likewise.
    nonisolated let checkedServers: AsyncStream<[CheckedServer]>
    private let tellCheckedServers: AsyncStream<[CheckedServer]>.Continuation
    /// Who joined, whenever that became others, and at the start: what is to outlive this director.
    nonisolated let joins: AsyncStream<SavedJoins>
    private let continuationOfJoins: AsyncStream<SavedJoins>.Continuation
    /// Has the engine do something, and returns once it does.
    private let apply: @Sendable ([ServicePlan]) async -> Void
    /// The same for the rules of source NAT.
    private let applyOutbound: @Sendable ([DirectorConfiguration.Outbound]) async -> Void
    let logger: Logger
    /// The last change on its way into the engine: the next one waits for it, so that the engine gets them in order.
    private var applying: Task<Void, Never>?

    /// How often it is looked whether the time has brought something about.
    private static let tick = Duration.milliseconds(100)

    /// - Parameter joins: who had joined, of those in `configuration`.
    init(
        _ configuration: DirectorConfiguration, resuming joins: SavedJoins = SavedJoins(), logger: Logger,
        applyOutbound: @escaping @Sendable ([DirectorConfiguration.Outbound]) async -> Void = { _ in },
        apply: @escaping @Sendable ([ServicePlan]) async -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.applyOutbound = applyOutbound
        self.apply = apply
        membership = Membership(configuration.services, drained: Set(joins.drained), now: .now)
        (agents, tellAgents) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (checkedServers, tellCheckedServers) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (self.joins, continuationOfJoins) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let lease = max(configuration.join?.lease ?? .zero, LeaseBook.atTheStart)
        for server in joins.servers { leases.renew(server.key, for: lease, server.wish, at: .now) }
        tellAgents.yield(membership.agents)
        tellCheckedServers.yield(membership.checkedServers)
    }

    /// Puts the configured services in force.
    func begin() async {
        tellJoins()
        await apply()
    }

    /// Looks after what the time alone brings about, until cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.tick)
            await endLeases()
            let apologies = apologies
            let changes = membership.advance(to: .now)
            guard !changes.isEmpty else { continue }
            // A weight that grows step by step is no news.
            log(changes.filter { $0.old.reason != $0.new.reason || $0.old.state != $0.new.state }, since: apologies)
            await apply()
        }
    }

    /// An agent answered. Returns once the engine does what it asks for.
    func receive(_ report: Report, from agent: String) async {
        await settle { $0.receive(report, from: agent, now: .now) }
    }

    /// An agent did not answer. Returns once the engine has drawn the consequences.
    func missPoll(of agent: String, reason: String) async {
        await settle { $0.missPoll(of: agent, reason: reason, now: .now) }
    }

    /// The director's own checks of a server came to a verdict.
    func receiveCheck(of address: IPAddress, in service: String, isUp: Bool, reason: String) async {
        await settle { $0.receiveCheck(of: address, in: service, isUp: isUp, reason: reason, now: .now) }
    }

    /// Drains a server by hand, or ends that. Returns once the engine does it.
    func drain(_ address: IPAddress, in service: String, _ isDrained: Bool) async throws(ControlRefusal) {
        var isKnown = true
        await settle { membership in
            let changes = membership.drain(address, in: service, isDrained, now: .now)
            isKnown = changes != nil
            return changes ?? []
        }
        guard isKnown else {
            throw configuration.unknown(address, in: service, to: isDrained ? "drain" : "undrain")
        }
        tellJoins()
    }

    /// Who joined, as it is to outlive this director.
    var savedJoins: SavedJoins {
        guard configuration.join != nil else { return SavedJoins() }
        let servers = configuration.joinedServers.compactMap { server in
            leases.leases[server.key].map { JoinedServer(key: server.key, wish: $0.wish) }
        }
        return SavedJoins(servers: servers, drained: membership.drainedJoins)
    }

    /// Has that saved.
    func tellJoins() {
        continuationOfJoins.yield(savedJoins)
    }

    /// Makes what `edit` returns the configuration, unless it throws. Nothing comes between the two. Returns what is different,
    /// a line each, once the engine does it.
    func change<Failure: Error>(
        _ edit: @Sendable (DirectorConfiguration) throws(Failure) -> DirectorConfiguration
    ) async throws(Failure) -> [String] {
        await adopt(try edit(configuration))
    }

    /// Makes this the configuration. Nothing comes between the call and that. Returns what is different, a line each, once the
    /// engine does it.
    @discardableResult
    func adopt(_ new: DirectorConfiguration) async -> [String] {
        let changes = ConfigurationDifference(from: configuration, to: new).changes
        let isOutboundNew = new.outbound != configuration.outbound
        configuration = new
        leases.keep(only: Set(new.joinedServers.map(\.key)))
        for line in changes { logger.notice("\(line)") }
        let apologies = apologies
        log(membership.reconfigure(new.services, now: .now), since: apologies)
        tellAgents.yield(membership.agents)
        tellCheckedServers.yield(membership.checkedServers)
        tellJoins()
        if isOutboundNew { await applyOutbound(new.outbound) }
        await apply()
        return changes
    }

    /// Takes something up, and returns once the engine acts on it.
    private func settle(_ take: (inout Membership) -> [Membership.Change]) async {
        let apologies = apologies
        let changes = take(&membership)
        log(changes, since: apologies)
        // Also where nothing changed: a change that another poll brought may still be on its way.
        if changes.isEmpty { await applying?.value } else { await apply() }
    }

    private func apply() async {
        let plans = membership.plans
        let task = Task { [apply, applying] in
            await applying?.value
            await apply(plans)
        }
        applying = task
        await task.value
    }
}

// What an operator reads.
extension MembershipBoard {
    /// By the services' names, for which families the sorry server answers.
    private var apologies: [String: Set<Family>] {
        Dictionary(uniqueKeysWithValues: membership.groups.map { ($0.service.name, $0.apologies) })
    }

    private func log(_ changes: [Membership.Change], since old: [String: Set<Family>]) {
        for change in changes {
            let text = "\(change.service): server \(change.address) \(change.sentence)"
            if change.isWorse { logger.warning("\(text)") } else { logger.notice("\(text)") }
        }
        guard !changes.isEmpty else { return }
        for group in membership.groups where group.apologies != old[group.service.name, default: []] {
            let name = group.service.name
            if group.apologies.isEmpty {
                logger.notice("\(name): enough servers are up, they get the connections again")
            } else {
                logger.warning(
                    "\(name): fewer servers are up than quorum asks for, the sorry server gets the connections")
            }
        }
    }
}

extension Membership.Change {
    /// Whether it went down, not by anybody's wish.
    var isWorse: Bool { new.state == .down && old.state != .down }

    /// What happened, in words.
    var sentence: String {
        let reason = new.reason.isEmpty ? "" : ": \(new.reason)"
        guard new.state == old.state else {
            return "is \(new.state.rawValue)" + (new.state == .up ? ", weight \(new.weight)" : "") + reason
        }
        guard new.weight == old.weight else { return "has weight \(new.weight), before \(old.weight)\(reason)" }
        return "is still \(new.state.rawValue)\(reason)"
    }
}
