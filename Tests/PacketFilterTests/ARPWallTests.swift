internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import PacketFilter

@Suite("the wall against ARP", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct ARPWallTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let wall = ARPWall(vips: [vip, IPv4Address(192, 0, 2, 11)])

    @Test("what is installed is read back, also for a thousand VIPs, and nothing once it is removed")
    func roundTrip() throws {
        try GuardTableReadingTests.run { nftables in
            #expect(try ARPWall.read(nftables) == .absent)
            #expect(try ARPWall.counters(nftables) == nil)
            let thousand = ARPWall(vips: (0..<1000).map { IPv4Address(rawValue: 0xC612_0000 + $0) })
            for wall in [Self.wall, thousand, Self.wall] {
                try wall.install(nftables)
                #expect(try ARPWall.read(nftables) == .present(wall))
            }
            #expect(try ARPWall.counters(nftables) == .init(incoming: 0, outgoing: 0))
            #expect(try GuardTable.read(nftables) == .absent)
            for _ in 0..<2 {
                try ARPWall.remove(nftables)
                #expect(try ARPWall.read(nftables) == .absent)
            }
            try Self.wall.install(nftables)
            try ARPWall(vips: []).install(nftables)
            #expect(try ARPWall.read(nftables) == .absent)
        }
    }

    @Test(
        "a wall that somebody changed is found to be",
        arguments: [
            #"{"add":{"rule":{"family":"arp","table":"rsagent","chain":"in","expr":[{"accept":null}]}}}"#,
            #"{"flush":{"chain":{"family":"arp","table":"rsagent","name":"out"}}}"#,
            #"{"add":{"chain":{"family":"arp","table":"rsagent","name":"theirs"}}}"#,
            #"{"add":{"chain":{"family":"arp","table":"rsagent","name":"in","type":"filter","hook":"input","prio":0,"policy":"drop"}}}"#,
        ])
    func altered(command: String) throws {
        try GuardTableReadingTests.run { nftables in
            try Self.wall.install(nftables)
            try nftables.run(JSON.document([command]), operation: "alter")
            #expect(try ARPWall.read(nftables) == .altered)
            try Self.wall.install(nftables)
            #expect(try ARPWall.read(nftables) == .present(Self.wall))
        }
    }

    @Test("no who-has for a VIP is answered, whatever arp_ignore says, and others are")
    func answers() throws {
        try FarEnd.run { _ in
            try FarEnd.add("192.0.2.10/32", to: "lo")
            try Command.require("sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.va.arp_ignore=0")
            let nftables = try Nftables()
            let wire = try ARPWire(interface: "vb")
            let own = IPv4Address(10, 0, 0, 5)
            let stranger = IPv4Address(10, 0, 0, 66)
            #expect(try wire.answers(for: [Self.vip], then: own, sender: stranger).keys.contains(Self.vip))
            try Self.wall.install(nftables)
            #expect(try wire.answers(for: [Self.vip], then: own, sender: stranger).isEmpty)
            #expect(try ARPWall.counters(nftables) == .init(incoming: 1, outgoing: 0))
        }
    }

    /// The sender of the next who-has for `target` that goes out.
    static func sender(_ wire: FarEnd, asking target: IPv4Address, senders: inout Set<IPv4Address>) throws {
        var seen: Set<IPv4Address> = []
        let _: Bool = try wire.next("a who-has for \(target)") { frame in
            guard frame[12] == 8, frame[13] == 6 else { return nil }
            seen.insert(IPv4Address(frame[28], frame[29], frame[30], frame[31]))
            return IPv4Address(frame[38], frame[39], frame[40], frame[41]) == target ? true : nil
        }
        senders.formUnion(seen)
    }

    @Test("no who-has that carries a VIP goes out, whatever arp_announce says, and others do")
    func questions() throws {
        try FarEnd.run { wire in
            try FarEnd.add("192.0.2.10/32", to: "lo")
            try Command.require("sysctl -qw net.ipv4.conf.all.arp_announce=0 net.ipv4.conf.va.arp_announce=0")
            let nftables = try Nftables()
            let own = IPv4Address(10, 0, 0, 5)
            var senders: Set<IPv4Address> = []
            try Datagram.send(from: Self.vip, to: IPv4Address(10, 0, 0, 77))
            try Self.sender(wire, asking: IPv4Address(10, 0, 0, 77), senders: &senders)
            #expect(senders.contains(Self.vip))
            // The question asked above is repeated: none of its kind may be in flight when the wall goes up.
            try Command.require("ip neigh flush all nud incomplete")

            try Self.wall.install(nftables)
            senders = []
            try Datagram.send(from: Self.vip, to: IPv4Address(10, 0, 0, 78))
            try Deadline.block(until: "a who-has to be dropped") {
                (try ARPWall.counters(nftables)?.outgoing ?? 0) > 0
            }
            try Datagram.send(from: own, to: IPv4Address(10, 0, 0, 79))
            try Self.sender(wire, asking: IPv4Address(10, 0, 0, 79), senders: &senders)
            #expect(senders == [own])
        }
    }
}
