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
            ])
    }

    static func check(
        _ interfaces: [String] = ["eth0"], vip: String = "192.0.2.10", server: String = "10.0.0.11",
        capabilities: UInt64 = capable
    ) throws -> [HostInterface] {
        let configuration = DirectorConfiguration(
            interfaces: interfaces,
            services: [
                .init(
                    name: "web", vips: [try #require(IPAddress(vip))], port: 80,
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
        #expect(interfaces[0].source(for: IPv4Address(10, 0, 0, 11)) == IPv4Address(10, 0, 0, 1))
        #expect(interfaces[0].source(for: IPv4Address(10, 1, 0, 11)) == nil)
        #expect(interfaces[1].source(for: IPv4Address(10, 1, 0, 11)) == IPv4Address(10, 1, 0, 1))
        #expect(interfaces[1].source(for: IPv4Address(198, 51, 100, 7)) == nil, "a /32 has no neighbours")
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

    @Test(
        "IPv6 is refused as what this version does not do",
        arguments: [("2001:db8::1", "10.0.0.11"), ("192.0.2.10", "2001:db8::2")])
    func ipv6(vip: String, server: String) {
        #expect(Self.refusal { try Self.check(vip: vip, server: server) }.contains("IPv4 only"))
    }
}
