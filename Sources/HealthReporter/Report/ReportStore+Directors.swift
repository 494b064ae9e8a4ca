import Logging
import NetworkAddress

extension ReportStore {
    /// What is told about the directors, and what was told last.
    struct DirectorWatch: Sendable {
        var presence: DirectorPresence
        /// Called with the directors whenever their order has changed.
        let tell: (@Sendable ([IPAddress]) -> Void)?
        var silent: [IPAddress] = []
        var order: [IPAddress]

        init(_ presence: DirectorPresence, tell: (@Sendable ([IPAddress]) -> Void)?) {
            self.presence = presence
            self.tell = tell
            order = presence.addresses
        }

        /// What a report warns of: every director that is silent.
        var warnings: [String] {
            silent.map { director in
                "director \(director) is silent: it \(presence.hasAsked(director) ? "no longer asks" : "has not asked yet")"
            }
        }
    }

    /// A poll from `address` is held from now on.
    func recordHold(of address: IPAddress?) {
        directors.presence.beginHolding(address)
    }

    /// A poll from `address` is no longer held.
    func recordEndOfHold(of address: IPAddress?, at now: DirectorPresence.Instant = .now) {
        directors.presence.endHolding(address, at: now)
    }

    /// Looks who has fallen silent and who is back, and tells where that changes the order.
    func reviewDirectors(at now: DirectorPresence.Instant = .now) {
        let silent = directors.presence.silent(at: now)
        guard silent != directors.silent else { return }
        for address in directors.silent where !silent.contains(address) {
            logger.notice("director \(address) asks")
        }
        let known = directors.warnings
        directors.silent = silent
        ledger.silent = silent
        for warning in directors.warnings where !known.contains(warning) { logger.notice("\(warning)") }
        // An operator should see it.
        refresh(always: true)
        let order = directors.presence.order(at: now)
        guard order != directors.order else { return }
        directors.order = order
        directors.tell?(order)
    }
}
