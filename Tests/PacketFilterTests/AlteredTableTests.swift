internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import PacketFilter

/// One way in which somebody may change a table of ours.
struct Alteration: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What is done to the table, given the handle of each rule by chain.
    let commands: @Sendable ([String: [Int]]) -> [JSON]

    init(_ description: String, _ commands: @escaping @Sendable ([String: [Int]]) -> [JSON]) {
        testDescription = description
        self.commands = commands
    }

    /// An object of our table.
    static func member(_ members: [String: JSON]) -> JSON {
        .object(members.merging(["family": "inet", "table": "rsagent"]) { first, _ in first })
    }

    static let all: [Alteration] = [
        .init("a foreign rule at the end of a chain") { _ in
            [["add": ["rule": member(["chain": "outer", "expr": [["accept": .null]]])]]]
        },
        .init("a foreign rule at the beginning") { _ in
            [["insert": ["rule": member(["chain": "inner", "expr": [["accept": .null]]])]]]
        },
        .init("a rule taken away") { handles in
            [["delete": ["rule": member(["chain": "inner", "handle": .integer(handles["inner"]?.last ?? 0)])]]]
        },
        .init("a rule of the entrances taken away, counter and all") { handles in
            [["delete": ["rule": member(["chain": "outer", "handle": .integer(handles["outer"]?.first ?? 0)])]]]
        },
        .init("the last of the entrances' rules taken away") { handles in
            [["delete": ["rule": member(["chain": "outer", "handle": .integer(handles["outer"]?.last ?? 0)])]]]
        },
        .init("a rule that no longer drops") { handles in
            [
                [
                    "replace": [
                        "rule": member([
                            "chain": "inner", "handle": .integer(handles["inner"]?.first ?? 0),
                            "expr": [
                                Expression.match(Expression.meta("iifname"), "==", set: "tunnels"),
                                Expression.match(Expression.payload("ip", "daddr"), "!=", set: "vips4"),
                                Expression.count("inner_destination"),
                            ],
                        ])
                    ]
                ]
            ]
        },
        .init("a rule twice") { _ in
            [
                [
                    "add": [
                        "rule": member([
                            "chain": "inner",
                            "expr": [
                                Expression.match(Expression.meta("iifname"), "==", set: "tunnels"),
                                Expression.match(Expression.payload("ip6", "daddr"), "!=", set: "vips6"),
                                Expression.count("inner_destination"), Expression.drop,
                            ],
                        ])
                    ]
                ]
            ]
        },
        .init("a chain that was emptied") { _ in [["flush": ["chain": member(["name": "segments"])]]] },
        .init("all rules flushed") { _ in [["flush": ["table": ["family": "inet", "name": "rsagent"]]]] },
        .init("another policy") { _ in
            [
                [
                    "add": [
                        "chain": member([
                            "name": "outer", "type": "filter", "hook": "prerouting", "prio": -300, "policy": "drop",
                        ])
                    ]
                ]
            ]
        },
        .init("a foreign chain") { _ in [["add": ["chain": member(["name": "theirs"])]]] },
        .init("a foreign set") { _ in [["add": ["set": member(["name": "theirs", "type": "ipv4_addr"])]]] },
        .init("a set by a name like ours") { _ in
            [["add": ["set": member(["name": "mss9_4", "type": "ipv4_addr", "elem": ["192.0.2.77"]])]]]
        },
        .init("a foreign counter") { _ in [["add": ["counter": member(["name": "theirs"])]]] },
        .init("a foreign quota") { _ in
            [["add": ["quota": member(["name": "theirs", "bytes": 1, "used": 0, "inv": .bool(false)])]]]
        },
        .init("a foreign map") { _ in
            [["add": ["map": member(["name": "theirs", "type": "ipv4_addr", "map": "mark"])]]]
        },
        .init("a comment on a rule") { _ in
            [["add": ["rule": member(["chain": "segments", "comment": "hello", "expr": [["accept": .null]]])]]]
        },
        .init("an element with a comment") { _ in
            [
                [
                    "add": [
                        "element": member([
                            "name": "vips4", "elem": [["elem": ["val": "192.0.2.98", "comment": "hello"]]],
                        ])
                    ]
                ]
            ]
        },
    ]
}

@Suite(
    "a guard table that somebody changed",
    .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct AlteredTableTests {
    /// The handles of the rules in each chain of our table.
    static func handles(_ nftables: borrowing Nftables) throws -> [String: [Int]] {
        let answer = try nftables.run(
            #"{"nftables":[{"list":{"table":{"family":"inet","name":"rsagent"}}}]}"#, operation: "list")
        var handles: [String: [Int]] = [:]
        for rule in (JSON(text: answer)?["nftables"]?.array ?? []).compactMap({ $0["rule"] }) {
            if let chain = rule["chain"]?.string, let handle = rule["handle"]?.integer {
                handles[chain, default: []].append(handle)
            }
        }
        return handles
    }

    @Test("is found to be, and replaced by the next install", arguments: Alteration.all)
    func altered(_ alteration: Alteration) throws {
        try GuardTableReadingTests.run { nftables in
            let table = try GuardTableTests.whole()
            try table.install(nftables)
            let commands = alteration.commands(try Self.handles(nftables)).map(\.text)
            try nftables.run(JSON.document(commands), operation: alteration.testDescription)
            let reading = try GuardTable.read(nftables)
            if alteration.testDescription.contains("counter and all") {
                // Without the entrance this is another table, but a whole one.
                #expect(reading != .present(table) && reading != .altered)
            } else {
                #expect(reading == .altered)
            }
            try table.install(nftables)
            #expect(try GuardTable.read(nftables) == .present(table))
        }
    }

    /// libnftables 1.0.6 cuts its answer off where a table has flags.
    @Test("is found to be where it was put to sleep (`dormant`)")
    func dormant() throws {
        try GuardTableReadingTests.run { nftables in
            let table = try GuardTableTests.whole()
            try table.install(nftables)
            let command = try Command.run(["nft", "add table inet rsagent { flags dormant; }"])
            #expect(command.status == 0, "\(command.text)")
            #expect(try GuardTable.read(nftables) == .altered)
            try table.install(nftables)
            #expect(try GuardTable.read(nftables) == .present(table))
        }
    }
}
