internal import NetworkAddress

/// Everything in one nftables table, in the words of libnftables-json(5), in a form in which two tables that do the same
/// are equal: without handles and counts, sets and chains in any order, rules in their order within each chain.
struct TableContent: Hashable, Sendable {
    /// `inet`, `arp`.
    let family: String
    /// The table's name.
    let name: String
    /// The table itself, its counters, sets and chains, each as the object that adds it.
    private(set) var definitions: Set<JSON> = []
    /// The rules of each chain, in order; for each its list of expressions and statements.
    private(set) var rules: [String: [JSON]] = [:]
    /// Sets before rules and chains before rules: nftables takes objects in the order in which they are needed.
    private var order: [JSON] = []

    init(family: String, name: String) {
        self.family = family
        self.name = name
        define("table", ["family": .string(family), "name": .string(name)])
    }

    static func == (left: Self, right: Self) -> Bool {
        left.definitions == right.definitions && left.rules == right.rules
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(definitions)
        hasher.combine(rules)
    }

    // MARK: What a table is made of

    /// Adds a named counter.
    mutating func addCounter(_ counter: String) {
        define("counter", member(counter))
    }

    /// Adds a set of single values: `type` is `ipv4_addr`, `ipv6_addr` or `ifname`.
    mutating func addSet(_ set: String, type: String, elements: [String]) {
        define("set", Self.set(member(set), type: type, flags: nil, elements: elements.map { .string($0) }))
    }

    /// Adds a set of prefixes.
    mutating func addIntervalSet(_ set: String, type: String, prefixes: [Prefix]) {
        define("set", Self.set(member(set), type: type, flags: ["interval"], elements: prefixes.map(Self.element)))
    }

    /// Adds a base chain that lets pass what no rule drops.
    mutating func addChain(_ chain: String, hook: String, priority: Int) {
        var object = member(chain)
        object["type"] = "filter"
        object["hook"] = .string(hook)
        object["prio"] = .integer(priority)
        object["policy"] = "accept"
        define("chain", object)
    }

    /// Appends a rule to a chain.
    mutating func addRule(_ chain: String, _ statements: [JSON]) {
        rules[chain, default: []].append(.array(statements))
        order.append([
            "rule": [
                "family": .string(family), "table": .string(name), "chain": .string(chain),
                "expr": .array(statements),
            ]
        ])
    }

    private mutating func define(_ kind: String, _ object: [String: JSON]) {
        let definition = JSON.object([kind: .object(object)])
        definitions.insert(definition)
        order.append(definition)
    }

    private func member(_ name: String) -> [String: JSON] {
        ["family": .string(family), "table": .string(self.name), "name": .string(name)]
    }

    private static func set(
        _ member: [String: JSON], type: String, flags: [JSON]?, elements: [JSON]
    ) -> [String: JSON] {
        var object = member
        object["type"] = .string(type)
        object["flags"] = flags.map { .array($0) }
        object["elem"] = elements.isEmpty ? nil : .array(elements)
        return object
    }

    private static func element(_ prefix: Prefix) -> JSON {
        prefix.length == prefix.address.bitWidth
            ? .string(prefix.address.description)
            : ["prefix": ["addr": .string(prefix.address.description), "len": .integer(prefix.length)]]
    }

    // MARK: Putting it in force

    /// The commands that put the table in force, whatever is there now. `add` and `delete` in front make the same
    /// document right for the first time and after a `kill -9`; it is one transaction, so that at no moment there is no
    /// table. The counters start from `counts`.
    func installation(counts: [String: PacketCount] = [:]) -> String {
        let additions = order.map { object in
            guard let counter = object["counter"]?["name"]?.string, let count = counts[counter] else {
                return #"{"add":\#(object.text)}"#
            }
            var members = member(counter)
            members["packets"] = .integer(Int(clamping: count.packets))
            members["bytes"] = .integer(Int(clamping: count.bytes))
            return #"{"add":\#(JSON.object(["counter": .object(members)]).text)}"#
        }
        return JSON.document(Self.removalCommands(family: family, name: name) + additions)
    }

    /// The commands that remove a table, whether it is there or not.
    static func removalCommands(family: String, name: String) -> [String] {
        let table = JSON.object(["table": ["family": .string(family), "name": .string(name)]]).text
        return [#"{"add":\#(table)}"#, #"{"delete":\#(table)}"#]
    }
}

// MARK: Reading it back

extension TableContent {
    /// What nftables' listing of this one table says; nil where it is not to be understood, or holds what no table of
    /// ours does.
    init?(family: String, name: String, listing: String) {
        guard let objects = JSON(text: listing)?["nftables"]?.array else { return nil }
        self.family = family
        self.name = name
        for entry in objects {
            guard case .object(let pair) = entry, pair.count == 1, let (kind, value) = pair.first,
                case .object(var object) = value
            else { return nil }
            object["handle"] = nil
            switch kind {
            case "metainfo":
                continue
            case "table", "chain":
                break
            case "counter":
                object["packets"] = nil
                object["bytes"] = nil
            case "set":
                guard
                    let elements = Self.sorted(
                        object["elem"], type: object["type"]?.string, isInterval: object["flags"] != nil)
                else { return nil }
                object["elem"] = elements.isEmpty ? nil : .array(elements)
            case "rule":
                guard let chain = object["chain"]?.string, let statements = object["expr"] else { return nil }
                // A comment, or what a later nftables may add, makes it another rule.
                guard object.count == 4 else { return nil }
                rules[chain, default: []].append(Self.canonical(statements))
                continue
            default:
                return nil
            }
            definitions.insert(.object([kind: .object(object)]))
        }
    }

    /// The object that defines a counter, set or chain, or nil.
    subscript(_ kind: String, _ name: String) -> JSON? {
        definitions.lazy.compactMap { $0[kind] }.first { $0["name"]?.string == name }
    }

    /// The names of all sets.
    var setNames: [String] { definitions.compactMap { $0["set"]?["name"]?.string } }

    /// The single values of a set: none where there is no such set.
    func values(of set: String) -> [String] {
        self["set", set]?["elem"]?.array?.compactMap(\.string) ?? []
    }

    /// The prefixes of a set: none where there is no such set.
    func prefixes(of set: String) -> [Prefix] {
        AddressBlock.prefixes(self["set", set]?["elem"]?.array?.compactMap(Self.block) ?? [])
    }

    /// A set's elements in the order and spelling in which we would have given them; nil where one is none of ours (it
    /// has a timeout, a counter or a comment, say).
    private static func sorted(_ elements: JSON?, type: String?, isInterval: Bool) -> [JSON]? {
        guard let elements else { return [] }
        guard let elements = elements.array else { return nil }
        if isInterval {
            let blocks = elements.compactMap(block)
            guard blocks.count == elements.count else { return nil }
            return AddressBlock.prefixes(blocks).map(element)
        }
        let texts = elements.compactMap(\.string)
        guard texts.count == elements.count else { return nil }
        if type == "ifname" { return texts.sorted().map { .string($0) } }
        let addresses = texts.compactMap { IPAddress($0) }
        guard addresses.count == texts.count else { return nil }
        return addresses.sorted().map { .string($0.description) }
    }

    private static func block(_ element: JSON) -> AddressBlock? {
        if let text = element.string {
            return IPAddress(text).map { AddressBlock(Prefix(host: $0)) }
        }
        if let address = element["prefix"]?["addr"]?.string.flatMap({ IPAddress($0) }),
            let length = element["prefix"]?["len"]?.integer
        {
            return Prefix(address, length: length).map { AddressBlock($0) }
        }
        if let ends = element["range"]?.array, ends.count == 2, let first = ends[0].string.flatMap({ IPAddress($0) }),
            let last = ends[1].string.flatMap({ IPAddress($0) })
        {
            return AddressBlock(from: first, to: last)
        }
        return nil
    }

    /// Expressions with IPv6 addresses spelt as we spell them, and a test for one TCP flag as we write it: releases of
    /// libnftables differ in both.
    private static func canonical(_ expression: JSON) -> JSON {
        switch expression {
        case .string(let text):
            return text.utf8.contains(UInt8(ascii: ":"))
                ? .string(IPv6Address(text)?.description ?? text) : expression
        case .array(let elements):
            return .array(elements.map(canonical))
        case .object(let members):
            if members == ["op": "in", "left": Expression.tcpFlags, "right": "syn"] {
                return .object(["op": "==", "left": ["&": [Expression.tcpFlags, "syn"]], "right": "syn"])
            }
            return .object(members.mapValues(canonical))
        case .null, .bool, .integer:
            return expression
        }
    }
}
