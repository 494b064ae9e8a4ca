internal import NetworkAddress

/// The value as chains, sets and rules, and back.
extension GuardTable {
    static let outerCounter = "outer_source"
    static let innerCounter = "inner_destination"

    /// Hooks run in this order; `raw` comes before connection tracking, so that what is dropped costs no entry
    /// (nft(8), "Standard priority names").
    private static let raw = -300
    private static let mangle = -150

    /// One of the two families, and how nftables names what belongs to it.
    private struct Family {
        let header: JSON
        let type: String
        let suffix: String
        let bitWidth: Int

        static let v4 = Family(header: "ip", type: "ipv4_addr", suffix: "4", bitWidth: 32)
        static let v6 = Family(header: "ip6", type: "ipv6_addr", suffix: "6", bitWidth: 128)
        static let both = [v4, v6]

        static func of(_ address: IPAddress) -> Family { address.v4 != nil ? v4 : v6 }

        var source: JSON { Expression.payload(header, "saddr") }
        var destination: JSON { Expression.payload(header, "daddr") }
    }

    /// The whole table.
    var content: TableContent {
        var content = TableContent(family: Self.family, name: Self.name)
        addOuter(to: &content)
        addInner(to: &content)
        addSegments(to: &content)
        addRedirects(to: &content)
        return content
    }

    // MARK: 1. Tunnel packets come from directors

    private func addOuter(to content: inout TableContent) {
        guard !entrances.isEmpty else { return }
        content.addCounter(Self.outerCounter)
        for family in Family.both {
            content.addIntervalSet(
                "sources" + family.suffix, type: family.type,
                prefixes: sources.filter { $0.address.bitWidth == family.bitWidth })
        }
        content.addChain("outer", hook: "prerouting", priority: Self.raw)
        for entrance in entrances {
            let inside =
                switch entrance {
                // Not the next header of IPv6, before which a destination option may stand (RFC 2473 §4.1.1).
                case .ip(let number, _): Expression.match(Expression.meta("l4proto"), "==", .integer(Int(number)))
                case .udp(let port, _): Expression.match(Expression.payload("udp", "dport"), "==", .integer(Int(port)))
                }
            content.addRule("outer", Self.outerRule(entrance.local, inside))
        }
        // A first fragment that ends inside its extension headers has no protocol that any rule could match, is put
        // together with the rest behind this chain, and would be decapsulated then. RFC 7112 lets us drop it.
        let locals = entrances.map(\.local).filter { $0.v6 != nil }
        guard !locals.isEmpty else { return }
        content.addRule(
            "outer", [Expression.match(Expression.meta("l4proto"), "!=", .integer(Self.reserved)), ["accept": .null]])
        for local in Set(locals).sorted() {
            content.addRule(
                "outer", Self.outerRule(local, Expression.match(["exthdr": ["name": "frag"]], "==", .bool(true))))
        }
    }

    /// An IP protocol that no packet has: the comparison holds for all that have any.
    private static let reserved = 255

    private static func outerRule(_ local: IPAddress, _ inside: JSON) -> [JSON] {
        let family = Family.of(local)
        return [
            // No packet goes to 0.0.0.0 or ::, so that "any of them" is a comparison like the others.
            Expression.match(family.destination, local.isUnspecified ? "!=" : "==", .string(local.description)), inside,
            Expression.match(family.source, "!=", set: "sources" + family.suffix), Expression.count(outerCounter),
            Expression.drop,
        ]
    }

    // MARK: 2. What comes out of a tunnel goes to a VIP

    private func addInner(to content: inout TableContent) {
        guard !devices.isEmpty else { return }
        content.addCounter(Self.innerCounter)
        content.addSet("tunnels", type: "ifname", elements: devices)
        for family in Family.both {
            content.addSet(
                "vips" + family.suffix, type: family.type,
                elements: vips.filter { $0.bitWidth == family.bitWidth }.map(\.description))
        }
        // By name, not by index: the table is there before the interface is.
        content.addChain("inner", hook: "prerouting", priority: Self.raw)
        for family in Family.both {
            content.addRule(
                "inner",
                [
                    Expression.match(Expression.meta("iifname"), "==", set: "tunnels"),
                    Expression.match(family.destination, "!=", set: "vips" + family.suffix),
                    Expression.count(Self.innerCounter), Expression.drop,
                ])
        }
    }

    // MARK: 3. Clients send what fits the tunnel

    private func addSegments(to content: inout TableContent) {
        guard !segmentSizes.isEmpty else { return }
        content.addChain("segments", hook: "output", priority: Self.mangle)
        for (maximum, bounds) in Dictionary(grouping: segmentSizes, by: \.maximum).sorted(by: { $0.key < $1.key }) {
            for family in Family.both {
                let vips = bounds.map(\.vip).filter { $0.bitWidth == family.bitWidth }
                guard !vips.isEmpty else { continue }
                let set = "\(Self.segmentSet)\(maximum)_\(family.suffix)"
                content.addSet(set, type: family.type, elements: vips.map(\.description))
                content.addRule(
                    "segments",
                    [
                        Expression.match(family.source, "==", set: set),
                        Expression.match(["&": [Expression.tcpFlags, "syn"]], "==", "syn"),
                        Expression.match(Expression.segmentSize, ">", .integer(Int(maximum))),
                        ["mangle": ["key": Expression.segmentSize, "value": .integer(Int(maximum))]],
                    ])
            }
        }
    }

    private static let segmentSet = "mss"

    // MARK: 4. Answers keep their way

    private func addRedirects(to content: inout TableContent) {
        guard !steadfast.isEmpty else { return }
        content.addSet("steadfast", type: "ifname", elements: steadfast)
        content.addChain("redirects", hook: "prerouting", priority: Self.raw)
        for (header, type) in [("icmp", "redirect"), ("icmpv6", "nd-redirect")] {
            content.addRule(
                "redirects",
                [
                    Expression.match(Expression.meta("iifname"), "==", set: "steadfast"),
                    Expression.match(Expression.payload(.string(header), "type"), "==", .string(type)), Expression.drop,
                ])
        }
    }

    // MARK: And back

    /// The value that a table was made from. What is not of our making is passed over: the caller compares.
    init?(_ content: TableContent) {
        var sizes: [SegmentSize] = []
        for set in content.setNames where set.hasPrefix(Self.segmentSet) {
            guard let maximum = UInt16(set.dropFirst(Self.segmentSet.count).prefix { $0 != "_" }) else { return nil }
            sizes += content.values(of: set).compactMap { IPAddress($0) }
                .map { SegmentSize(vip: $0, maximum: maximum) }
        }
        self.init(
            entrances: (content.rules["outer"] ?? []).compactMap(Self.entrance),
            sources: content.prefixes(of: "sources4") + content.prefixes(of: "sources6"),
            devices: content.values(of: "tunnels"),
            vips: (content.values(of: "vips4") + content.values(of: "vips6")).compactMap { IPAddress($0) },
            segmentSizes: sizes, steadfast: content.values(of: "steadfast"))
    }

    private static func entrance(_ rule: JSON) -> Entrance? {
        guard let parts = rule.array, parts.count > 1, let inside = parts[1]["match"],
            let local = parts[0]["match"]?["right"]?.string.flatMap({ IPAddress($0) }),
            let number = inside["right"]?.integer
        else { return nil }
        return inside["left"] == Expression.meta("l4proto")
            ? UInt8(exactly: number).map { .ip(protocol: $0, local: local) }
            : UInt16(exactly: number).map { .udp(port: $0, local: local) }
    }
}
