import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Routes, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct RouteTests {
    /// eth0 with 10.0.0.1/24 and fd00::1/64, up; its index.
    private static func wire(_ network: borrowing Network) throws -> Int32 {
        try Command.require("ip link add eth0 type veth peer name peer0")
        for name in ["eth0", "peer0", "lo"] { try Command.require("ip link set \(name) up") }
        try Command.require("ip addr add 10.0.0.1/24 dev eth0")
        try Command.require("ip addr add fd00::1/64 dev eth0 nodad")
        let links = try network.links()
        return try #require(links.first { $0.name == "eth0" }).index
    }

    private static func route(
        _ destination: String, via gateway: String?, _ interface: Int32, table: UInt32, metric: UInt32 = 0
    ) throws -> Route {
        Route(
            destination: try #require(Prefix(destination)), gateway: try gateway.map { try #require(IPAddress($0)) },
            interface: interface, table: table, metric: metric)
    }

    @Test("a route is shown by ip, listed in its table and no other, refused twice, and removed once")
    func life() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            let shown = [
                (
                    try Self.route("0.0.0.0/0", via: "10.0.0.9", eth0, table: 100),
                    "default via 10.0.0.9 dev eth0 proto static"
                ),
                (
                    try Self.route("0.0.0.0/0", via: "10.0.0.9", eth0, table: 4_000_000_000, metric: 7),
                    "default via 10.0.0.9 dev eth0 proto static metric 7"
                ),
                (
                    try Self.route("198.51.100.0/24", via: nil, eth0, table: 100),
                    "198.51.100.0/24 dev eth0 proto static scope link"
                ),
                (
                    try Self.route("::/0", via: "fd00::9", eth0, table: 100, metric: 5),
                    "default via fd00::9 dev eth0 proto static metric 5"
                ),
                (
                    try Self.route("2001:db8::/64", via: nil, eth0, table: 100, metric: 1024),
                    "2001:db8::/64 dev eth0 proto static metric 1024"
                ),
            ]
            for (route, text) in shown {
                let family = route.destination.address.v4 == nil ? "-6" : "-4"
                try network.add(route)
                #expect(try words("ip \(family) route show table \(route.table)").contains(text))
                #expect(try network.routes(table: route.table).contains(route))
                #expect(try !network.routes(table: 254).contains { $0.destination == route.destination })
                let twice = #expect(throws: NetlinkError.self) { try network.add(route) }
                #expect(twice?.isAlreadyPresent == true)
                try network.remove(route)
                #expect(try network.routes(table: route.table).contains(route) == false)
                let gone = #expect(throws: NetlinkError.self) { try network.remove(route) }
                #expect(gone?.isAlreadyAbsent == true)
            }
            #expect(try network.routes(table: 100) == [])
        }
    }

    @Test("routes that no Route can express are left out rather than shown as plainer ones")
    func inexpressible() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            for line in [
                "ip route add unreachable 198.51.100.1 table 100",
                "ip route add blackhole 198.51.100.2 table 100",
                "ip route add 198.51.100.3 table 100 nexthop via 10.0.0.8 nexthop via 10.0.0.9",
                "ip route add 198.51.100.4 tos 0x10 via 10.0.0.9 table 100",
                "ip -6 route add 2001:db8::1 table 100 nexthop via fd00::8 nexthop via fd00::9",
                "ip -6 route add prohibit 2001:db8::2 table 100",
                "ip -6 route add 2001:db8::3 from 2001:db8::/64 via fd00::9 table 100",
                "ip route add 198.51.100.5 via 10.0.0.9 table 100 mtu 1400",
            ] { try Command.require(line) }
            #expect(
                try network.routes(table: 100)
                    == [Self.route("198.51.100.5/32", via: "10.0.0.9", eth0, table: 100)])
        }
    }

    @Test("to remove a route never takes another's with the same destination")
    func exactRemoval() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            try Command.require("ip route add default via 10.0.0.9 table 100 metric 50")
            try Command.require("ip -6 route add default via fd00::9 table 100")
            for absent in [
                try Self.route("0.0.0.0/0", via: "10.0.0.9", eth0, table: 100),
                try Self.route("0.0.0.0/0", via: nil, eth0, table: 100, metric: 50),
                try Self.route("0.0.0.0/0", via: "10.0.0.8", eth0, table: 100, metric: 50),
                try Self.route("::/0", via: "fd00::9", eth0, table: 100, metric: 5),
            ] {
                let error = #expect(throws: NetlinkError.self, "\(absent)") { try network.remove(absent) }
                #expect(error?.isAlreadyAbsent == true)
            }
            #expect(try network.routes(table: 100).count == 2)
            // Without a metric: 1024 for IPv6.
            try network.remove(try Self.route("::/0", via: "fd00::9", eth0, table: 100))
            #expect(try network.routes(table: 100).count == 1)
        }
    }

    @Test("a gateway that is not on the link is refused in the kernel's own words")
    func refusal() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            let error = #expect(throws: NetlinkError.self) {
                try network.add(try Self.route("0.0.0.0/0", via: "203.0.113.1", eth0, table: 100))
            }
            #expect(error?.description.contains("via 203.0.113.1") == true)
            #expect(error?.description.contains("Nexthop has invalid gateway") == true, "\(error as Any)")
            let other = #expect(throws: NetlinkError.self) {
                try network.add(try Self.route("0.0.0.0/0", via: "fd00::9", eth0, table: 100))
            }
            #expect(other?.description.contains("other family") == true)
            let absent = #expect(throws: NetlinkError.self) {
                try network.add(try Self.route("198.51.100.0/24", via: nil, 999, table: 100))
            }
            #expect(absent?.isAlreadyAbsent == true)
        }
    }

    @Test("a small table is listed at once on a host with many routes elsewhere")
    func manyRoutes() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            let script = """
                seq 0 49999 | awk '{ printf "route add 100.%d.%d.%d via 10.0.0.9\\n", $1 / 256 % 256, $1 % 256, $1 / 65536 }' \
                    | ip -batch -
                """
            let filled = try Command.run(["sh", "-c", script])
            #expect(filled.status == 0, "\(filled.text)")
            let own = try Self.route("0.0.0.0/0", via: "10.0.0.9", eth0, table: 100)
            try network.add(own)
            let clock = ContinuousClock()
            var listed: [Route] = []
            let small = try clock.measure { listed = try network.routes(table: 100) }
            #expect(listed == [own])
            var count = 0
            let large = try clock.measure { count = try network.routes(table: 254).count }
            #expect(count >= 50_000)
            #expect(small * 20 < large, "\(small) against \(large)")
        }
    }

    @Test("a look-up says where a packet goes, by which table, and with which limits")
    func lookUp() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            let address = { (text: String) throws -> IPAddress in try #require(IPAddress(text)) }
            for line in [
                "ip addr add 192.0.2.10/32 dev lo",
                "ip route add default via 10.0.0.8",
                "ip route add default via 10.0.0.9 table 100 mtu 1400 advmss 1360",
                "ip rule add from 192.0.2.10 ipproto tcp sport 80 lookup 100 priority 1000",
                "ip route add unreachable 198.51.100.1", "ip route add prohibit 198.51.100.2",
                "ip route add blackhole 198.51.100.3",
                "ip -6 route add 2001:db8::/64 via fd00::9",
            ] { try Command.require(line) }
            let client = try address("203.0.113.1")
            let gateway = try address("10.0.0.8")
            let other = try address("10.0.0.9")
            let gateway6 = try address("fd00::9")
            let own = try address("10.0.0.1")
            let vip = try address("192.0.2.10")

            let plain = try network.lookUp(destination: client)
            #expect(plain.outcome == .unicast && plain.interface == eth0 && plain.table == 254)
            #expect(plain.gateway == gateway)
            #expect(plain.preferredSource == own && plain.mtu == nil)

            let answer = try network.lookUp(destination: client, source: vip, transport: 6, sourcePort: 80)
            #expect(answer.outcome == .unicast && answer.table == 100 && answer.mtu == 1400)
            #expect(answer.gateway == other && answer.advertisedSegmentSize == 1360)
            #expect(try network.lookUp(destination: client, source: vip, transport: 6, sourcePort: 81).table == 254)

            #expect(try network.lookUp(destination: vip, source: client, incoming: eth0).outcome == .local)
            #expect(try network.lookUp(destination: address("198.51.100.1")).outcome == .unreachable)
            #expect(try network.lookUp(destination: address("198.51.100.2")).outcome == .prohibited)
            #expect(try network.lookUp(destination: address("198.51.100.3")).outcome == .discarded)
            #expect(try network.lookUp(destination: address("10.0.0.255")).outcome == .broadcast)
            let foreign = try address("198.51.100.77")
            #expect(try network.lookUp(destination: client, source: foreign).outcome != .unicast)

            let six = try network.lookUp(destination: address("2001:db8::7"))
            #expect(six.outcome == .unicast && six.gateway == gateway6 && six.interface == eth0)
            // The kernel makes the route to an IPv6 address of its own a moment after the address (`addrconf_dad_work`).
            let own6 = try address("fd00::1")
            try Deadline.block(until: "fd00::1 is local") { try network.lookUp(destination: own6).outcome == .local }
            #expect(try network.lookUp(destination: address("2001:db8:ffff::1")).outcome == .unreachable)

            let absent = #expect(throws: NetlinkError.self) {
                try network.lookUp(destination: vip, source: client, incoming: 999)
            }
            #expect(absent?.isAlreadyAbsent == true)
            // The same socket goes on working after all this.
            #expect(try network.routes(table: 100).count == 1)
        }
    }

    @Test("rp_filter refuses a packet whose way back leads elsewhere")
    func reversePath() throws {
        try FreshNamespace.run {
            let network = try Network()
            let eth0 = try Self.wire(network)
            try Command.require("ip link add eth1 type veth peer name peer1")
            for name in ["eth1", "peer1"] { try Command.require("ip link set \(name) up") }
            try Command.require("ip addr add 10.0.1.1/24 dev eth1")
            let eth1 = try #require(try network.links().first { $0.name == "eth1" }).index
            let own = try #require(IPAddress("10.0.0.1"))
            let neighbor = try #require(IPAddress("10.0.0.7"))
            try Sysctl.set("net.ipv4.conf.all.rp_filter=0")
            for mode in ["0", "1", "2"] {
                try Sysctl.set("net.ipv4.conf.eth1.rp_filter=\(mode)")
                let outcome = try network.lookUp(destination: own, source: neighbor, incoming: eth1).outcome
                if mode == "1" {
                    #expect(outcome == .wrongInterface || outcome == .discarded, "\(outcome)")
                } else {
                    #expect(outcome == .local, "rp_filter \(mode)")
                }
            }
            #expect(try network.lookUp(destination: own, source: neighbor, incoming: eth0).outcome == .local)
        }
    }
}
