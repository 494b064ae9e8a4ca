internal import Glibc
internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import PacketFilter

@Suite(
    "the guard table in the kernel",
    .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct GuardTableReadingTests {
    /// Runs `body` in a namespace of its own, with nftables there.
    static func run(_ body: @escaping @Sendable (borrowing Nftables) throws -> Void) throws {
        try FreshNamespace.run { try body(try Nftables()) }
    }

    @Test("what is installed is read back, and nothing once it is removed")
    func roundTrip() throws {
        try Self.run { nftables in
            #expect(try GuardTable.read(nftables) == .absent)
            #expect(try GuardTable.counters(nftables) == nil)
            let table = try GuardTableTests.whole()
            for _ in 0..<2 {
                try table.install(nftables)
                #expect(try GuardTable.read(nftables) == .present(table))
                #expect(try GuardTable.counters(nftables) == .init(outerSource: 0, innerDestination: 0))
            }
            for _ in 0..<2 {
                try GuardTable.remove(nftables)
                #expect(try GuardTable.read(nftables) == .absent)
            }
        }
    }

    @Test("every part and every kind of address comes back as it was given")
    func kinds() throws {
        try Self.run { nftables in
            let whole = try GuardTableTests.whole()
            let tables = [
                GuardTable(entrances: whole.entrances), GuardTable(devices: ["a"]),
                GuardTable(steadfast: ["eth0", "a"]),
                GuardTable(entrances: whole.entrances, devices: ["a"], steadfast: ["eth0"]),
                GuardTable(devices: ["._-+=,~#", "0x1", "eth0.100", "192.0.2.10", "fifteen-bytes-x", "ip", "accept"]),
                GuardTable(entrances: whole.entrances, sources: try prefixes("0.0.0.0/0", "::/0")),
                GuardTable(
                    entrances: whole.entrances,
                    sources: try prefixes(
                        "0.0.0.0/32", "255.255.255.255/32", "128.0.0.0/1", "10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32",
                        "::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "2001:db8::/32", "8000::/2")),
                GuardTable(
                    entrances: [
                        .ip(protocol: 47, local: try address("10.0.0.5")), .ip(protocol: 47, local: try address("::5")),
                        .ip(protocol: 4, local: .v4(.any)), .ip(protocol: 41, local: .v6(.any)),
                        .udp(port: 6080, local: .v6(.any)),
                        .ip(protocol: 0, local: try address("10.0.0.5")),
                        .udp(port: 1, local: try address("2001:0:0:1::")),
                        .udp(port: 65_535, local: try address("1:0:2:0:3:0:4:0")),
                    ], sources: whole.sources),
                GuardTable(
                    devices: ["a"],
                    vips: [
                        try address("::ffff:192.0.2.1"), try address("::1.2.3.4"), try address("fe80::1"),
                        try address("0.0.0.0"), try address("2001:db8:0:0:1::"),
                    ]),
                GuardTable(
                    segmentSizes: [
                        .init(vip: try address("192.0.2.10"), maximum: 1),
                        .init(vip: try address("::5"), maximum: 65_535),
                        .init(vip: try address("192.0.2.11"), maximum: 1440),
                        .init(vip: try address("2001:db8::11"), maximum: 1440),
                    ]),
            ]
            for table in tables {
                try table.install(nftables)
                let reading = try GuardTable.read(nftables)
                #expect(reading == .present(table), "\(table)")
            }
        }
    }

    @Test("installing a table of nothing removes it")
    func empty() throws {
        try Self.run { nftables in
            try GuardTableTests.whole().install(nftables)
            try GuardTable().install(nftables)
            #expect(try GuardTable.read(nftables) == .absent)
        }
    }

    @Test("what others put into the packet filter stays, and is not read")
    func others() throws {
        try Self.run { nftables in
            let others = TableContent(family: "inet", name: "theirs")
            try nftables.install(others)
            let table = try GuardTableTests.whole()
            try table.install(nftables)
            #expect(try GuardTable.read(nftables) == .present(table))
            try GuardTable.remove(nftables)
            #expect(try nftables.content(ofTable: "theirs", family: "inet") == .some(others))
        }
    }

    @Test("a thousand VIPs come back as they were given")
    func thousand() throws {
        try Self.run { nftables in
            let numbers = 0..<1000
            let v4 = numbers.map { IPAddress.v4(IPv4Address(rawValue: 0xC612_0000 + UInt32($0) * 3)) }
            let v6 = numbers.map { IPAddress.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: UInt64($0) * 3)) }
            let table = GuardTable(
                entrances: try GuardTableTests.whole().entrances,
                sources: (v4 + v6).map { Prefix(host: $0) } + (try prefixes("172.16.0.0/16")), devices: ["tunl0"],
                vips: v4 + v6,
                segmentSizes: v4.map { .init(vip: $0, maximum: 1440) } + v6.map { .init(vip: $0, maximum: 1400) })
            try table.install(nftables)
            #expect(try GuardTable.read(nftables) == .present(table))
            let start = Self.processorTime()
            _ = try GuardTable.read(nftables)
            print("1,000 IPv4 and 1,000 IPv6 VIPs: read in \(Self.processorTime() - start) of a processor")
        }
    }

    /// What the calling thread has used up.
    static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    @Test("a set that somebody else changed is read as the table that it now is")
    func otherValue() throws {
        try Self.run { nftables in
            let table = try GuardTableTests.whole()
            try table.install(nftables)
            for (verb, set, element) in [
                ("add", "sources4", "10.9.9.9"), ("add", "vips4", "192.0.2.99"), ("delete", "vips6", "2001:db8::10"),
            ] {
                try nftables.run(
                    JSON.document([
                        JSON.object([
                            verb: [
                                "element": [
                                    "family": "inet", "table": "rsagent", "name": .string(set),
                                    "elem": [.string(element)],
                                ]
                            ]
                        ]).text
                    ]), operation: "change \(set)")
            }
            let changed = GuardTable(
                entrances: table.entrances, sources: table.sources + (try prefixes("10.9.9.9/32")),
                devices: table.devices, vips: [try address("192.0.2.10"), try address("192.0.2.99")],
                segmentSizes: table.segmentSizes)
            #expect(try GuardTable.read(nftables) == .present(changed))
        }
    }

    @Test(
        "a name that is none for nftables is refused before libnftables sees it",
        arguments: ["", "sixteen-bytes-xx", "tun*", "@vips", "a\\b", "ä"])
    func names(name: String) throws {
        try Self.run { nftables in
            let refusal = #expect(throws: PacketFilterError.self) { try GuardTable(devices: [name]).install(nftables) }
            #expect(refusal?.message.contains("name") == true)
            let reading = try GuardTable.read(nftables)
            #expect(reading == .absent)
        }
    }
}
