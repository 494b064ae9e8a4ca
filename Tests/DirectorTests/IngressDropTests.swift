internal import Glibc
internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import Director
internal import PacketFilter

@Suite(
    "one director per namespace, and its packet filter",
    .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct IngressDropTests {
    static let drop = IngressDrop(
        table: "rsdirector", interfaces: ["va"],
        vips: [.v4(IPv4Address(192, 0, 2, 10)), .v4(IPv4Address(192, 0, 2, 11))])

    static func withPair(_ body: @escaping @Sendable (borrowing Nftables) throws -> Void) throws {
        try FreshNamespace.run {
            #expect(system("ip link add va type veth peer name vb && ip link set va up && ip link set vb up") == 0)
            try body(try Nftables())
        }
    }

    /// How often `text` occurs in what nftables lists.
    static func count(_ text: String, _ nftables: borrowing Nftables) throws -> Int {
        try nftables.run(#"{"nftables":[{"list":{"ruleset":null}}]}"#, operation: "list").ranges(of: text).count
    }

    @Test("installing twice leaves one table, removing twice none")
    func idempotent() throws {
        try Self.withPair { nftables in
            for _ in 0..<2 {
                try Self.drop.install(nftables)
                #expect(try Self.count(#""table": {"family": "netdev", "name": "rsdirector""#, nftables) == 1)
                #expect(try Self.count(#""drop": null"#, nftables) == 2, "to a VIP, and from one")
                #expect(try Self.count("192.0.2.11", nftables) == 2)
            }
            for _ in 0..<2 {
                try Self.drop.remove(nftables)
                #expect(try Self.count("rsdirector", nftables) == 0)
            }
        }
    }

    @Test("what others put into the packet filter stays")
    func others() throws {
        try Self.withPair { nftables in
            try nftables.run(#"{"nftables":[{"add":{"table":{"family":"inet","name":"theirs"}}}]}"#, operation: "add")
            try Self.drop.install(nftables)
            try Self.drop.remove(nftables)
            #expect(try Self.count("theirs", nftables) == 1)
        }
    }

    @Test("a document that fails changes nothing, and nftables' own words say why")
    func failure() throws {
        try Self.withPair { nftables in
            try Self.drop.install(nftables)
            var wrong = Self.drop
            // Longer than any table's name (`NFT_NAME_MAXLEN`).
            wrong.table = String(repeating: "x", count: 300)
            do throws(PacketFilterError) {
                try wrong.install(nftables)
                Issue.record("accepted")
            } catch {
                #expect(error.operation == "install table netdev \(wrong.table) on va")
                #expect(!error.message.isEmpty && !error.message.contains("\n"))
            }
            let drops = try Self.count(#""drop": null"#, nftables)
            #expect(drops == 2)
        }
    }

    @Test("a name that no interface can have is refused before libnftables sees it")
    func longName() throws {
        try Self.withPair { nftables in
            var wrong = Self.drop
            wrong.interfaces = ["sixteen-bytes-xx"]
            do throws(PacketFilterError) {
                try wrong.install(nftables)
                Issue.record("accepted")
            } catch {
                #expect(error.message.contains("15 bytes"))
            }
        }
    }

    @Test("a quote in an interface's name stays in the name")
    func quoting() {
        var odd = Self.drop
        odd.interfaces = [#"a"},{"b\"#]
        #expect(odd.installation.contains(#""dev":"a\"},{\"b\\""#))
    }

    /// Whether a director could start in the calling thread's namespace.
    static func isFree() -> Bool {
        do {
            _ = try NamespaceLock()
            return true
        } catch {
            return false
        }
    }

    @Test("a second director in the namespace is refused, one in another is not, and one after the first neither")
    func lock() throws {
        try FreshNamespace.run {
            do {
                let first = try NamespaceLock()
                #expect(Self.isFree() == false)
                #expect(try FreshNamespace.run { Self.isFree() })
                extendLifetime(first)
            }
            #expect(Self.isFree())
        }
    }
}
