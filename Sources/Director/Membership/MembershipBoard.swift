internal import ConfigurationFile
internal import HealthReporter
internal import Logging
internal import NetworkAddress

/// Who is in service, for everybody: what the agents say comes in, what the engine does goes out, one change at a time.
actor MembershipBoard {
    private(set) var membership: Membership
    /// Has the engine do something, and returns once it does.
    private let enact: @Sendable ([ServicePlan]) async -> Void
    private let logger: Logger
    /// The last change on its way into the engine: the next one waits for it, so that the engine gets them in order.
    private var applying: Task<Void, Never>?

    init(
        _ configuration: DirectorConfiguration, logger: Logger, apply: @escaping @Sendable ([ServicePlan]) async -> Void
    ) {
        membership = Membership(configuration.services)
        enact = apply
        self.logger = logger
    }

    /// Puts the configured services in force.
    func begin() async {
        await apply()
    }

    /// An agent answered. Returns once the engine does what it asks for.
    func receive(_ report: Report, from agent: String) async {
        let changes = membership.receive(report, from: agent)
        log(changes)
        // Also where nothing changed: a change that another poll brought may still be on its way.
        if changes.isEmpty { await applying?.value } else { await apply() }
    }

    /// An agent did not answer. Returns once the engine has drawn the consequences.
    func missPoll(of agent: String, reason: String) async {
        let changes = membership.missPoll(of: agent, reason: reason)
        log(changes)
        if !changes.isEmpty { await apply() }
    }

    /// The director's own checks of a server came to a verdict.
    func receiveCheck(of address: IPAddress, in service: String, isUp: Bool, reason: String) async {
        let changes = membership.receiveCheck(of: address, in: service, isUp: isUp, reason: reason)
        log(changes)
        if !changes.isEmpty { await apply() }
    }

    private func apply() async {
        let plans = membership.plans
        let task = Task { [enact, applying] in
            await applying?.value
            await enact(plans)
        }
        applying = task
        await task.value
    }

    private func log(_ changes: [Membership.Change]) {
        for change in changes {
            let text = "\(change.service): server \(change.address) \(change.sentence)"
            if change.isWorse { logger.warning("\(text)") } else { logger.notice("\(text)") }
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
