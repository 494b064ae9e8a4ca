internal import NetworkAddress

extension DirectorConfiguration {
    /// Which clients stay with their server (ipvsadm(8), `--persistent`, `--netmask`).
    public struct Persistence: Sendable, Equatable {
        /// For how long after a client's last connection was made: 1 s to 31 d. While it has one open, longer.
        public var timeout: Duration
        /// How many bits of an IPv4 address make a client: 1 to 32.
        public var prefixLength: Int
        /// How many bits of an IPv6 address make a client: 1 to 128.
        public var prefixLengthV6: Int
        /// What the clients of a drained server get. Those of a removed one are always scheduled anew.
        public var drainedClients: DrainedClients

        /// Persistence for `timeout`; what is left out is IPVS's: each address is a client, and stays.
        public init(
            timeout: Duration, prefixLength: Int = 32, prefixLengthV6: Int = 128, drainedClients: DrainedClients = .stay
        ) {
            self.timeout = timeout
            self.prefixLength = prefixLength
            self.prefixLengthV6 = prefixLengthV6
            self.drainedClients = drainedClients
        }
    }

    /// What the new connections of a client get whose server has the weight 0 (`expire_quiescent_template` of IPVS).
    public enum DrainedClients: String, Sendable, CaseIterable {
        /// The same server, until persistence ends: 0 of IPVS.
        case stay
        /// Another server: 1 of IPVS.
        case move
    }
}

extension DirectorConfiguration.Persistence {
    /// Reads what a service says of it. Nil: nothing, or wrong and reported.
    init?(_ table: Table, vips: [IPAddress]) {
        let timeout = table.duration("persistence", in: Table.flowLifetime, example: "300s")
        let length = table.integer("persistence_netmask", in: 1...32)
        let lengthV6 = table.integer("persistence_netmask6", in: 1...128)
        let drained: DirectorConfiguration.DrainedClients? = table.choice("drained_clients", later: [:])
        let masks = [("persistence_netmask", "IPv4"), ("persistence_netmask6", "IPv6")]
        if table["persistence"] == nil {
            for key in masks.map(\.0) + ["drained_clients"] {
                table.refuse(key, "is for services with persistence", "remove it, or write persistence = \"5m\"")
            }
        } else if !vips.isEmpty {
            for (key, family) in masks where !vips.contains(where: { $0.family == family }) {
                table.refuse(key, "is for clients of \(family), and no VIP is", "remove it, or add a VIP of \(family)")
            }
        }
        guard let timeout else { return nil }
        self.init(
            timeout: timeout, prefixLength: length ?? 32, prefixLengthV6: lengthV6 ?? 128,
            drainedClients: drained ?? .stay)
    }
}

extension Table {
    /// How long a flow, or a client's tie to a server, may be remembered: `MAX_TIMEOUT` of ipvsadm(8).
    static let flowLifetime = Duration.seconds(1)...(.seconds(31 * 86_400))
}
