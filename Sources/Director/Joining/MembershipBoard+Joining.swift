internal import ConfigurationFile
internal import HealthReporter
internal import Logging
internal import NetworkAddress

// Servers that come and go by themselves. Their leases are kept here, where nothing comes between a look and a change.
extension MembershipBoard {
    /// Whether a configuration can be carried out on this host.
    typealias Check = @Sendable (DirectorConfiguration) throws(DirectorError) -> Void

    /// Makes a server one of the services it asks for, or renews that. Returns once the engine sends to it.
    ///
    /// - Parameter caller: where it connects from.
    func join(
        _ request: JoinRequest, from caller: IPAddress, at now: LeaseBook.Instant = .now, check: Check
    ) async throws(ControlRefusal) -> [JoinAnswer.Service] {
        guard let rule = configuration.join else { throw Self.noJoins }
        let address = try rule.address(request.address, from: caller)
        var new = configuration
        var refusals: [ControlRefusal] = []
        let answers = request.services.map { name in
            let key = LeaseBook.Key(service: name, address: address)
            do throws(ControlRefusal) {
                let next = try new.joining(
                    name, address, weight: request.weight, agentPort: request.agentPort,
                    known: leases.leases[key]?.weight)
                guard let next else { return JoinAnswer.Service(name: name, outcome: .configured) }
                if next != new { try Self.check(next.alone(address, in: name), check) }
                new = next
                leases.renew(key, for: rule.lease, weight: request.weight, at: now)
                return JoinAnswer.Service(name: name, outcome: .joined)
            } catch {
                refusals.append(error)
                return JoinAnswer.Service(name: name, outcome: .refused, reason: error.error.description)
            }
        }
        if new != configuration { await adopt(new) }
        guard let first = refusals.first, refusals.count == request.services.count else { return answers }
        throw first
    }

    /// Lets a server go that joined. Returns what it was a server of, once the engine sends it nothing more.
    ///
    /// - Parameter claimed: the address it joined with; nil: where it connects from.
    func leave(_ claimed: IPAddress?, from caller: IPAddress) async throws(ControlRefusal) -> [JoinAnswer.Service] {
        guard let rule = configuration.join else { throw Self.noJoins }
        let address = try rule.address(claimed, from: caller)
        let keys = configuration.joinedServers.map(\.key).filter { $0.address == address }
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
            logger.notice("\(key.service): server \(key.address), which joined, goes: \(reason)")
        }
        await adopt(configuration.without(Set(keys)))
    }

    private static func check(_ configuration: DirectorConfiguration, _ check: Check) throws(ControlRefusal) {
        do throws(DirectorError) {
            try check(configuration)
        } catch {
            throw ControlRefusal(.conflict, error)
        }
    }

    private static var noJoins: ControlRefusal {
        ControlRefusal(.unknown, operation: "join", cause: "there is no [join] in the director's file any more")
    }
}
