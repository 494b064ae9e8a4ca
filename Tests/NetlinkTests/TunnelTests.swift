import Glibc
import Lab
import NetworkAddress
import Testing

@testable import Netlink

@Suite("Devices made by rtnetlink, in a namespace of their own", .enabled(if: FreshNamespace.isAvailable))
struct TunnelTests {
    @Test("a pair joins two namespaces, is set up without another bit changing, and goes whole")
    func pair() throws {
        try FreshNamespace.run {
            let here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
            defer { close(here) }
            // The peer's end: made from in there, so that this one is the one that was moved.
            try FreshNamespace.run {
                let network = try Network()
                try network.addPair(name: "probe0", peer: "eth0", peerNamespace: here)
                #expect(try network.links().map(\.name).filter { $0 == "probe0" || $0 == "eth0" } == ["probe0"])
                let twice = #expect(throws: NetlinkError.self) {
                    try network.addPair(name: "probe0", peer: "eth1", peerNamespace: here)
                }
                #expect(twice?.isAlreadyPresent == true && twice?.description.contains("probe0 and eth1") == true)
                let taken = #expect(throws: NetlinkError.self) {
                    try network.addPair(name: "probe1", peer: "eth0", peerNamespace: here)
                }
                #expect(taken?.isAlreadyPresent == true)
                #expect(try !network.links().contains { $0.name == "probe1" }, "half a pair was left")

                let link = try #require(try network.links().first { $0.name == "probe0" })
                #expect(!link.isUp && link.kind == "veth" && link.tunnel == nil)
                try Command.require("ip link set probe0 arp off promisc on")
                try network.setUp(true, interface: link.index, interfaceName: link.name)
                let flags = try Command.require("ip link show probe0").output
                for flag in ["NOARP", "PROMISC", "UP"] { #expect(flags.contains(flag), "\(flags)") }
                try network.setUp(false, interface: link.index, interfaceName: link.name)
                let after = try #require(try network.links().first { $0.name == "probe0" })
                #expect(!after.isUp && after.isARPDisabled)

                try network.removeLink(index: link.index, name: link.name)
                #expect(try !network.links().contains { $0.name == "probe0" })
                let gone = #expect(throws: NetlinkError.self) {
                    try network.removeLink(index: link.index, name: link.name)
                }
                #expect(gone?.isAlreadyAbsent == true && gone?.description.contains("probe0") == true)
                let down = #expect(throws: NetlinkError.self) {
                    try network.setUp(true, interface: link.index, interfaceName: link.name)
                }
                #expect(down?.isAlreadyAbsent == true)
            }
            #expect(try !Network().links().contains { $0.name == "eth0" })
        }
    }

    @Test("rp_filter is read from the interface, not from conf.all")
    func reversePathFilter() throws {
        let settings = try FreshNamespace.run {
            try Command.require("ip link add eth0 type veth peer name peer0")
            try Sysctl.set("net.ipv4.conf.all.rp_filter=1")
            try Sysctl.set("net.ipv4.conf.eth0.rp_filter=2")
            try Sysctl.set("net.ipv4.conf.peer0.rp_filter=0")
            return try Network().links().filter { $0.name.hasSuffix("0") }.map { ($0.name, $0.ipv4?.reversePathFilter) }
        }
        #expect(settings.first { $0.0 == "eth0" }?.1 == 2)
        #expect(settings.first { $0.0 == "peer0" }?.1 == 0)
    }

    @Test("a kind is made, or refused as one this kernel does not have", arguments: Tunnel.Kind.allCases)
    func kinds(kind: Tunnel.Kind) throws {
        try FreshNamespace.run {
            let tunnel = Tunnel(
                kind: kind, local: nil, remote: nil, innerProtocol: kind == .sit ? 41 : 0, key: kind.key)
            let network = try Network()
            do {
                try network.addTunnel(tunnel, name: "rsagent0")
                #expect(try network.links().first { $0.name == "rsagent0" }?.tunnel == tunnel)
            } catch let error as NetlinkError {
                #expect(error.isUnsupported, "\(error)")
                let text = "add the \(kind.rawValue) device rsagent0, which takes the kernel module \(kind.module): "
                #expect(error.description.hasPrefix(text), "\(error)")
            }
        }
    }

    @Test("an address of the wrong family is refused before the kernel is asked", arguments: Tunnel.Kind.allCases)
    func family(kind: Tunnel.Kind) throws {
        let isIPv6 = kind == .ip6tnl || kind == .ip6gre
        let wrong: IPAddress = isIPv6 ? .v4(IPv4Address(10, 0, 0, 1)) : .v6(IPv6Address(high: 1, low: 1))
        try FreshNamespace.run {
            let error = #expect(throws: NetlinkError.self) {
                try Network().addTunnel(Tunnel(kind: kind, local: wrong, innerProtocol: 0), name: "rsagent0")
            }
            #expect(error?.isUnsupported == false && error?.isAlreadyPresent == false)
        }
    }
}

extension Tunnel.Kind {
    /// GRE's devices without ends need a key: a second one that takes all would be the fallback device again.
    fileprivate var key: UInt32? { self == .gre || self == .ip6gre ? 42 : nil }
}

@Suite("Netlink attributes")
struct NetlinkAttributesTests {
    @Test("numbers, text, addresses and nests are read by type, and an absent one is nil")
    func reading() {
        let attributes = NetlinkAttributes(
            // A header of 2 bytes, padded; u32; "ab" with NUL; IPv4; a nest, flagged as one, that holds a u8.
            [9, 9, 0, 0] + [8, 0, 1, 0, 1, 2, 3, 4] + [7, 0, 2, 0, 97, 98, 0, 0] + [8, 0, 3, 0, 192, 0, 2, 10]
                + [12, 0, 4, 0x80] + [5, 0, 1, 0, 7, 0, 0, 0],
            behind: 2)
        #expect(attributes.number(1, as: UInt32.self) == 0x0403_0201)
        #expect(attributes.number(1, as: UInt64.self) == nil, "too short")
        #expect(attributes.string(2) == "ab")
        #expect(attributes.address(3) == .v4(IPv4Address(192, 0, 2, 10)))
        #expect(attributes.address(2) == nil)
        #expect(attributes.nested(4).number(1, as: UInt8.self) == 7)
        #expect(attributes[5] == nil && attributes.nested(5)[1] == nil)
    }

    @Test(
        "lengths that do not fit end the list",
        arguments: [[], [8], [8, 0, 1, 0], [3, 0, 1, 0, 1, 2, 3, 4], [0, 0, 1, 0], [12, 0, 1, 0, 1, 2, 3, 4]])
    func malformed(bytes: [UInt8]) {
        #expect(NetlinkAttributes(bytes, behind: 0)[1] == nil)
        #expect(NetlinkAttributes(bytes, behind: 40)[1] == nil)
    }

    @Test("no message, however cut or changed, is more than a link that is not there")
    func fuzz() throws {
        var random = SplitMix(state: 42)
        var parsed = 0
        for _ in 0..<20_000 {
            var payload = Self.message
            for _ in 0..<random.below(4) { payload[random.below(payload.count)] = UInt8(random.below(256)) }
            payload.removeLast(random.below(3) == 0 ? random.below(payload.count) : 0)
            if Network.link(payload) != nil { parsed += 1 }
        }
        #expect(parsed > 1000, "the messages are too broken to try the parser")
        let link = try #require(Network.link(Self.message))
        #expect(link.name == "t" && link.index == 7 && link.mtu == 1480 && link.ipv4 == nil)
        #expect(
            link.tunnel
                == Tunnel(kind: .gre, local: .v4(IPv4Address(10, 0, 0, 2)), innerProtocol: 0, key: 0x0102_0304))
    }

    /// An RTM_NEWLINK of a GRE device: ifinfomsg, name, MTU, and its kind with local, remote any, iflags and ikey.
    private static let message: [UInt8] =
        [0, 0, 10, 3] + [7, 0, 0, 0] + [0x80, 0, 0, 0] + [0, 0, 0, 0]
        + [6, 0, 3, 0, 116, 0, 0, 0] + [8, 0, 4, 0, 0xC8, 5, 0, 0]
        + [52, 0, 18, 0] + [8, 0, 1, 0, 103, 114, 101, 0]
        + [40, 0, 2, 0] + [8, 0, 6, 0, 10, 0, 0, 2] + [8, 0, 7, 0, 0, 0, 0, 0] + [6, 0, 2, 0, 0x20, 0, 0, 0]
        + [8, 0, 4, 0, 1, 2, 3, 4] + [4, 0, 13, 0]
}

/// The same numbers on every run (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
private struct SplitMix {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(max(limit, 1)))
    }
}
