public import NetworkAddress

/// The table `arp rsagent`: a second wall that keeps VIPs out of ARP, whatever `arp_ignore` and `arp_announce` say.
///
/// Dropped are packets that come in with a VIP as target (who-has) and packets that go out with a VIP as sender (is-at, a
/// who-has of the host's own, announcements). The table is held as one whole, as `GuardTable` is.
public struct ARPWall: Hashable, Sendable {
    /// What is found in the kernel.
    public typealias Reading = TableReading<ARPWall>

    /// The addresses that are neither asked for nor told, in order.
    public let vips: [IPv4Address]

    /// Creates a description; `install(_:)` puts it in force. Order and repetition do not matter.
    public init(vips: [IPv4Address]) {
        self.vips = Set(vips).sorted()
    }

    /// Whether there is nothing to hide: such a table is not there at all.
    public var isEmpty: Bool { vips.isEmpty }

    /// How many packets the table dropped, since it was first there.
    public struct Counters: Hashable, Sendable, Codable {
        /// Packets that came in with a VIP as target.
        public var incoming: UInt64
        /// Packets that were to go out with a VIP as sender: what the host would have leaked.
        public var outgoing: UInt64

        /// Creates counters.
        public init(incoming: UInt64, outgoing: UInt64) {
            self.incoming = incoming
            self.outgoing = outgoing
        }
    }

    /// Puts the table in force in one transaction, in place of one of the same name; its counters go on from where they
    /// were. One that is empty is removed instead.
    /// Equivalent to: `nft add table arp rsagent; nft delete table arp rsagent; nft add table arp rsagent; nft add rule arp
    /// rsagent in arp daddr ip @vips counter name incoming drop; nft add rule arp rsagent out arp saddr ip @vips counter name
    /// outgoing drop`. Needs CAP_NET_ADMIN.
    public func install(_ nftables: borrowing Nftables) throws(PacketFilterError) {
        if isEmpty { return try Self.remove(nftables) }
        try nftables.install(content)
    }

    /// Removes the table; not an error where there is none.
    /// Equivalent to: `nft delete table arp rsagent`. Needs CAP_NET_ADMIN.
    public static func remove(_ nftables: borrowing Nftables) throws(PacketFilterError) {
        try nftables.removeTable(name, family: family)
    }

    /// Reads the table back. No other table is looked at.
    /// Equivalent to: `nft list table arp rsagent`. Needs CAP_NET_ADMIN.
    public static func read(_ nftables: borrowing Nftables) throws(PacketFilterError) -> Reading {
        guard let found = try nftables.content(ofTable: name, family: family) else { return .absent }
        guard let content = found else { return .altered }
        let wall = ARPWall(vips: content.values(of: "vips").compactMap { IPv4Address($0) })
        return wall.content == content ? .present(wall) : .altered
    }

    /// What the table has dropped, or nil where it is not there.
    /// Equivalent to: `nft list counters table arp rsagent`. Needs CAP_NET_ADMIN.
    public static func counters(_ nftables: borrowing Nftables) throws(PacketFilterError) -> Counters? {
        guard let counts = try nftables.counters(ofTable: name, family: family) else { return nil }
        return Counters(incoming: counts["incoming"]?.packets ?? 0, outgoing: counts["outgoing"]?.packets ?? 0)
    }

    static let family = "arp"
    static let name = "rsagent"

    /// The whole table.
    var content: TableContent {
        var content = TableContent(family: Self.family, name: Self.name)
        content.addSet("vips", type: "ipv4_addr", elements: vips.map(\.description))
        for (chain, hook, field, counter) in [
            ("in", "input", "daddr ip", "incoming"), ("out", "output", "saddr ip", "outgoing"),
        ] {
            content.addCounter(counter)
            content.addChain(chain, hook: hook, priority: 0)
            content.addRule(
                chain,
                [
                    Expression.match(Expression.payload("arp", .string(field)), "==", set: "vips"),
                    Expression.count(counter), Expression.drop,
                ])
        }
        return content
    }
}

extension ARPWall: Codable {
    private enum Key: String, CodingKey {
        case vips
    }

    /// From its addresses.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self.init(vips: try container.decode([IPv4Address].self, forKey: .vips))
    }

    /// As its addresses.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(vips, forKey: .vips)
    }
}
