import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Neighbours, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct NeighborTests {
    @Test("neighbours come with their hardware address, of the asked interface only; proxies are apart")
    func neighbors() throws {
        try FreshNamespace.run {
            for number in 0...1 {
                try Command.require("ip link add eth\(number) type veth peer name peer\(number)")
                for name in ["eth\(number)", "peer\(number)"] { try Command.require("ip link set \(name) up") }
                try Command.require("ip neigh add 10.0.\(number).2 lladdr 02:00:00:00:00:0\(number) dev eth\(number)")
                try Command.require("ip neigh add fd00::1\(number) lladdr 02:00:00:00:06:0\(number) dev eth\(number)")
            }
            try Command.require("ip neigh add 10.0.0.3 dev eth0 nud failed")
            try Command.require("ip neigh add 10.0.0.4 lladdr 02:00:00:00:00:04 dev eth0 nud noarp")
            try Command.require("ip neigh add proxy 192.0.2.10 dev eth0")
            try Command.require("ip neigh add proxy 2001:db8::10 dev eth1")
            let network = try Network()
            let links = try network.links()
            let eth0 = try #require(links.first { $0.name == "eth0" }).index
            let eth1 = try #require(links.first { $0.name == "eth1" }).index
            let address = { (text: String) throws -> IPAddress in try #require(IPAddress(text)) }
            #expect(
                Set(try network.neighbors(interface: eth0)) == [
                    Neighbor(
                        address: try address("10.0.0.2"), interface: eth0,
                        hardwareAddress: MACAddress("02:00:00:00:00:00")),
                    Neighbor(
                        address: try address("fd00::10"), interface: eth0,
                        hardwareAddress: MACAddress("02:00:00:00:06:00")),
                ])
            #expect(try network.neighbors(interface: eth1).count == 2)
            #expect(
                Set(try network.neighborProxies()) == [
                    Neighbor(
                        address: try address("192.0.2.10"), interface: eth0, hardwareAddress: nil, isProxy: true),
                    Neighbor(
                        address: try address("2001:db8::10"), interface: eth1, hardwareAddress: nil, isProxy: true),
                ])
        }
    }
}
