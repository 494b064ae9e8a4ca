public import NetworkAddress

/// A table of our own that keeps the host's own stack off what a director forwards: it drops those packets as they come in,
/// after packet sockets have seen them and before the stack does. The stack can then neither answer them (with RST) nor
/// forward them a second time.
///
/// | dropped                                                             | but not                             |
/// |---------------------------------------------------------------------|-------------------------------------|
/// | packets to a VIP                                                    |                                     |
/// | packets from a VIP: answers that return through the director        | those to an address of this host    |
/// | packets from a server's service: answers to be translated           | those to an address of this host    |
/// | packets from the insiders' networks: what servers send to the world | those to these networks, to an address of this host, to all on a link, and to a group |
///
/// Nothing of a VLAN's: at the hook a packet no longer has its tag, but is still its parent's.
///
/// In the `netdev` family, one chain on the `ingress` hook per interface; nothing outside the table is looked at or
/// changed. Every other protocol and destination passes: ARP, and solicitations for an IPv6 VIP, which go to a group. So do
/// the later fragments of answers to be translated, which name no port: for the stack they are a router's business.
public struct IngressDrop: Hashable, Sendable {
    /// What a server behind address translation answers from.
    public struct Answer: Hashable, Sendable {
        /// The server's own address.
        public var address: IPAddress
        /// The transport protocol's number: TCP is 6, UDP 17.
        public var transport: UInt8
        /// The port on the server; 0: all.
        public var port: UInt16

        /// Answers from that port of that server.
        public init(address: IPAddress, transport: UInt8, port: UInt16) {
            self.address = address
            self.transport = transport
            self.port = port
        }
    }

    /// The table's name; whatever it held before belongs to us and is replaced.
    public var table: String
    /// The interfaces whose arriving packets are looked at.
    public var interfaces: [String]
    /// The addresses that the director serves, of either family.
    public var vips: [IPAddress]
    /// What servers behind address translation answer from.
    public var answers: [Answer]
    /// The networks of servers that reach the world by source NAT, of either family: what they send there must neither be
    /// forwarded by the stack, with the address it has, nor be answered. They do not overlap.
    public var insiders: [Prefix]

    /// Creates a description; `install(_:)` puts it in force.
    public init(
        table: String, interfaces: [String], vips: [IPAddress], answers: [Answer] = [], insiders: [Prefix] = []
    ) {
        self.table = table
        self.interfaces = interfaces
        self.vips = vips
        self.answers = answers
        self.insiders = insiders
    }

    /// Before every other hook on ingress (nft(8): smaller runs earlier; the named ones begin at -300).
    static let priority = -500

    /// The commands that put the table in force, whatever is there now. `add` and `delete` in front make the same
    /// document right for the first time and after a `kill -9`.
    public var installation: String {
        var commands = [tableCommand("add"), tableCommand("delete"), tableCommand("add")]
        let rules = self.rules
        for (index, interface) in interfaces.enumerated() {
            // Interface names may hold characters that chain names must not: number the chains.
            let name = JSON.string("ingress\(index)")
            commands.append([
                "add": [
                    "chain": [
                        "family": "netdev", "table": .string(table), "name": name, "type": "filter", "hook": "ingress",
                        "dev": .string(interface), "prio": .integer(Self.priority), "policy": "accept",
                    ]
                ]
            ])
            commands += ([Self.passVLANs] + rules).map { rule in
                ["add": ["rule": ["family": "netdev", "table": .string(table), "chain": name, "expr": .array(rule)]]]
            }
        }
        return JSON.document(commands.map(\.text))
    }

    /// The commands that remove the table, whether it is there or not.
    public var removal: String {
        JSON.document([tableCommand("add").text, tableCommand("delete").text])
    }

    /// Puts the table in force, in place of one of the same name.
    /// Equivalent to: `nft add table netdev TABLE; nft add chain netdev TABLE ingress0 '{ type filter hook ingress
    /// device INTERFACE priority -500; }'; nft add rule netdev TABLE ingress0 vlan id != 0 accept; nft add rule netdev TABLE ingress0 ip daddr '{ VIPS }' counter drop; nft add rule
    /// netdev TABLE ingress0 ip saddr '{ VIPS }' fib daddr type != local counter drop; nft add rule netdev TABLE ingress0
    /// ip saddr . meta l4proto . th sport '{ ANSWERS }' fib daddr type != local counter drop; nft add rule netdev TABLE
    /// ingress0 ip saddr '{ INSIDERS }' ip daddr != '{ INSIDERS }' fib daddr type != '{ local, broadcast, multicast }' counter
    /// drop`, and the same with `ip6`.
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

    private func tableCommand(_ verb: String) -> JSON {
        .object([verb: ["table": ["family": "netdev", "name": .string(table)]]])
    }

    /// What each chain holds. A set must not be empty: what there is nothing of has no rule.
    private var rules: [[JSON]] {
        let families: [(header: JSON, bitWidth: Int)] = [("ip", 32), ("ip6", 128)]
        return families.flatMap { header, bitWidth in
            let (source, destination) = (Expression.payload(header, "saddr"), Expression.payload(header, "daddr"))
            let (transport, port) = (Expression.meta("l4proto"), Expression.payload("th", "sport"))
            let vips = self.vips.filter { $0.bitWidth == bitWidth }.map { JSON.string($0.description) }
            let answers = self.answers.filter { $0.address.bitWidth == bitWidth }
            let all = answers.filter { $0.port == 0 }.map { Self.concatenation([$0.host, $0.number]) }
            let some = answers.filter { $0.port != 0 }.map {
                Self.concatenation([$0.host, $0.number, .integer(Int($0.port))])
            }
            let insiders = self.insiders.filter { $0.address.bitWidth == bitWidth }.map(Self.network)
            let isInside = (left: destination, right: JSON.object(["set": .array(insiders)]))
            return [
                Self.drop(destination, vips),
                Self.drop(source, vips, unless: Self.isForThisHost),
                Self.drop(Self.concatenation([source, transport, port]), some, unless: Self.isForThisHost),
                Self.drop(Self.concatenation([source, transport]), all, unless: Self.isForThisHost),
                Self.drop(source, insiders, unless: isInside, Self.isNotForwarded),
            ].compactMap(\.self)
        }
    }

    /// What has a VLAN's tag is for the VLAN's own interface, which may have rules of its own, and no concern of its parent's. Tag 0 is
    /// none: it names a priority only (IEEE 802.1Q), and the stack takes such a packet for the interface's own.
    private static let passVLANs: [JSON] = [
        Expression.match(Expression.payload("vlan", "id"), "!=", 0), ["accept": .null],
    ]
    /// Asked anew for each packet: the host's addresses come and go.
    private static let isForThisHost: (left: JSON, right: JSON) = (typeOfDestination, "local")
    /// What a router's neighbours say to it and to each other, DHCP and VRRP for example.
    private static let isNotForwarded: (left: JSON, right: JSON) = (
        typeOfDestination, ["set": ["local", "broadcast", "multicast"]]
    )
    private static let typeOfDestination: JSON = ["fib": ["result": "type", "flags": ["daddr"]]]

    /// Nil where there are no values.
    private static func drop(_ left: JSON, _ values: [JSON], unless exceptions: (left: JSON, right: JSON)...) -> [JSON]?
    {
        guard !values.isEmpty else { return nil }
        let exceptions = exceptions.map { Expression.match($0.left, "!=", $0.right) }
        return [Expression.match(left, "==", ["set": .array(values)])] + exceptions + [
            ["counter": .null], Expression.drop,
        ]
    }

    private static func network(_ prefix: Prefix) -> JSON {
        prefix.length == prefix.address.bitWidth
            ? .string(prefix.address.description)
            : ["prefix": ["addr": .string(prefix.address.description), "len": .integer(prefix.length)]]
    }

    private static func concatenation(_ parts: [JSON]) -> JSON { ["concat": .array(parts)] }
}

extension IngressDrop.Answer {
    fileprivate var host: JSON { .string(address.description) }
    fileprivate var number: JSON { .integer(Int(transport)) }
}
