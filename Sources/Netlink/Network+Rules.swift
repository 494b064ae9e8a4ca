internal import CNetlink
internal import Glibc
internal import NetworkAddress

extension Network {
    /// The rules of both families, in the order they are asked. Equivalent to: `ip rule show`, `ip -6 rule show`. Needs no
    /// capability.
    public func rules() throws(NetlinkError) -> RoutingRules {
        let listed = try listRules()
        return RoutingRules(
            whole: listed.compactMap { $0.isWhole ? $0.rule : nil },
            others: listed.filter { !$0.isInitial }.map { ($0.isIPv6, $0.priority) })
    }

    /// Adds a rule. Equivalent to: `ip rule add from SOURCE ipproto TRANSPORT sport PORT lookup TABLE priority PRIORITY`.
    /// Needs CAP_NET_ADMIN. Throws where it is there already (`NetlinkError.isAlreadyPresent`).
    public func add(_ rule: RoutingRule) throws(NetlinkError) {
        try socket.change(Self.request("add \(rule)", RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule))
    }

    /// Removes exactly this rule, whoever made it. Equivalent to: `ip rule del from SOURCE … lookup TABLE priority PRIORITY`.
    /// Needs CAP_NET_ADMIN. Throws where it is not there (`NetlinkError.isAlreadyAbsent`).
    ///
    /// The kernel removes the first rule that has at least these conditions. Where that is another rule with more of them,
    /// nothing is removed, and the error says so.
    public func remove(_ rule: RoutingRule) throws(NetlinkError) {
        let operation = "remove \(rule)"
        let rule = rule.asStored
        let candidates = try listRules().filter { $0.rule.map(rule.isCovering) ?? false }
        guard candidates.contains(where: { $0.isWhole && $0.rule == rule }) else {
            throw NetlinkError(operation, code: NLE_OBJ_NOTFOUND)
        }
        guard let first = candidates.first, first.isWhole, first.rule == rule else {
            let reason = "a rule with more conditions and the same priority stands before it and would go in its place"
            throw NetlinkError("\(operation) (\(reason))", code: NLE_OBJ_MISMATCH)
        }
        try socket.change(Self.request(operation, RTM_DELRULE, 0, rule))
    }

    /// A rule as far as it can be expressed, and whether that is all of it.
    private struct ListedRule {
        var isIPv6: Bool
        var priority: UInt32
        /// Whether it is one of the three that the kernel begins with.
        var isInitial: Bool
        /// Nil where it does anything but ask a table.
        var rule: RoutingRule?
        var isWhole: Bool
    }

    /// The tables that the kernel's own rules ask, by priority (`fib_default_rules_init`, net/ipv4/fib_rules.c).
    private static let initialTables: [UInt32: UInt32] = [
        0: UInt32(RT_TABLE_LOCAL.rawValue), 32766: UInt32(RT_TABLE_MAIN.rawValue),
        32767: UInt32(RT_TABLE_DEFAULT.rawValue),
    ]

    private func listRules() throws(NetlinkError) -> [ListedRule] {
        try socket.list(
            { () throws(NetlinkError) -> NetlinkRequest in
                try NetlinkRequest(
                    "list the routing rules", type: Int32(RTM_GETRULE), flags: NLM_F_DUMP, header: fib_rule_hdr())
            }, Self.rule)
    }

    /// Attributes that say nothing a `RoutingRule` does not say, or nothing about which packets are meant. The kernel's list
    /// grows: one that is not known here is a condition.
    private static let understood: Set<Int> = [
        FRA_SRC, FRA_PRIORITY, FRA_TABLE, FRA_SUPPRESS_PREFIXLEN, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_PAD, FRA_PROTOCOL,
    ].reduce(into: [portMask]) { $0.insert(Int($1)) }

    /// `FRA_SPORT_MASK` (Linux 6.15): which bits of the port count. All of them, unless a mask was asked for.
    private static let portMask = 28

    private static func rule(_ message: [UInt8]) -> ListedRule? {
        guard message.count >= MemoryLayout<fib_rule_hdr>.size else { return nil }
        let header = message.withUnsafeBytes { $0.loadUnaligned(as: fib_rule_hdr.self) }
        let isIPv6 = Int32(header.family) == AF_INET6
        // Multicast routing has rules in families of its own.
        guard isIPv6 || Int32(header.family) == AF_INET else { return nil }
        let attributes = NetlinkAttributes(message, behind: MemoryLayout<fib_rule_hdr>.size)
        let priority: UInt32 = attributes.number(Int(FRA_PRIORITY)) ?? 0
        let table: UInt32 = attributes.number(Int(FRA_TABLE)) ?? UInt32(header.table)
        guard header.action == UInt8(FR_ACT_TO_TBL) else {
            return ListedRule(isIPv6: isIPv6, priority: priority, isInitial: false, rule: nil, isWhole: false)
        }
        var isWhole =
            header.dst_len == 0 && header.tos == 0 && header.flags & UInt32(FIB_RULE_INVERT) == 0
            && attributeTypes(message).allSatisfy(understood.contains)
        var source: Prefix?
        if header.src_len > 0 {
            source = attributes.address(Int(FRA_SRC)).flatMap { Prefix($0, length: Int(header.src_len)) }
            isWhole = isWhole && source != nil
        }
        var port: UInt16?
        if let range = attributes[Int(FRA_SPORT_RANGE)] {
            port = NetlinkAttributes.number(range)
            let end: UInt16? = NetlinkAttributes.number(range.dropFirst(2))
            let mask: UInt16 = attributes.number(portMask) ?? 0xFFFF
            isWhole = isWhole && port == end && mask == 0xFFFF
        }
        // -1: none is suppressed.
        let suppressed = attributes.number(Int(FRA_SUPPRESS_PREFIXLEN), as: Int32.self) ?? -1
        return ListedRule(
            isIPv6: isIPv6, priority: priority,
            isInitial: initialTables[priority] == table && header.src_len == 0 && header.dst_len == 0,
            rule: RoutingRule(
                isIPv6: isIPv6, priority: priority, source: source,
                transport: attributes.number(Int(FRA_IP_PROTO)), sourcePort: port, table: table,
                suppressedPrefixLength: suppressed < 0 ? nil : Int(suppressed)),
            isWhole: isWhole)
    }

    /// The types of all attributes of a message about a rule: a length in two bytes, then the type, each padded to four.
    private static func attributeTypes(_ message: [UInt8]) -> [Int] {
        var types: [Int] = []
        var rest = message[MemoryLayout<fib_rule_hdr>.size...]
        while let length: UInt16 = NetlinkAttributes.number(rest), length >= 4,
            let type: UInt16 = NetlinkAttributes.number(rest.dropFirst(2))
        {
            // The two highest bits are flags (`NLA_TYPE_MASK`).
            types.append(Int(type & 0x3FFF))
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        return types
    }

    private static func request(
        _ operation: String, _ type: Int, _ flags: Int32, _ rule: RoutingRule
    ) throws(NetlinkError) -> NetlinkRequest {
        let rule = rule.asStored
        guard rule.source.map({ ($0.address.v6 != nil) == rule.isIPv6 }) ?? true else {
            throw NetlinkError("\(operation) (the source is of the other family)", code: NLE_INVAL)
        }
        var header = fib_rule_hdr()
        header.family = UInt8(rule.isIPv6 ? AF_INET6 : AF_INET)
        header.src_len = UInt8(rule.source?.length ?? 0)
        header.table = UInt8(exactly: rule.table) ?? UInt8(RT_TABLE_UNSPEC.rawValue)
        header.action = UInt8(FR_ACT_TO_TBL)
        var request = try NetlinkRequest(operation, type: Int32(type), flags: flags, header: header)
        if let source = rule.source { request.put(Int(FRA_SRC), source.address) }
        request.put(Int(FRA_PRIORITY), rule.priority)
        request.put(Int(FRA_TABLE), rule.table)
        if let transport = rule.transport { request.put(Int(FRA_IP_PROTO), transport) }
        if let port = rule.sourcePort {
            // struct fib_rule_port_range: start and end, both in the host's byte order.
            request.put(Int(FRA_SPORT_RANGE), UInt32(port) << 16 | UInt32(port))
        }
        if let length = rule.suppressedPrefixLength { request.put(Int(FRA_SUPPRESS_PREFIXLEN), UInt32(length)) }
        return request
    }
}

extension RoutingRule: CustomStringConvertible {
    /// As `ip rule` would have it.
    public var description: String {
        var words = [isIPv6 ? "IPv6 rule" : "IPv4 rule", "from \(source?.description ?? "all")"]
        if let transport { words.append("ipproto \(transport)") }
        if let sourcePort { words.append("sport \(sourcePort)") }
        words.append("lookup \(table) priority \(priority)")
        if let suppressedPrefixLength { words.append("suppress_prefixlength \(suppressedPrefixLength)") }
        return words.joined(separator: " ")
    }

    /// The rule as the kernel lists it: a source of no bits is no condition.
    var asStored: RoutingRule {
        var rule = self
        if source?.length == 0 { rule.source = nil }
        return rule
    }

    /// Whether the kernel, asked to remove this rule, takes `other` for it: all conditions named here are in `other`
    /// (`rule_find`, net/core/fib_rules.c).
    func isCovering(_ other: RoutingRule) -> Bool {
        isIPv6 == other.isIPv6 && priority == other.priority && table == other.table
            && (source == nil || source == other.source) && (transport == nil || transport == other.transport)
            && (sourcePort == nil || sourcePort == other.sourcePort)
            && (suppressedPrefixLength == nil || suppressedPrefixLength == other.suppressedPrefixLength)
    }
}
