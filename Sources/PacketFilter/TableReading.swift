/// What is found of a table of ours in the kernel.
public enum TableReading<Table: Hashable & Sendable>: Hashable, Sendable {
    /// There is no table of the name.
    case absent
    /// The table does exactly what this value's would: same chains, sets and rules, nothing besides.
    case present(Table)
    /// There is a table of the name, but somebody changed it: no value would give such a table.
    case altered
}

/// A counter of nftables.
struct PacketCount: Hashable, Sendable {
    var packets: UInt64
    var bytes: UInt64
}
