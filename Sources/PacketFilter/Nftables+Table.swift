/// Whole tables.
extension Nftables {
    /// What a table holds: nil where there is none, and `.some(nil)` where it holds what no table of ours does.
    /// Equivalent to: `nft -j list table FAMILY NAME`. Needs CAP_NET_ADMIN.
    func content(ofTable name: String, family: String) throws(PacketFilterError) -> TableContent?? {
        let table = JSON.object(["table": ["family": .string(family), "name": .string(name)]]).text
        let answer = try existing(#"{"list":\#(table)}"#, operation: "read table \(family) \(name)")
        // libnftables 1.0.6 cuts the answer off in the middle where the table has flags (`dormant`). Whoever set them
        // changed it.
        return answer.map { TableContent(family: family, name: name, listing: $0) }
    }

    /// The named counters of a table, or nil where there is no table.
    /// Equivalent to: `nft -j list counters table FAMILY NAME`. Needs CAP_NET_ADMIN.
    func counters(ofTable name: String, family: String) throws(PacketFilterError) -> [String: PacketCount]? {
        let table = JSON.object(["counters": ["family": .string(family), "table": .string(name)]]).text
        let operation = "read the counters of table \(family) \(name)"
        guard let answer = try existing(#"{"list":\#(table)}"#, operation: operation) else { return nil }
        guard let objects = JSON(text: answer)?["nftables"]?.array else {
            throw PacketFilterError(operation: operation, message: "libnftables answered what is not JSON")
        }
        var counts: [String: PacketCount] = [:]
        for counter in objects.compactMap({ $0["counter"] }) {
            guard counter["family"]?.string == family, counter["table"]?.string == name,
                let label = counter["name"]?.string, let packets = counter["packets"]?.integer,
                let bytes = counter["bytes"]?.integer
            else { continue }
            counts[label] = PacketCount(
                packets: UInt64(truncatingIfNeeded: packets), bytes: UInt64(truncatingIfNeeded: bytes))
        }
        return counts
    }

    /// Puts a table in force in one transaction, in place of one of the same name; its counters go on from where they
    /// are. Equivalent to: `nft -j -f - <<< DOCUMENT`. Needs CAP_NET_ADMIN.
    func install(_ content: TableContent) throws(PacketFilterError) {
        // A table whose counters cannot be read is one that somebody changed: it is replaced all the more.
        let counts = (try? counters(ofTable: content.name, family: content.family)) ?? [:]
        try run(
            content.installation(counts: counts), operation: "install table \(content.family) \(content.name)")
    }

    /// Removes a table; not an error where there is none.
    /// Equivalent to: `nft delete table FAMILY NAME`. Needs CAP_NET_ADMIN.
    func removeTable(_ name: String, family: String) throws(PacketFilterError) {
        try run(
            JSON.document(TableContent.removalCommands(family: family, name: name)),
            operation: "remove table \(family) \(name)")
    }

    /// What one command answers, or nil where what it asks for does not exist.
    private func existing(_ command: String, operation: String) throws(PacketFilterError) -> String? {
        do {
            return try run(JSON.document([command]), operation: operation)
        } catch {
            guard error.message.hasPrefix("No such file or directory") else { throw error }
            return nil
        }
    }
}
