internal import ConfigurationFile
internal import NetworkAddress
internal import Testing

@testable internal import Director
@testable internal import Netlink

@Suite("what is refused before anything is touched")
struct PreflightTests {
    static let capable: UInt64 = 1 << 12 | 1 << 13

    static func link(_ index: Int32, _ name: String, isLoopback: Bool = false) -> Link {
        Link(
            index: index, name: name, isUp: true, isLoopback: isLoopback, isARPDisabled: false, kind: nil, master: nil,
            hardwareAddress: isLoopback ? nil : MACAddress(rawValue: 0x0200_0000_0001), mtu: 1500, ipv4: nil)
    }

    static func address(_ index: Int32, _ text: String, isSecondary: Bool = false) throws -> InterfaceAddress {
        InterfaceAddress(interface: index, prefix: try #require(Prefix(text)), isSecondary: isSecondary)
    }

    static func host() throws -> HostNetwork {
        HostNetwork(
            links: [link(1, "lo", isLoopback: true), link(2, "eth0"), link(3, "eth1")],
            addresses: [
                try address(1, "127.0.0.1/8"), try address(2, "10.0.0.9/24", isSecondary: true),
                try address(2, "10.0.0.1/24"), try address(3, "10.1.0.1/24"), try address(3, "198.51.100.7/32"),
                try address(2, "fe80::1/64"), try address(2, "2001:db8::1/64"), try address(3, "2001:db8:1::7/128"),
            ],
            routes: [
                try #require(IPAddress("10.20.0.11")): RouteLookup(
                    outcome: .unicast, interface: 2, gateway: IPAddress("10.0.0.254"), mtu: 1400),
                try #require(IPAddress("10.20.0.12")): RouteLookup(
                    outcome: .unicast, interface: 2, gateway: IPAddress("fe80::ff")),
                try #require(IPAddress("10.20.0.13")): RouteLookup(
                    outcome: .unicast, interface: 2, preferredSource: IPAddress("10.0.0.1"), mtu: 9000),
                try #require(IPAddress("10.20.0.14")): RouteLookup(outcome: .unreachable),
                try #require(IPAddress("2001:db8:9::11")): RouteLookup(
                    outcome: .unicast, interface: 3, gateway: IPAddress("fe80::fe"),
                    preferredSource: IPAddress("2001:db8:1::7")),
            ])
    }

    /// Of the main table.
    static func routes() throws -> [Route] {
        let route = { (network: String, gateway: String?, interface: Int32, metric: UInt32) throws in
            Route(
                destination: try #require(Prefix(network)), gateway: gateway.flatMap { IPAddress($0) },
                interface: interface, table: 254, metric: metric)
        }
        return [
            try route("0.0.0.0/0", "10.0.0.254", 2, 100), try route("10.0.0.0/24", nil, 2, 0),
            try route("0.0.0.0/0", "10.1.0.254", 3, 0), try route("172.17.0.0/16", nil, 9, 0),
            try route("2001:db8::/64", nil, 2, 256), try route("fe80::/64", nil, 2, 256),
            try route("::/0", "fe80::fe", 2, 1024),
        ]
    }

    static func check(
        _ interfaces: [String] = ["eth0"], vip: String = "192.0.2.10", server: String = "10.0.0.11",
        forward: ForwardingMethod = .dr, capabilities: UInt64 = capable
    ) throws -> [HostInterface] {
        let configuration = DirectorConfiguration(
            interfaces: interfaces,
            services: [
                .init(
                    name: "web", vips: [try #require(IPAddress(vip))], port: 80, forward: forward,
                    servers: [.init(address: try #require(IPAddress(server)), agent: nil)])
            ])
        return try Preflight(configuration: configuration, host: try host(), capabilities: capabilities).check()
    }

    static func refusal(_ body: () throws -> [HostInterface]) -> String {
        do {
            _ = try body()
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test("what is sound is accepted, and servers are asked for as the primary address")
    func sound() throws {
        let interfaces = try Self.check(["eth0", "eth1"])
        #expect(interfaces.map(\.name) == ["eth0", "eth1"])
        let source = { (index: Int, neighbor: String) in
            IPAddress(neighbor).flatMap { interfaces[index].source(for: $0) }?.description
        }
        #expect(source(0, "10.0.0.11") == "10.0.0.1")
        #expect(source(0, "10.1.0.11") == nil)
        #expect(source(1, "10.1.0.11") == "10.1.0.1")
        #expect(source(1, "198.51.100.7") == nil, "a /32 has no neighbours")
        #expect(source(0, "2001:db8::11") == "2001:db8::1")
        #expect(source(0, "fe80::11") == "fe80::1")
        #expect(source(1, "2001:db8:1::7") == nil, "a /128 has no neighbours")
    }

    @Test("a missing capability is named, and only that")
    func capabilities() {
        let noRaw = Self.refusal { try Self.check(capabilities: 1 << 12) }
        #expect(noRaw.contains("CAP_NET_RAW") && !noRaw.contains("CAP_NET_ADMIN"))
        let none = Self.refusal { try Self.check(capabilities: 0) }
        #expect(none.contains("CAP_NET_RAW") && none.contains("CAP_NET_ADMIN"))
    }

    @Test("an interface that is not there is named with those that are")
    func unknownInterface() {
        let text = Self.refusal { try Self.check(["eth0", "eth7"]) }
        #expect(text.contains("eth7") && text.contains("lo, eth0, eth1"))
        #expect(Self.refusal { try Self.check(["lo"]) }.contains("lo: it is not Ethernet"))
    }

    @Test("a VIP on this host is refused with the command that removes it")
    func vipHere() {
        let text = Self.refusal { try Self.check(vip: "198.51.100.7") }
        #expect(text.contains("`ip addr del 198.51.100.7/32 dev eth1`"))
    }

    @Test("a server that is not on an interface's segment is refused with the networks there are")
    func offLink() {
        let text = Self.refusal { try Self.check(server: "10.1.0.11") }
        #expect(text.contains("10.1.0.11") && text.contains("eth0: 10.0.0.1/24"))
        #expect(Self.refusal { try Self.check(["eth0", "eth1"], server: "10.1.0.11") } == "accepted")
    }

    @Test("the director is no server of its own")
    func selfAsServer() {
        #expect(Self.refusal { try Self.check(server: "10.0.0.1") }.contains("this host itself (eth0)"))
    }

    @Test("IPv6 is judged by the same rules")
    func ipv6() {
        #expect(Self.refusal { try Self.check(vip: "2001:db8::10", server: "2001:db8::11") } == "accepted")
        #expect(
            Self.refusal { try Self.check(vip: "2001:db8:1::7", server: "2001:db8::11") }
                .contains("`ip addr del 2001:db8:1::7/128 dev eth1`"))
        #expect(
            Self.refusal { try Self.check(vip: "2001:db8::10", server: "2001:db8::1") }
                .contains("this host itself (eth0)"))
        let text = Self.refusal { try Self.check(["eth1"], vip: "2001:db8::10", server: "2001:db8::11") }
        #expect(text.contains("eth1: no IPv6 network"))
    }

    @Test("a server behind a router can be reached by tunnel and translation, not by direct routing")
    func routed() {
        let server = "10.20.0.11"
        #expect(Self.refusal { try Self.check(server: server, forward: .nat) } == "accepted")
        #expect(Self.refusal { try Self.check(server: server, forward: .tun) } == "accepted")
        #expect(Self.refusal { try Self.check(server: server) }.contains("direct routing reaches servers on"))
        let elsewhere = Self.refusal { try Self.check(["eth1"], server: server, forward: .nat) }
        #expect(elsewhere.contains("no route leads there by way of these interfaces"))
        #expect(Self.refusal { try Self.check(server: "10.20.0.14", forward: .nat) }.contains("no route leads there"))
        #expect(Self.refusal { try Self.check(server: "10.20.0.13") } == "accepted", "a route may say it is on link")
    }

    @Test("packets go to the server itself on link, to the router otherwise, as an address of the neighbour's family")
    func nextHops() throws {
        let host = try Self.host()
        let hop = { (name: String, server: String) throws in
            let interface = try #require(host.interface(name))
            return host.nextHop(to: try #require(IPAddress(server)), by: interface)
        }
        let expected = { (neighbor: String, source: String, mtu: Int) throws in
            NextHop(
                neighbor: try #require(IPAddress(neighbor)), source: try #require(IPAddress(source)), mtu: mtu)
        }
        #expect(try hop("eth0", "10.0.0.11") == expected("10.0.0.11", "10.0.0.1", 1500))
        #expect(try hop("eth0", "10.20.0.11") == expected("10.0.0.254", "10.0.0.1", 1400))
        #expect(try hop("eth0", "10.20.0.12") == expected("fe80::ff", "fe80::1", 1500), "RFC 5549")
        #expect(try hop("eth0", "10.20.0.13") == expected("10.20.0.13", "10.0.0.1", 1500))
        #expect(try hop("eth0", "10.20.0.14") == nil)
        #expect(try hop("eth1", "10.20.0.11") == nil)
        #expect(try hop("eth1", "2001:db8:9::11") == expected("fe80::fe", "2001:db8:1::7", 1500))
    }

    static func checkOutbound(
        _ interfaces: [String] = ["eth0", "eth1"], source: String = "10.0.0.0/24", address: String = "203.0.113.5",
        routes: [Route]
    ) throws -> [HostInterface] {
        var host = try host()
        host.table = routes
        let rule = DirectorConfiguration.Outbound(
            sources: [try #require(Prefix(source))], address: try #require(IPAddress(address)))
        let configuration = DirectorConfiguration(
            interfaces: interfaces,
            services: [
                .init(
                    name: "web", vips: [try #require(IPAddress("192.0.2.10"))], port: 80,
                    servers: [.init(address: try #require(IPAddress("10.0.0.11")), agent: nil)])
            ], outbound: [rule])
        return try Preflight(configuration: configuration, host: host, capabilities: capable).check()
    }

    @Test("source NAT needs an address of nobody's here, a way to the servers, and one to the world")
    func outbound() throws {
        let routes = try Self.routes()
        #expect(Self.refusal { try Self.checkOutbound(routes: routes) } == "accepted")
        let own = Self.refusal { try Self.checkOutbound(address: "198.51.100.7", routes: routes) }
        #expect(own.contains("outbound address 198.51.100.7") && own.contains("`ip addr del 198.51.100.7/32 dev eth1`"))
        let closed = routes.filter { $0.gateway == nil }
        #expect(Self.refusal { try Self.checkOutbound(routes: closed) }.contains("no route leads out"))
        let elsewhere = Self.refusal { try Self.checkOutbound(source: "10.9.0.0/24", routes: closed) }
        #expect(elsewhere.contains("outbound source 10.9.0.0/24") && elsewhere.contains("eth0, eth1"))
        // IPv6 beside it has ways of its own: one of IPv4 is none.
        let v6 = { (routes: [Route]) in
            Self.refusal {
                try Self.checkOutbound(source: "2001:db8::/64", address: "2001:db8:5::5", routes: routes)
            }
        }
        #expect(v6(routes) == "accepted")
        #expect(
            v6(routes.filter { $0.destination.length > 0 || $0.destination.address.v4 != nil }).contains(
                "no route leads out"))
        let world = try (0..<1001).map { number in
            Route(
                destination: try #require(Prefix("100.64.\(number / 256).\(number % 256)/32")), gateway: nil,
                interface: 2, table: 254)
        }
        #expect(Self.refusal { try Self.checkOutbound(routes: routes + world) }.contains("1005 routes"))
        #expect(v6(routes + world) == "accepted", "none of them is gone through for it")
    }

    @Test("an address that may turn out to be another's is the last one to ask as")
    func tentative() throws {
        var tentative = try Self.address(2, "2001:db8::1/64")
        tentative.isTentative = true
        let host = HostNetwork(
            links: [Self.link(2, "eth0")], addresses: [tentative, try Self.address(2, "2001:db8::2/64")])
        let server = try #require(IPAddress("2001:db8::11"))
        #expect(host.interface("eth0")?.source(for: server)?.description == "2001:db8::2")
    }
}
