internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO
internal import Testing

@testable internal import Director

/// ```
///   the director's host: what its stack sees is counted            the segment, played by the test
///   va 10.9.0.1/24, 2001:db8:9::1/64 ───────────── veth ─────────── vb
/// ```
@Suite("what the host's own stack sees", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct IngressDropWireTests {
    static let drop = IngressDrop(
        table: "rsdirector", interfaces: ["va"], vips: [address("10.9.0.50"), address("2001:db8:9::50")],
        answers: [
            .init(address: address("10.9.0.11"), transport: 6, port: 80),
            .init(address: address("10.9.0.12"), transport: 17, port: 0),
            .init(address: address("2001:db8:9::11"), transport: 6, port: 80),
            .init(address: address("2001:db8:9::12"), transport: 17, port: 0),
        ], insiders: ["10.9.0.64/26", "10.9.0.32/32", "2001:db8:9::70/124"].compactMap { Prefix($0) })

    static func address(_ text: String) -> IPAddress {
        IPAddress(text) ?? .v4(.any)
    }

    /// A packet, and whether the stack is to see it.
    struct Case {
        var name: String
        var packet: TestPacket
        var passes: Bool

        init(
            _ name: String, _ source: String, _ destination: String, _ transport: UInt8 = 6, port: UInt16 = 40_000,
            passes: Bool
        ) {
            self.name = name
            packet = TestPacket(
                source: address(source), destination: address(destination), transport: transport, sourcePort: port)
            self.passes = passes
        }
    }

    /// The same for each family: `10.9.0.N` is `2001:db8:9::N`, and `10.8.0.9`, the client, `2001:db8:8::9`.
    static let cases = ["10.9.0.", "2001:db8:9::"].flatMap { near -> [Case] in
        let isIPv6 = near != "10.9.0."
        let client = isIPv6 ? "2001:db8:8::9" : "10.8.0.9"
        return [
            Case("to a VIP", client, near + "50", passes: false),
            Case("to a VIP, UDP", client, near + "50", 17, passes: false),
            Case("to the host", client, near + "1", passes: true),
            Case("from a VIP to a client", near + "50", client, port: 80, passes: false),
            Case("from a VIP to the host", near + "50", near + "1", port: 80, passes: true),
            Case("an answer to a client", near + "11", client, port: 80, passes: false),
            Case("an answer to the host's own question", near + "11", near + "1", port: 80, passes: true),
            Case("from another port", near + "11", client, port: 81, passes: true),
            Case("of another protocol", near + "11", client, 17, port: 80, passes: true),
            Case("from any port", near + "12", client, 17, port: 1234, passes: false),
            Case("from any port to the host", near + "12", near + "1", 17, port: 1234, passes: true),
            Case("from any port, of another protocol", near + "12", client, 6, port: 1234, passes: true),
            Case("from another host", near + "13", client, port: 80, passes: true),
            Case("from an insider to the world", near + "70", client, passes: false),
            Case("from an insider, neither TCP nor UDP", near + "70", client, 132, passes: false),
            Case(
                "from an insider to its neighbour, with IPv6 in another network", near + "70", near + "100",
                passes: !isIPv6),
            Case("from an insider to an insider", near + "70", near + "71", passes: true),
            Case("from an insider to the host", near + "70", near + "1", passes: true),
        ]
    }

    /// How many packets the rules of a table have counted.
    static func counted(_ table: String, _ family: String, _ nftables: borrowing Nftables) throws -> Int {
        let listing = try nftables.run(
            #"{"nftables":[{"list":{"table":{"family":"\#(family)","name":"\#(table)"}}}]}"#, operation: "list")
        return listing.split(separator: #""packets": "#).dropFirst().reduce(0) { sum, text in
            sum + (Int(text.prefix { $0.isNumber }) ?? 0)
        }
    }

    @Test("the VIPs' packets and answers to be translated are kept from it, its own are not", .timeLimit(.minutes(1)))
    func wire() throws {
        try FreshNamespace.run {
            for command in [
                "ip link set lo up && ip link add va type veth peer name vb",
                "sysctl -qw net.ipv6.conf.vb.disable_ipv6=1", "ip link set va up && ip link set vb up",
                "ip addr add 10.9.0.1/24 dev va && ip addr add 2001:db8:9::1/64 dev va nodad",
                "ip addr add fe80::9/64 dev va nodad",
            ] {
                #expect(system(command) == 0)
            }
            try Deadline.wait("IPv6 is ready") {
                system("ip -6 route show table local | grep -q 2001:db8:9::1") == 0
            }
            let nftables = try Nftables()
            try nftables.run(Self.counting, operation: "count")
            try Self.drop.install(nftables)
            var wire = try PacketSocket(interface: "vb")
            let host = try PacketSocket(interface: "va").address
            func send(_ frame: [UInt8]) {
                var frame = frame
                frame.withUnsafeMutableBytes {
                    wire.transmit($0, .none)
                    wire.flush()
                }
            }
            var (seen, dropped) = (0, 0)
            func look(after name: String, passes: Bool) throws {
                var now = (0, 0)
                try Deadline.wait("\(name): seen or dropped") {
                    now = (
                        try Self.counted("seen", "inet", nftables), try Self.counted("rsdirector", "netdev", nftables)
                    )
                    return now.0 + now.1 > seen + dropped
                }
                #expect(now.0 - seen == (passes ? 1 : 0), "\(name)")
                #expect(now.1 - dropped == (passes ? 0 : 1), "\(name)")
                (seen, dropped) = now
            }
            for item in Self.cases {
                send(item.packet.frame(to: host, from: wire.address))
                try look(after: "\(item.packet.source) \(item.name)", passes: item.passes)
            }
            // Neighbours ask each other, and the host, whether they are still there.
            for destination in ["fe80::9", "ff02::1"] {
                let packet = TestPacket(
                    source: Self.address("2001:db8:9::70"), destination: Self.address(destination), transport: 58,
                    sourcePort: 135 << 8)
                send(packet.frame(to: host, from: wire.address))
                try look(after: "an insider to \(destination)", passes: true)
            }
            // A solicitation for the VIP goes to a group; the stack has nothing to say to it.
            let question = NeighborMessage.request(
                Self.address("2001:db8:9::50"), from: wire.address, Self.address("2001:db8:9::99"))
            var frame = [UInt8](repeating: 0, count: NeighborMessage.longestFrame)
            let length = frame.withUnsafeMutableBytes { question.write(to: question.group, into: $0) }
            send(Array(frame[..<length]))
            try look(after: "a solicitation", passes: true)
        }
    }

    /// Counts what the stack is given of the test's own packets, before it decides anything.
    static let counting = #"""
        {"nftables":[
        {"add":{"table":{"family":"inet","name":"seen"}}},
        {"add":{"chain":{"family":"inet","table":"seen","name":"c","type":"filter","hook":"prerouting","prio":-300,
        "policy":"accept"}}},
        {"add":{"rule":{"family":"inet","table":"seen","chain":"c","expr":[
        {"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"va"}},
        {"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":{"set":["tcp","udp","icmpv6"]}}},
        {"counter":null}]}}}]}
        """#
}
