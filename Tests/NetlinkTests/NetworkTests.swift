import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Network, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct NetworkTests {
    private let vip = IPv4Address(192, 0, 2, 10)

    @Test("interfaces come with their kind, master, MAC and ARP settings, also those with dots in the name")
    func links() throws {
        let links = try FreshNamespace.run {
            try Command.require("ip link add br0 type bridge")
            try Command.require("ip link add eth0.5 address 02:00:00:00:00:05 type veth peer name peer0")
            try Command.require("ip link set eth0.5 master br0 up")
            try Sysctl.set("net/ipv4/conf/eth0.5/arp_ignore=3")
            try Sysctl.set("net/ipv4/conf/eth0.5/arp_announce=1")
            try Sysctl.set("net/ipv4/conf/eth0.5/rp_filter=2")
            return try Network().links()
        }
        #expect(links.map(\.name).sorted() == ["br0", "eth0.5", "lo", "peer0"])
        let bridge = try #require(links.first { $0.name == "br0" })
        let port = try #require(links.first { $0.name == "eth0.5" })
        #expect(bridge.kind == "bridge" && bridge.master == nil && !bridge.isUp)
        #expect(port.kind == "veth" && port.master == bridge.index && port.isUp)
        #expect(port.hardwareAddress == MACAddress("02:00:00:00:00:05"))
        #expect(port.ipv4 == Link.IPv4Settings(arpIgnore: 3, arpAnnounce: 1, reversePathFilter: 2))
        #expect(links.first { $0.name == "lo" }?.isLoopback == true)
    }

    @Test("an address is added with its label, listed, refused a second time, and removed once")
    func addresses() throws {
        let vip = vip
        try FreshNamespace.run {
            let network = try Network()
            let address = InterfaceAddress(interface: 1, prefix: Prefix(host: .v4(vip)), label: "lo:rsagent")
            try network.add(address, interfaceName: "lo")
            #expect(try network.addresses().contains(address))
            #expect(try Command.require("ip addr show dev lo").output.contains("192.0.2.10/32 scope global lo:rsagent"))
            let twice = #expect(throws: NetlinkError.self) { try network.add(address, interfaceName: "lo") }
            #expect(twice?.isAlreadyPresent == true)
            #expect(twice?.description.contains("192.0.2.10/32 to lo") == true)
            try network.remove(address, interfaceName: "lo")
            #expect(try !network.addresses().contains { $0.prefix.address == .v4(vip) })
            let gone = #expect(throws: NetlinkError.self) { try network.remove(address, interfaceName: "lo") }
            #expect(gone?.isAlreadyAbsent == true)
        }
    }

    @Test("one setting of one interface changes, and nothing else of it")
    func settings() throws {
        try FreshNamespace.run {
            try Command.require("ip link add eth0 mtu 1400 type veth peer name peer0")
            let before = try Command.require("ip -d link show eth0").output
            let sysctls = try Command.require("grep -rs . /proc/sys/net/ipv4/conf/eth0").output
            let network = try Network()
            let link = try #require(try network.links().first { $0.name == "eth0" })
            try network.set(.arpIgnore, to: 1, interface: link.index, interfaceName: link.name)
            #expect(
                try Command.require("grep -rs . /proc/sys/net/ipv4/conf/eth0").output
                    == sysctls.replacing("eth0/arp_ignore:0", with: "eth0/arp_ignore:1"))
            #expect(try Command.require("ip -d link show eth0").output == before)
            let absent = #expect(throws: NetlinkError.self) {
                try network.set(.arpIgnore, to: 1, interface: 999, interfaceName: "gone0")
            }
            #expect(absent?.isAlreadyAbsent == true)
        }
    }

    @Test("the default route with the lowest metric names the interface; none is not an error")
    func defaultRoute() throws {
        try FreshNamespace.run {
            #expect(try Network().defaultRouteInterface() == nil)
            try Command.require("ip link add eth0 type veth peer name eth1")
            for name in ["eth0", "eth1"] { try Command.require("ip link set \(name) up") }
            try Command.require("ip addr add 10.0.0.1/24 dev eth0")
            try Command.require("ip addr add 10.0.1.1/24 dev eth1")
            try Command.require("ip route add default via 10.0.0.2 metric 200")
            try Command.require("ip route add default via 10.0.1.2 metric 100")
            try Command.require("ip route add default via 10.0.0.2 metric 1 table 100")
            try Command.require("ip route add unreachable default metric 2")
            let links = try Network().links()
            #expect(try Network().defaultRouteInterface() == links.first { $0.name == "eth1" }?.index)
            #expect(try Network().defaultRouteInterface(isIPv6: true) == nil)
            try Command.require("ip addr add fd00::1/64 dev eth0 nodad")
            try Command.require("ip -6 route add default via fd00::2")
            #expect(
                try Network().defaultRouteInterface(isIPv6: true) == links.first { $0.name == "eth0" }?.index)
        }
    }
}
