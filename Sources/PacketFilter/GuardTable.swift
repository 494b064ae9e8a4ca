public import NetworkAddress

/// The table `inet rsagent`: what keeps a real server's tunnel from being an open door, its segments within the tunnel's
/// MTU, and its answers on the way by the director.
///
/// ```
///  eth0 ──► prerouting: outer ──► decapsulation ──► prerouting: inner ──► the service ──► output: segments ──► eth0
///           source is a director?                   destination is a VIP?                 MSS of the SYN-ACK ≤ maximum
/// ```
///
/// A kernel that decapsulates takes a tunnel packet from anybody, and an inner packet for any address of the host, past
/// every rule about the interface it came in by (CVE-2020-10136, CVE-2024-7596). The table is held as one whole: installed in one
/// transaction that replaces it, and read back as a value. Values that do the same are equal.
public struct GuardTable: Hashable, Sendable {
    /// A way into a tunnel of this host.
    public enum Entrance: Hashable, Sendable, Codable {
        /// Packets of an IP protocol (4 IP in IP, 41 IPv6, 47 GRE) to `local`, the outer destination; 0.0.0.0 or :: are
        /// all of that family, for a device that is bound to none.
        case ip(protocol: UInt8, local: IPAddress)
        /// UDP datagrams (GUE, FOU) to a port, 1 to 65535, of `local`.
        case udp(port: UInt16, local: IPAddress)

        /// The outer destination.
        public var local: IPAddress {
            switch self {
            case .ip(_, let local), .udp(_, let local): local
            }
        }
    }

    /// The largest segment that a VIP asks its clients for.
    public struct SegmentSize: Hashable, Sendable, Codable {
        /// The source of the SYN and SYN-ACK that are changed.
        public var vip: IPAddress
        /// In bytes, without IP and TCP headers: the tunnel's MTU less 40 (IPv4) or 60 (IPv6). Larger ones are lowered
        /// to it, smaller ones stay.
        public var maximum: UInt16

        /// Creates a bound for one VIP.
        public init(vip: IPAddress, maximum: UInt16) {
            self.vip = vip
            self.maximum = maximum
        }
    }

    /// The ways into tunnels, in order.
    public let entrances: [Entrance]
    /// Who may come in by an entrance, as outer source: as few prefixes as hold all of them, in order. None where there
    /// are no entrances.
    public let sources: [Prefix]
    /// The interfaces that decapsulated packets come in by, in order. They need not exist yet.
    public let devices: [String]
    /// What may come in by one of `devices`, as inner destination, in order. None where there are no devices.
    public let vips: [IPAddress]
    /// The bounds for segments, one for each VIP, in order.
    public let segmentSizes: [SegmentSize]
    /// The interfaces whose ICMP redirects are dropped, in order: where answers go back by way of a director that shares a
    /// wire with the client, the first answer it passes on makes it say that there is a shorter way (RFC 792, RFC 4861 §8.2), and
    /// for IPv6 no router's setting keeps it from that. A host that believes it answers the client itself.
    public let steadfast: [String]

    /// Creates a description; `install(_:)` puts it in force. Order and repetition in what is given do not matter; of
    /// several bounds for one VIP the smallest counts. Without `entrances` the `sources` are dropped, without `devices`
    /// the `vips`: they would say nothing.
    public init(
        entrances: [Entrance] = [], sources: [Prefix] = [], devices: [String] = [], vips: [IPAddress] = [],
        segmentSizes: [SegmentSize] = [], steadfast: [String] = []
    ) {
        self.entrances = Set(entrances).sorted { $0.rank < $1.rank }
        self.sources = entrances.isEmpty ? [] : AddressBlock.prefixes(sources.map { AddressBlock($0) })
        self.devices = Set(devices).sorted()
        self.vips = devices.isEmpty ? [] : Set(vips).sorted()
        self.segmentSizes = Dictionary(segmentSizes.map { ($0.vip, $0.maximum) }, uniquingKeysWith: min)
            .map { SegmentSize(vip: $0.key, maximum: $0.value) }.sorted { $0.vip < $1.vip }
        self.steadfast = Set(steadfast).sorted()
    }

    /// Whether there is nothing to guard: such a table is not there at all.
    public var isEmpty: Bool {
        entrances.isEmpty && devices.isEmpty && segmentSizes.isEmpty && steadfast.isEmpty
    }

    /// The table's family and name; whatever it held before belongs to us and is replaced.
    static let family = "inet"
    static let name = "rsagent"
}

extension GuardTable.Entrance {
    /// By which entrances are ordered.
    fileprivate var rank: (IPAddress, Int, UInt16) {
        switch self {
        case .ip(let number, let local): (local, 0, UInt16(number))
        case .udp(let port, let local): (local, 1, port)
        }
    }
}

extension GuardTable: Codable {
    private enum Key: String, CodingKey {
        case entrances
        case sources
        case devices
        case vips
        case segmentSizes
        case steadfast
    }

    /// From its parts; one that is missing is empty.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(
            entrances: try container.decodeIfPresent([Entrance].self, forKey: .entrances) ?? [],
            sources: try container.decodeIfPresent([Prefix].self, forKey: .sources) ?? [],
            devices: try container.decodeIfPresent([String].self, forKey: .devices) ?? [],
            vips: try container.decodeIfPresent([IPAddress].self, forKey: .vips) ?? [],
            segmentSizes: try container.decodeIfPresent([SegmentSize].self, forKey: .segmentSizes) ?? [],
            steadfast: try container.decodeIfPresent([String].self, forKey: .steadfast) ?? [])
    }

    /// As its parts.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(entrances, forKey: .entrances)
        try container.encode(sources, forKey: .sources)
        try container.encode(devices, forKey: .devices)
        try container.encode(vips, forKey: .vips)
        try container.encode(segmentSizes, forKey: .segmentSizes)
        try container.encode(steadfast, forKey: .steadfast)
    }
}
