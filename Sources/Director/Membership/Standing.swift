internal import ConfigurationFile
internal import HealthReporter

extension Membership {
    /// Where a server stands, and what follows for new connections.
    struct Standing: Hashable, Sendable {
        var state: ServiceState
        /// What the agent asks for; nil: there is no agent, or it did not say.
        var agentWeight: Int?
        /// The share of new connections, 0 to 65535; 0 in every state but `up`.
        var weight: Int
        /// Why, in words; empty where there is nothing to explain.
        var reason: String
        /// Whether its agent is still to be heard for the first time: nobody knows whether it is down.
        var isAwaited = false

        /// The heaviest a server can be, as IPVS takes it (`IP_VS_WMAX` of ipvsadm(8)).
        static let maximumWeight = 65_535
        /// So much of a reason is kept, in characters: an agent may say as much as it likes.
        static let longestReason = 500

        /// Whether the server is out of the service, and not only without new connections of its own: others get its clients.
        var isOut: Bool { !isAwaited && (state == .down || state == .maint) }

        static func down(_ reason: String) -> Self {
            Self(state: .down, agentWeight: nil, weight: 0, reason: reason)
        }

        static func awaited(_ reason: String) -> Self {
            Self(state: .down, agentWeight: nil, weight: 0, reason: reason, isAwaited: true)
        }

        /// The same, with something more to explain.
        func explained(_ more: String) -> Self {
            var result = self
            result.reason = reason.isEmpty ? more : "\(reason); \(more)"
            return result
        }
    }
}
