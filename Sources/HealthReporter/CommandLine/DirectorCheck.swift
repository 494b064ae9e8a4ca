internal import ConfigurationFile
internal import NetworkAddress

/// One answer about a service as a director's own health check wants it: as an exit status.
public enum DirectorCheck: Sendable {
    /// keepalived's `MISC_CHECK` with `misc_dynamic` (keepalived.conf(5)): 1 failed; 2 to 255 sound, with a weight of 0 to 253. A
    /// weight of 0 keeps the connections there are: it is a drain. 0, sound with the configured weight, is never said.
    case keepalived
    /// ldirectord's `external` check (ldirectord(8)): 0 up, anything else down. What down does there, is `quiescent`'s to say: with
    /// `yes` the server keeps its connections and gets no new ones, so that a drain is told as down.
    case ldirectord

    /// The status where nothing is known: no answer, a refusal, a mistake on the command line.
    public static let failure: Int32 = 1
    /// How long an answer is waited for. keepalived kills a check that takes longer than `misc_timeout`, a second at the least, and
    /// then forgets the weight (keepalived#2720).
    public static let limit = Duration.milliseconds(800)
    /// The largest weight that an exit status can say.
    static let largestWeight = 253

    /// The exit status for a service as it is.
    public func exitStatus(for service: Report.Service) -> Int32 {
        let isUp = service.state == .up && service.weight > 0
        switch (self, service.state) {
        case (.ldirectord, _): return isUp ? 0 : Self.failure
        case (.keepalived, .down), (.keepalived, .maint): return Self.failure
        case (.keepalived, .up), (.keepalived, .draining), (.keepalived, .drained):
            return 2 + Int32(Self.weight(service.state == .up ? service.weight : 0, of: service.baseWeight))
        }
    }

    /// The URL of the agent on a real server, on the port of the report where nothing else is said; nil where `server` is no
    /// address.
    ///
    /// - Parameters:
    ///   - server: its address (RIP) as ldirectord hands it over, an IPv6 one with or without brackets.
    ///   - isOverTLS: whether that agent is to be asked over TLS.
    public static func agentURL(on server: String, isOverTLS: Bool) -> String? {
        let bare = server.hasPrefix("[") && server.hasSuffix("]") ? server.dropFirst().dropLast() : server[...]
        guard let address = IPAddress(String(bare)) else { return nil }
        let place = SocketAddress(address: address, port: AgentConfiguration.defaultReportPort)
        return "\(isOverTLS ? "https" : "http")://\(place)"
    }

    /// A weight as keepalived can take it. Up to a base weight of 253 it is the same; beyond that all weights of the service are made
    /// smaller in proportion, and what is not 0 is at least 1. Servers of a service should then have the same base weight: each
    /// makes its own smaller.
    static func weight(_ weight: Int, of baseWeight: Int) -> Int {
        guard weight > 0 else { return 0 }
        guard baseWeight > largestWeight else { return min(weight, largestWeight) }
        return min(max((weight * largestWeight + baseWeight / 2) / baseWeight, 1), largestWeight)
    }
}
