public import HealthReporter
public import NetworkAddress

/// What the director knows at one moment: the JSON of `GET /v1/status`. Keys that a reader does not know are skipped.
public struct StatusSnapshot: Codable, Sendable, Equatable {
    /// Which program speaks, with its version: `rsdirector 0.1.0`.
    public var director: String
    /// The host's name.
    public var host: String
    /// When the snapshot was made.
    public var time: Timestamp
    /// How many flows there are, expired ones that were not yet swept included.
    public var flows: Int
    /// How many flows there is room for.
    public var flowCapacity: Int
    /// The interfaces, in the order of the configuration.
    public var interfaces: [Interface]
    /// Each VIP on each interface, and each outbound address.
    public var vips: [VIP]
    /// The services, one for each VIP, in the order of the configuration.
    public var services: [Service]
    /// The rules of source NAT, in the order of the configuration.
    public var outbound: [Outbound] = []
    /// All that was counted for services since the director started, also on services that were removed meanwhile.
    public var total: Figures
    /// Packets for the VIPs, and of servers' to the world, that were not forwarded, by why. Reasons that never occurred are left out.
    public var drops: [String: UInt64]

    enum CodingKeys: String, CodingKey {
        case director, host, time, flows, interfaces, vips, services, outbound, total, drops
        case flowCapacity = "flow_capacity"
    }
}

extension StatusSnapshot {
    /// One interface. Counters start when the director does and go on over losses of the interface.
    public struct Interface: Codable, Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Its MAC; nil while it is lost.
        public var mac: String?
        /// Whether frames pass: false while the interface is down or gone, and while it has a fault.
        public var up: Bool
        /// Why the interface cannot be taken into use, by one of the workers at least, although it is there; nil: it can, or it is
        /// down or gone.
        public var fault: String?
        /// Frames that arrived.
        public var received: UInt64
        /// Frames that were lost because the director was too slow.
        public var ringDrops: UInt64
        /// Frames sent.
        public var transmitted: UInt64
        /// Frames the kernel refused to send.
        public var refused: UInt64

        enum CodingKeys: String, CodingKey {
            case name, mac, up, fault, received, transmitted, refused
            case ringDrops = "ring_drops"
        }
    }

    /// One VIP on one interface.
    public struct VIP: Codable, Sendable, Equatable {
        /// The VIP.
        public var address: IPAddress
        /// The interface's name.
        public var interface: String
        /// Whether it is ours there.
        public var state: Ownership
        /// The MAC of another station that says the VIP is its own; nil: none.
        public var conflict: String?
    }

    /// Whether a VIP is ours (RFC 5227).
    public enum Ownership: String, Codable, Sendable {
        /// Left to others: `own_vip = false`.
        case silent
        /// Being asked for.
        case probing
        /// Ours: answered and announced.
        case owned
        /// Another station has it.
        case taken
        /// The interface is lost.
        case lost
    }
}
