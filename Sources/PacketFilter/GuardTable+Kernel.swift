extension GuardTable {
    /// What was found in the kernel.
    public typealias Reading = TableReading<GuardTable>

    /// How many packets the table dropped, since it was first there.
    public struct Counters: Hashable, Sendable, Codable {
        /// Tunnel packets from a source that is not a director's.
        public var outerSource: UInt64
        /// Packets out of a tunnel to a destination that is not a VIP.
        public var innerDestination: UInt64

        /// Creates counters.
        public init(outerSource: UInt64, innerDestination: UInt64) {
            self.outerSource = outerSource
            self.innerDestination = innerDestination
        }
    }

    /// Puts the table in force in one transaction, in place of one of the same name; its counters go on from where they
    /// were. One that is empty is removed instead.
    /// Equivalent to: `nft add table inet rsagent; nft delete table inet rsagent; nft add table inet rsagent; nft add
    /// chain inet rsagent outer '{ type filter hook prerouting priority raw; }'; nft add rule inet rsagent outer ip daddr
    /// LOCAL meta l4proto 4 ip saddr != @sources4 counter name outer_source drop; …`. Needs CAP_NET_ADMIN.
    public func install(_ nftables: borrowing Nftables) throws(PacketFilterError) {
        if isEmpty { return try Self.remove(nftables) }
        for device in devices + steadfast {
            if let fault = Self.fault(ofDevice: device) {
                throw PacketFilterError(operation: "install table inet rsagent for device \(device)", message: fault)
            }
        }
        try nftables.install(content)
    }

    /// Removes the table; not an error where there is none.
    /// Equivalent to: `nft delete table inet rsagent`. Needs CAP_NET_ADMIN.
    public static func remove(_ nftables: borrowing Nftables) throws(PacketFilterError) {
        try nftables.removeTable(name, family: family)
    }

    /// Reads the table back. No other table is looked at.
    /// Equivalent to: `nft list table inet rsagent`. Needs CAP_NET_ADMIN.
    public static func read(_ nftables: borrowing Nftables) throws(PacketFilterError) -> Reading {
        guard let found = try nftables.content(ofTable: name, family: family) else { return .absent }
        // Whatever was made of it, only a value that gives the same table again is what is in force.
        guard let content = found, let table = GuardTable(content), table.content == content else { return .altered }
        return .present(table)
    }

    /// What the table has dropped, or nil where it is not there, or has no such counters. What is not guarded counts 0.
    /// Equivalent to: `nft list counters table inet rsagent`. Needs CAP_NET_ADMIN.
    public static func counters(_ nftables: borrowing Nftables) throws(PacketFilterError) -> Counters? {
        guard let counts = try nftables.counters(ofTable: name, family: family) else { return nil }
        return Counters(
            outerSource: counts[outerCounter]?.packets ?? 0, innerDestination: counts[innerCounter]?.packets ?? 0)
    }

    /// Why nftables cannot be given an interface's name, or nil.
    private static func fault(ofDevice name: String) -> String? {
        // libnftables 1.0.6 copies a longer name over its stack.
        guard (1...15).contains(name.utf8.count) else { return "an interface's name has 1 to 15 bytes" }
        // In nftables a trailing * stands for any ending, a backslash makes it none, and @ begins a set's name.
        let isPlain = name.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-+=,~#".utf8.contains($0)
            }
        }
        return isPlain
            ? nil : "nftables takes only letters, digits and . _ - + = , ~ # in a name; rename the interface"
    }
}
