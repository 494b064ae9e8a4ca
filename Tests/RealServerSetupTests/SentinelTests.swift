import Glibc
import Lab
import Logging
import NetworkAddress
import PacketIO
import ServiceLifecycle
import Synchronization
import Testing

@testable import RealServerSetup

/// The sentinel on the wire, in a namespace of its own.
///
///     this host: eth0 (10.0.0.11/24) ═══ uplink ─ bridge ─ port1 ═══ eth0 (10.0.0.1/24) director
///                lo (the VIPs)                        └─ port2 ═══ eth0 (10.0.0.12/24) another real server
///                                        switch
@Suite("the sentinel, on the wire", .enabled(if: FreshNamespace.isAvailable))
struct SentinelTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let second = IPv4Address(192, 0, 2, 20)
    static let vip6 = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x10)
    static let rip = IPv4Address(10, 0, 0, 11)
    static let dip = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    static let stranger = IPv4Address(10, 0, 0, 99)
    static let own = MACAddress(rawValue: 0x0200_0000_0011)
    static let linkLocal = IPv6Address(high: 0xFE80_0000_0000_0000, low: 0x11)
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A neighbour in a namespace that lives as long as its process.
    struct Station {
        private let process: LabProcess

        init(_ scratch: ScratchDirectory) throws {
            process = try LabProcess(["unshare", "--net", "sleep", "600"], log: "\(scratch.path)/log")
            let pid = process.pid
            // Until the process has left for its namespace, its pid stands for ours.
            let home = try Command.require("readlink /proc/thread-self/ns/net").output
            try Deadline.block(until: "a namespace of its own") {
                try Command.require("readlink /proc/\(pid)/ns/net").output != home
            }
        }

        var pid: Int32 { process.pid }

        func require(_ line: String) throws { try Command.require("nsenter --net --target \(pid) \(line)") }

        func end() { process.signal(9) }
    }

    /// This host and a switch with two neighbours, of which neither has a VIP yet.
    static func segment(
        director mac: String = "02:00:00:00:00:01", _ body: @escaping @Sendable (Station, Station) throws -> Void
    ) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            let stations = try (0..<3).map { _ in try Station(scratch) }
            defer { stations.forEach { $0.end() } }
            let (wire, director, server) = (stations[0], stations[1], stations[2])
            try wire.require("ip link add bridge type bridge mcast_snooping 0")
            try wire.require("ip link set bridge up")
            try Command.require("ip link set lo up")
            try Command.require("ip link add eth0 address \(own) type veth peer name uplink")
            try Command.require("ip link set uplink netns \(wire.pid)")
            try Command.require("ip addr add 10.0.0.11/24 dev eth0")
            try Command.require("ip link set eth0 up")
            try Command.require("ip addr add fe80::11/64 dev eth0 nodad")
            try wire.require("ip link set uplink master bridge up")
            for (number, station, mac, address) in [(1, director, mac, 1), (2, server, "02:00:00:00:00:12", 12)] {
                try wire.require("ip link add port\(number) type veth peer name eth0 address \(mac)")
                try wire.require("ip link set eth0 netns \(station.pid)")
                try wire.require("ip link set port\(number) master bridge up")
                try station.require("ip addr add 10.0.0.\(address)/24 dev eth0")
                try station.require("ip link set eth0 up")
            }
            let neighbors = [dip, .v4(IPv4Address(10, 0, 0, 12))]
            try Deadline.block(until: "the switch to carry") {
                try Sentinel.probeOnce(vips: neighbors, directors: [], segment: here()).count == 2
            }
            try body(director, server)
        }
    }

    static func here(neighbors: [IPAddress: MACAddress] = [:]) throws -> SentinelSegment {
        SentinelSegment(
            index: Int32(if_nametoindex("eth0")), name: "eth0", mac: own, ipv4: rip, ipv6: linkLocal,
            neighbors: neighbors)
    }

    /// What the sentinel found last.
    final class Published: Sendable {
        let last = Mutex<(problems: [IPAddress: [String]], warnings: [IPAddress: [String]])?>(nil)

        func problems(_ vip: IPAddress) -> [String] { last.withLock { $0?.problems[vip] ?? [] } }
        func warnings(_ vip: IPAddress) -> [String] { last.withLock { $0?.warnings[vip] ?? [] } }
    }

    /// Runs the watch while `body` runs. Without a task: the threads that run those are the ones that wait for tests here.
    static func guarded(
        vips: [IPAddress], directors: [IPAddress] = [dip], segment: SentinelSegment? = nil,
        _ body: (Published, SentinelWatch) throws -> Void
    ) throws {
        let published = Published()
        let isEnded = Atomic(false)
        let watch = try SentinelWatch(
            vips: vips, directors: directors, interval: .milliseconds(200), segment: { segment })
        try watch.start(
            tell: { findings in published.last.withLock { $0 = (findings.problems, findings.warnings) } },
            ended: { isEnded.store(true, ordering: .releasing) })
        defer { watch.stop() }
        try Deadline.block(until: "the first word") { published.last.withLock { $0 != nil } }
        try body(published, watch)
        watch.stop()
        try Deadline.block(until: "the end of the watch") { isEnded.load(ordering: .acquiring) }
    }

    /// A host with both ends of its wire in one namespace, the VIPs on `lo`, and this arp_ignore.
    static func host(arpIgnore: Int = 0) throws {
        // Without IPv6, nothing but what the tests ask for is on the wire.
        try Sysctl.set("net.ipv6.conf.default.disable_ipv6=1")
        try Command.require("ip link set lo up")
        for vip in [vip, second] { try Command.require("ip addr add \(vip)/32 dev lo") }
        try wire()
        try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=\(arpIgnore)")
    }

    static func wire() throws {
        try Command.require("ip link add eth0 type veth peer name peer0")
        // The far end is in the same namespace: it must stay silent itself.
        try Command.require("ip link set peer0 arp off up")
        try Command.require("ip link set eth0 up")
        try Command.require("ip addr add \(rip)/24 dev eth0")
        // A link takes nothing until the kernel has noticed its carrier.
        for end in ["eth0", "peer0"] {
            try Deadline.block(until: "\(end) to carry") {
                try Command.require("ip -brief link show \(end)").output.contains(" UP ")
            }
        }
    }

    static func ask(_ target: IPv4Address) throws -> Bool {
        let wire = try ARPWire(interface: "peer0")
        return try wire.answers(for: [target], then: rip, sender: stranger)[target] != nil
    }

    @Test("a leak is reported with interface, VIP and asker; a host that is silent is not, and settled is settled")
    func leak() throws {
        try FreshNamespace.run {
            try Self.host(arpIgnore: 1)
            let vips = [IPAddress.v4(Self.vip), .v4(Self.second)]
            try Self.guarded(vips: vips) { published, watch in
                #expect(try !Self.ask(Self.second))
                try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=0")
                #expect(try Self.ask(Self.vip))
                try Deadline.block(until: "the leak") { !published.problems(vips[0]).isEmpty }
                #expect(published.problems(vips[0]).count == 1)
                #expect(
                    published.problems(vips[0]).first?.hasPrefix(
                        "eth0 answered who-has for VIP 192.0.2.10 (asked by 02:00:00:00:00:ee): this host leaks")
                        == true)
                // Frames are seen in order: who was silent before had its chance.
                #expect(published.problems(vips[1]).isEmpty)
                try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=1")
                watch.settle([vips[0]])
                try Deadline.block(until: "no leak") { published.problems(vips[0]).isEmpty }
            }
        }
    }

    @Test("a who-has in the VIP's name, and gratuitous ARP for it, are leaks")
    func announcements() throws {
        try FreshNamespace.run {
            try Self.host(arpIgnore: 1)
            try Self.guarded(vips: [.v4(Self.vip), .v4(Self.second)]) { published, _ in
                try Datagram.send(from: Self.vip, to: IPv4Address(10, 0, 0, 71))
                try Deadline.block(until: "the who-has") { !published.problems(.v4(Self.vip)).isEmpty }
                #expect(
                    published.problems(.v4(Self.vip)).first?.hasPrefix(
                        "eth0 asked for 10.0.0.71 in the name of VIP 192.0.2.10") == true)
                // arp_notify announces the addresses of an interface as it comes up.
                try Sysctl.set("net.ipv4.conf.eth0.arp_notify=1")
                try Command.require("ip addr del \(Self.second)/32 dev lo")
                try Command.require("ip addr add \(Self.second)/32 dev eth0")
                try Command.require("ip link set eth0 down")
                try Command.require("ip link set eth0 up")
                try Deadline.block(until: "the announcement") { !published.problems(.v4(Self.second)).isEmpty }
                #expect(published.problems(.v4(Self.second)).first?.hasPrefix("eth0 announced VIP 192.0.2.20") == true)
            }
        }
    }

    @Test("what a bridge would carry for another station is not this host's leak")
    func carried() throws {
        try FreshNamespace.run {
            try Self.host(arpIgnore: 1)
            let question = ARPMessage.request(Self.vip, from: Self.own, Self.rip)
            let peer = Int32(if_nametoindex("peer0"))
            try Self.guarded(vips: [.v4(Self.vip), .v4(Self.second)]) { published, _ in
                // Out by peer0, which is this host's too, with a MAC that is not.
                let tap = try SentinelTap(addresses: [])
                let frame = Self.frame(question.answer(from: MACAddress(rawValue: 0x0200_0000_00BB)))
                let isSent = tap.send(frame, by: peer)
                #expect(isSent)
                try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=0")
                #expect(try Self.ask(Self.second))
                try Deadline.block(until: "the leak") { !published.problems(.v4(Self.second)).isEmpty }
                #expect(published.problems(.v4(Self.vip)).isEmpty)
            }
        }
    }

    @Test("an IPv6 VIP on lo is silent, one on eth0 answers neighbour solicitations, and that is reported")
    func leak6() throws {
        try Self.segment { _, server in
            try Command.require("ip addr add \(Self.vip6)/128 dev lo")
            let other = IPv6Address(high: Self.vip6.high, low: 0x20)
            try Command.require("ip addr add \(other)/128 dev eth0 nodad")
            try server.require("ip addr add fe80::12/64 dev eth0 nodad")
            try Self.guarded(vips: [.v6(Self.vip6), .v6(other)]) { published, _ in
                for vip in [Self.vip6, other] { try server.require("ip -6 route replace \(vip) dev eth0") }
                try Deadline.block(until: "the leak") {
                    // Each makes the neighbour solicit it.
                    for vip in [Self.vip6, other] { try server.require("bash -c echo>/dev/udp/\(vip)/9") }
                    return !published.problems(.v6(other)).isEmpty
                }
                #expect(
                    published.problems(.v6(other)).first?.hasPrefix(
                        "eth0 answered a neighbour solicitation for VIP 2001:db8::20 (asked by 02:00:00:00:00:12)")
                        == true)
                #expect(published.problems(.v6(Self.vip6)).isEmpty)
            }
        }
    }

    @Test("the director may answer, another host that does is named by its MAC as long as it does", arguments: [4, 6])
    func foreign(family: Int) throws {
        try Self.segment { director, server in
            let vip: IPAddress = family == 4 ? .v4(Self.vip) : .v6(Self.vip6)
            let address = family == 4 ? "\(vip)/32 dev eth0" : "\(vip)/128 dev eth0 nodad"
            try director.require("ip addr add \(address)")
            let here = try Self.here()
            let answerers = { try Sentinel.probeOnce(vips: [vip], directors: [Self.dip], segment: here) }
            // An IPv6 address is there at once and hears questions a little later (`addrconf_dad_work()`).
            try Deadline.block(until: "the director alone") { try answerers().map(\.standing) == [.director] }
            try Self.guarded(vips: [vip], segment: here) { published, _ in
                #expect(published.warnings(vip).isEmpty)
                try server.require("ip addr add \(address)")
                try Deadline.block(until: "the warning") { !published.warnings(vip).isEmpty }
                #expect(published.warnings(vip).count == 1)
                #expect(
                    published.warnings(vip).first?.hasPrefix(
                        "another host, 02:00:00:00:00:12, answers for VIP \(vip) on eth0") == true)
                #expect(published.problems(vip).isEmpty)
                #expect(try answerers().map(\.standing) == [.director, .foreign])
                try server.require("ip addr del \(vip) dev eth0")
                try Deadline.block(until: "silence") { published.warnings(vip).isEmpty }
                #expect(try answerers().map(\.mac.description) == ["02:00:00:00:00:01"])
            }
        }
    }

    @Test(
        "without a known director, one that answers alone is let be, two are one too many, a VRRP MAC is a director's")
    func unknownDirector() throws {
        try Self.segment { director, server in
            let vip = IPAddress.v4(Self.vip)
            let here = try Self.here()
            let standings = {
                try Sentinel.probeOnce(vips: [vip], directors: [.v4(IPv4Address(203, 0, 113, 1))], segment: here)
                    .map(\.standing)
            }
            #expect(try standings() == [])
            try server.require("ip addr add \(vip)/32 dev eth0")
            #expect(try standings() == [.alone])
            try director.require("ip addr add \(vip)/32 dev eth0")
            #expect(try standings() == [.ambiguous, .ambiguous])
            try director.require("ip link set eth0 address 00:00:5e:00:01:07")
            #expect(try standings() == [.director, .foreign])
        }
    }

    @Test("a director that does not answer for its own address is known from the kernel's neighbour table")
    func neighborTable() throws {
        try Self.segment { director, _ in
            let vip = IPAddress.v4(Self.vip)
            try director.require("ip addr add \(vip)/32 dev eth0")
            try director.require("ip addr del 10.0.0.1/24 dev eth0")
            let mac = MACAddress(rawValue: 0x0200_0000_0001)
            for (neighbors, standing) in [([:], .alone), ([Self.dip: mac], .director)]
                as [([IPAddress: MACAddress], Answerer.Standing)]
            {
                let found = try Sentinel.probeOnce(
                    vips: [vip], directors: [Self.dip], segment: try Self.here(neighbors: neighbors))
                #expect(found.map(\.standing) == [standing])
            }
        }
    }

    @Test("questions carry the host's own address, never none: a director that claims the VIP is not disturbed")
    func questions() throws {
        try FreshNamespace.run {
            try Self.host()
            let wire = try ARPWire(interface: "peer0")
            try Self.guarded(vips: [.v4(Self.vip)], segment: try Self.here()) { _, _ in
                for _ in 0..<3 {
                    let question = try wire.nextQuestion(for: Self.vip)
                    #expect(question.sender == Self.rip && question.source == Self.own)
                }
            }
        }
    }

    @Test("more VIPs than the kernel compares, of both families, are all heard", arguments: [250, 251, 1000])
    func many(count: Int) throws {
        try FreshNamespace.run {
            try Self.host()
            var vips = (1...UInt64(count)).map { IPAddress.v6(IPv6Address(high: Self.vip6.high, low: $0)) }
            // The one asked for is the first, the last, and in the middle of the list.
            for base in [0xC000_020A, 0xC000_020B - UInt32(count), 0xC000_020A - UInt32(count) / 2] {
                vips += (0..<UInt32(count)).map { .v4(IPv4Address(rawValue: base + $0)) }
                try Self.guarded(vips: vips) { published, _ in
                    #expect(try Self.ask(Self.vip))
                    try Deadline.block(until: "the leak") { !published.problems(.v4(Self.vip)).isEmpty }
                }
                vips.removeLast(count)
            }
        }
    }

    @Test("an interface that goes down, vanishes and comes back under another number does not end the watch")
    func vanishing() throws {
        try FreshNamespace.run {
            try Self.host()
            let here = try Self.here()
            try Self.guarded(vips: [.v4(Self.vip)], segment: here) { published, _ in
                try Command.require("ip link set eth0 down")
                try Command.require("ip link del eth0")
                try Self.wire()
                #expect(try Self.here().index != here.index)
                #expect(try Self.ask(Self.vip))
                try Deadline.block(until: "the leak") { !published.problems(.v4(Self.vip)).isEmpty }
                #expect(published.problems(.v4(Self.vip)).first?.hasPrefix("eth0 answered") == true)
            }
        }
    }

    @Test("as a service it publishes what leaked since it was made, and ends on graceful shutdown")
    func service() async throws {
        let published = Published()
        let sentinel = try FreshNamespace.run {
            try Self.host()
            let sentinel = try Sentinel(
                vips: [.v4(Self.vip)], directors: [], logger: Self.logger, segment: { nil },
                publish: { problems, warnings in published.last.withLock { $0 = (problems, warnings) } })
            #expect(try Self.ask(Self.vip))
            return sentinel
        }
        let group = ServiceGroup(services: [sentinel], logger: Self.logger)
        let ran = Task { try await group.run() }
        try await Deadline.wait(until: "the leak") { !published.problems(.v4(Self.vip)).isEmpty }
        sentinel.settle([.v4(Self.vip)])
        try await Deadline.wait(until: "no leak") { published.problems(.v4(Self.vip)).isEmpty }
        await group.triggerGracefulShutdown()
        try await ran.value
    }

    private static func frame(_ message: ARPMessage) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: ARPMessage.frameLength)
        bytes.withUnsafeMutableBytes { message.write(to: own, into: $0) }
        return bytes
    }
}
