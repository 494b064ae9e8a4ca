public import NetworkAddress

/// A table of our own that drops IPv4 packets to some addresses as they come in, after packet sockets have seen them
/// and before the host's own stack does: it can neither answer them (with RST) nor forward them a second time.
///
/// In the `netdev` family, one chain on the `ingress` hook per interface; nothing outside the table is looked at or
/// changed. ARP and every other protocol and destination pass.
public struct IngressDrop: Hashable, Sendable {
    /// The table's name; whatever it held before belongs to us and is replaced.
    public var table: String
    /// The interfaces whose arriving packets are looked at.
    public var interfaces: [String]
    /// The destinations that are dropped. At least one.
    public var destinations: [IPv4Address]

    /// Creates a description; `install(_:)` puts it in force.
    public init(table: String, interfaces: [String], destinations: [IPv4Address]) {
        self.table = table
        self.interfaces = interfaces
        self.destinations = destinations
    }

    /// Before every other hook on ingress (nft(8): smaller runs earlier; the named ones begin at -300).
    static let priority = -500

    /// The commands that put the table in force, whatever is there now. `add` and `delete` in front make the same
    /// document right for the first time and after a `kill -9`.
    public var installation: String {
        let drop = Self.drop(destinations)
        var commands = [tableCommand("add"), tableCommand("delete"), tableCommand("add")]
        for (index, interface) in interfaces.enumerated() {
            // Interface names may hold characters that chain names must not: number the chains.
            let name = JSON.quoted("ingress\(index)")
            commands.append(
                #"{"add":{"chain":{"family":"netdev","table":\#(JSON.quoted(table)),"name":\#(name),"type":"filter","#
                    + #""hook":"ingress","dev":\#(JSON.quoted(interface)),"prio":\#(Self.priority),"policy":"accept"}}}"#
            )
            commands.append(
                #"{"add":{"rule":{"family":"netdev","table":\#(JSON.quoted(table)),"chain":\#(name),"expr":\#(drop)}}}"#
            )
        }
        return JSON.document(commands)
    }

    /// The commands that remove the table, whether it is there or not.
    public var removal: String {
        JSON.document([tableCommand("add"), tableCommand("delete")])
    }

    /// Puts the table in force, in place of one of the same name.
    /// Equivalent to: `nft add table netdev TABLE; nft add chain netdev TABLE ingress0 '{ type filter hook ingress
    /// device INTERFACE priority -500; }'; nft add rule netdev TABLE ingress0 ip daddr '{ ADDRESSES }' counter drop`.
    /// Needs CAP_NET_ADMIN.
    public func install(_ nftables: borrowing Nftables) throws(PacketFilterError) {
        // libnftables 1.0.6 copies a longer name over its stack.
        for interface in interfaces where !(1...15).contains(interface.utf8.count) {
            throw PacketFilterError(
                operation: "install table netdev \(table) on \(interface)",
                message: "an interface's name has 1 to 15 bytes")
        }
        try nftables.run(
            installation, operation: "install table netdev \(table) on \(interfaces.joined(separator: ", "))")
    }

    /// Removes the table; not an error where there is none.
    /// Equivalent to: `nft delete table netdev TABLE`. Needs CAP_NET_ADMIN.
    public func remove(_ nftables: borrowing Nftables) throws(PacketFilterError) {
        try nftables.run(removal, operation: "remove table netdev \(table)")
    }

    private func tableCommand(_ verb: String) -> String {
        #"{"\#(verb)":{"table":{"family":"netdev","name":\#(JSON.quoted(table))}}}"#
    }

    private static func drop(_ destinations: [IPv4Address]) -> String {
        let set = destinations.map { JSON.quoted($0.description) }.joined(separator: ",")
        return
            #"[{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":{"set":[\#(set)]}}},"#
            + #"{"counter":null},{"drop":null}]"#
    }
}
