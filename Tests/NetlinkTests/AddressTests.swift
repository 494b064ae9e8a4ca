import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Addresses in full, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct AddressTests {
    private static let forms: [(InterfaceAddress, shown: String)] = {
        let v4 = Prefix(host: .v4(IPv4Address(192, 0, 2, 10)))
        let v6 = Prefix(host: .v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 0x10)))
        return [
            (InterfaceAddress(interface: 1, prefix: v4, label: "lo:rs"), "inet 192.0.2.10/32 scope global lo:rs"),
            (
                InterfaceAddress(interface: 1, prefix: v4, label: "lo:rs", isHostScope: true),
                "inet 192.0.2.10/32 scope host lo:rs"
            ),
            (
                InterfaceAddress(interface: 1, prefix: v4, label: "lo:rs", isHostScope: true, isDeprecated: true),
                "inet 192.0.2.10/32 scope host deprecated lo:rs"
            ),
            (InterfaceAddress(interface: 1, prefix: v6), "inet6 2001:db8::10/128 scope global nodad"),
            (
                InterfaceAddress(interface: 1, prefix: v6, isDeprecated: true),
                "inet6 2001:db8::10/128 scope global nodad deprecated valid_lft forever preferred_lft 0sec"
            ),
        ]
    }()

    @Test("an address is shown by ip, listed, and removed as it was asked for", arguments: 0..<5)
    func forms(_ number: Int) throws {
        let (address, shown) = Self.forms[number]
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            let network = try Network()
            try network.add(address, interfaceName: "lo")
            let text = try words("ip addr show dev lo")
            #expect(text.contains(shown), "\(text)")
            #expect(try network.addresses().contains(address))
            let twice = #expect(throws: NetlinkError.self) { try network.add(address, interfaceName: "lo") }
            #expect(twice?.isAlreadyPresent == true)
            try network.remove(address, interfaceName: "lo")
            #expect(try !words("ip addr show dev lo").contains("\(address.prefix.address)"))
            let gone = #expect(throws: NetlinkError.self) { try network.remove(address, interfaceName: "lo") }
            #expect(gone?.isAlreadyAbsent == true)
        }
    }

    @Test("an IPv6 address on a wire is usable at once; one in duplicate address detection is tentative")
    func tentative() throws {
        try FreshNamespace.run {
            try Command.require("ip link add eth0 type veth peer name peer0")
            for name in ["eth0", "peer0"] { try Command.require("ip link set \(name) up") }
            let network = try Network()
            let link = try #require(try network.links().first { $0.name == "eth0" })
            let ours = try #require(Prefix("fd00::1/64"))
            try network.add(InterfaceAddress(interface: link.index, prefix: ours), interfaceName: "eth0")
            try Command.require("ip addr add fd00::2/64 dev eth0")
            let listed = try network.addresses().filter { $0.interface == link.index }
            #expect(listed.first { $0.prefix == ours }?.isTentative == false)
            #expect(listed.first { $0.prefix == Prefix("fd00::2/64") }?.isTentative == true)
        }
    }

    @Test("the loopback's own addresses have scope host; a second address of a network is secondary")
    func kernelsOwn() throws {
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip addr add 10.0.0.1/24 dev lo")
            try Command.require("ip addr add 10.0.0.2/24 dev lo")
            let listed = try Network().addresses()
            #expect(listed.first { $0.prefix == Prefix("127.0.0.1/8") }?.isHostScope == true)
            #expect(listed.first { $0.prefix == Prefix("::1/128") }?.isHostScope == true)
            #expect(listed.first { $0.prefix == Prefix("10.0.0.1/24") }?.isSecondary == false)
            #expect(listed.first { $0.prefix == Prefix("10.0.0.2/24") }?.isSecondary == true)
        }
    }
}

/// What a command prints, on one line with single spaces.
func words(_ command: String) throws -> String {
    try Command.require(command).output.split { " \n\t".contains($0) }.joined(separator: " ")
}
