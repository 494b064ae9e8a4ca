internal import ConfigurationFile
internal import HealthReporter
internal import Logging
internal import NetworkAddress

// Servers that come and go by themselves. Their leases are kept here, where nothing comes between a look and a change.
extension MembershipBoard {
    /// Whether a configuration can be carried out on this host.
    typealias Check = @Sendable (DirectorConfiguration) throws(DirectorError) -> Void
    /// Looks at this host once, with the way to that server: what it returns judges configurations that have no other.
    typealias Look = @Sendable (IPAddress) throws(DirectorError) -> Check
    /// What was asked for, by what it was asked for.
    typealias Wishes = [(key: LeaseBook.Key, wish: JoinWish)]

    /// Makes a server one of the services it asks for, or renews that. Returns once the engine sends to it.
    ///
    /// What is asked for is judged whole before the board is held up with it: anybody who has the token may ask for anything.
    ///
    /// - Parameter caller: where it connects from.
    nonisolated func join(
        _ request: JoinRequest, from caller: IPAddress, at now: LeaseBook.Instant = .now, look: Look
    ) async throws(ControlRefusal) -> [JoinAnswer.Service] {
        let configuration = await configuration
        guard let rule = configuration.join else { throw Self.noJoins }
        let address = try rule.address(request.address, from: caller)
        let wishes: Wishes = request.services.map { name in
            (
                .init(service: name, address: address),
                JoinWish(weight: request.weight, port: request.realPorts[name], agentPort: request.agentPort)
            )
        }
        let known = await wishesKnown(of: wishes.map(\.key))
        var outcomes: [LeaseBook.Key: Result<JoinAnswer.Outcome, ControlRefusal>] = [:]
        // What most requests are, a lease that goes on, needs no look at anything.
        if wishes.contains(where: { known[$0.key] != $0.wish }) {
            outcomes = Self.judge(wishes, known, configuration, look)
        }
        let joining = wishes.filter { outcomes[$0.key] == nil }
        if !joining.isEmpty { outcomes.merge(await take(joining, for: rule.lease, at: now)) { $1 } }
        return try Self.answer(wishes.map { ($0.key.service, outcomes[$0.key] ?? .failure(Self.noJoins)) })
    }

    /// What becomes of those that are not to join. Those that are have none.
    private static func judge(
        _ wishes: Wishes, _ known: [LeaseBook.Key: JoinWish], _ configuration: DirectorConfiguration, _ look: Look
    ) -> [LeaseBook.Key: Result<JoinAnswer.Outcome, ControlRefusal>] {
        var admission = Admission(configuration)
        var outcomes: [LeaseBook.Key: Result<JoinAnswer.Outcome, ControlRefusal>] = [:]
        var check: Result<Check, DirectorError>?
        for (key, wish) in wishes where known[key] != wish {
            do throws(ControlRefusal) {
                guard try admission.admit(key, wish, known: known[key]) == .joined else {
                    outcomes[key] = .success(.configured)
                    continue
                }
                do throws(DirectorError) {
                    let made = check ?? Result { () throws(DirectorError) in try look(key.address) }
                    check = made
                    try made.get()(admission.alone(key))
                } catch {
                    if known[key] == nil { admission.withdraw(key) }
                    throw ControlRefusal(.conflict, error)
                }
            } catch {
                outcomes[key] = .failure(error)
            }
        }
        return outcomes
    }

    private static func answer(
        _ outcomes: [(service: String, outcome: Result<JoinAnswer.Outcome, ControlRefusal>)]
    ) throws(ControlRefusal) -> [JoinAnswer.Service] {
        var refusals: [ControlRefusal] = []
        let answers = outcomes.map { service, outcome in
            switch outcome {
            case .success(let outcome): return JoinAnswer.Service(name: service, outcome: outcome)
            case .failure(let refusal):
                refusals.append(refusal)
                return JoinAnswer.Service(name: service, outcome: .refused, reason: refusal.error.description)
            }
        }
        guard let first = refusals.first, refusals.count == outcomes.count else { return answers }
        throw first
    }

    /// What was asked for before, of those that joined.
    private func wishesKnown(of keys: [LeaseBook.Key]) -> [LeaseBook.Key: JoinWish] {
        keys.reduce(into: [:]) { known, key in known[key] = leases.leases[key]?.wish }
    }

    /// Takes these in, or renews their leases.
    private func take(
        _ wishes: Wishes, for lease: Duration, at now: LeaseBook.Instant
    ) async -> [LeaseBook.Key: Result<JoinAnswer.Outcome, ControlRefusal>] {
        guard configuration.join != nil else {
            return Dictionary(uniqueKeysWithValues: wishes.map { ($0.key, .failure(Self.noJoins)) })
        }
        var admission: Admission?
        var outcomes: [LeaseBook.Key: Result<JoinAnswer.Outcome, ControlRefusal>] = [:]
        for (key, wish) in wishes {
            let known = leases.leases[key]?.wish
            do throws(ControlRefusal) {
                var outcome = JoinAnswer.Outcome.joined
                if known != wish {
                    var next = admission ?? Admission(configuration, joined: leases.leases.count)
                    admission = nil
                    defer { admission = next }
                    outcome = try next.admit(key, wish, known: known)
                }
                outcomes[key] = .success(outcome)
                if outcome == .joined { leases.renew(key, for: lease, wish, at: now) }
            } catch {
                outcomes[key] = .failure(error)
            }
        }
        if let admission {
            if admission.isChanged { await adopt(admission.configuration) } else { tellJoins() }
        }
        return outcomes
    }

    /// Lets a server go that joined. Returns what it was a server of, once the engine sends it nothing more.
    ///
    /// - Parameter claimed: the address it joined with; nil: where it connects from.
    func leave(_ claimed: IPAddress?, from caller: IPAddress) async throws(ControlRefusal) -> [JoinAnswer.Service] {
        guard let rule = configuration.join else { throw Self.noJoins }
        let address = try rule.address(claimed, from: caller)
        let keys = configuration.services.map { LeaseBook.Key(service: $0.name, address: address) }
            .filter { leases.leases[$0] != nil }
        await remove(keys, "its agent has stopped")
        return keys.map { JoinAnswer.Service(name: $0.service, outcome: .joined) }
    }

    /// Takes those out whose leases have run out.
    func endLeases(at now: LeaseBook.Instant = .now) async {
        await remove(leases.expire(at: now), "its agent has not said for the time of its lease that it is there")
    }

    private func remove(_ keys: [LeaseBook.Key], _ reason: String) async {
        guard !keys.isEmpty else { return }
        for key in keys {
            leases.end(key)
            let drain = membership.drainedJoins.contains(key) ? "; it stays drained, until undrain" : ""
            logger.notice("\(key.service): server \(key.address), which joined, goes: \(reason)\(drain)")
        }
        await adopt(configuration.without(Set(keys)))
    }

    private static var noJoins: ControlRefusal {
        ControlRefusal(.unknown, operation: "join", cause: "there is no [join] in the director's file any more")
    }
}
