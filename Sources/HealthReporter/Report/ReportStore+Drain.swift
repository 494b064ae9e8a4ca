import ConfigurationFile
import Logging
import NetworkAddress

extension ReportStore {
    /// The drains in force and the generations that tell of them.
    private var drainGenerations: [String: UInt64] {
        admin.services.filter { $0.value.mode == .drain }.mapValues(\.generation)
    }

    /// To be called whenever what is asked for by hand has changed, and at the start.
    func followDrains(at now: Timestamp, instant: DrainBook.Instant) {
        ledger.follow(drainGenerations)
        drains.deadlines.follow(admin, now: now, instant: instant)
        updateDrains(at: instant)
    }

    /// Looks whose packets may still be on their way, and which drains nobody should send to any more.
    ///
    /// - Returns: the services of which the latter is true. None where no director is configured: nobody said anything; and
    ///   none of UDP, of which no new connection can be seen.
    @discardableResult
    func updateDrains(at instant: DrainBook.Instant) -> [String] {
        let names = checked.map(\.configuration.name)
        drains.settling = Dictionary(
            uniqueKeysWithValues: names.filter { drainGenerations[$0] != nil }.map {
                ($0, ledger.unsettled(of: $0, at: instant))
            })
        let heeded = checked.map(\.configuration).filter { service in
            guard let generation = drainGenerations[service.name] else { return false }
            return ledger.uninformed(of: service.name, generation: generation).isEmpty
                && drains.settling[service.name] == []
        }
        let timed = heeded.filter { $0.transport == .udp }.map { ($0.name, $0.drainSettle) }
        drains.leave(Dictionary(uniqueKeysWithValues: timed), at: instant)
        let watched = ledger.addresses.isEmpty ? [] : heeded.filter { $0.transport == .tcp }
        let checkers = watched.map { ($0.name, $0.directorConnections == .clients ? [] : ledger.addresses) }
        drains.watch(Dictionary(uniqueKeysWithValues: checkers), at: instant)
        return watched.map(\.name)
    }

    /// How long a service without connections to wait for is still to be left in peace; nil: not, or it is none of those.
    func timeLeft(of service: AgentConfiguration.Service) -> Duration? {
        guard service.transport == .udp, !drains.isTimeOver(of: service.name) else { return nil }
        return drains.timeLeft[service.name] ?? service.drainSettle
    }

    /// How long what is under way to services that are about to end, and have no connections to wait for, is left in peace.
    var timeToLeave: Duration {
        zip(checked, services).filter { $1.state == .draining && $1.transport == .udp }
            .map(\.0.configuration.drainSettle).max() ?? .zero
    }

    /// Whether any drain is in force.
    var hasDrains: Bool { admin.services.contains { $0.value.mode == .drain } }

    /// The same, and tells of what has changed; to be called several times a second while there are drains.
    func reviewDrains(at instant: DrainBook.Instant = .now) -> [String] {
        defer { refresh() }
        return updateDrains(at: instant)
    }

    /// Takes what was seen of these services' connections into account.
    func record(looks: [String: LateArrivals.Look], at instant: DrainBook.Instant = .now) {
        for (service, look) in looks.sorted(by: { $0.key < $1.key }) {
            for sender in drains.look(look, at: service, now: instant) {
                logger.warning("\(service) is drained: \(sender.alarm)")
            }
        }
        refresh()
    }
}
