import Glibc
import Lab
import NetworkAddress
import Netlink
import Testing

extension TheKernelLab {
    /// Tunnel devices as `Netlink` makes, reads and removes them: judged by `ip`, and by packets that arrive.
    @Suite("Tunnels")
    struct TunnelTests {
        private static let rip: IPAddress = .v4(Segment.rip)
        private static let rip6: IPAddress = .v6(Segment.rip6)
        private static let dip: IPAddress = .v4(Segment.dip)
        private static let dip6: IPAddress = .v6(Segment.dip6)

        /// What is made, and how `ip` makes the same.
        static let twins: [(tunnel: Tunnel, command: String)] = [
            (Tunnel(kind: .ipip, local: rip, innerProtocol: 4), "ipip mode ipip local 10.0.0.2 remote any"),
            (Tunnel(kind: .sit, local: rip, innerProtocol: 41), "sit mode ip6ip local 10.0.0.2 remote any"),
            (
                Tunnel(kind: .ip6tnl, local: rip6, innerProtocol: 0),
                "ip6tnl mode any local fd00::2 remote any encaplimit none hoplimit 0"
            ),
            (Tunnel(kind: .gre, local: rip, innerProtocol: 0), "gre local 10.0.0.2 remote any"),
            (
                Tunnel(kind: .ip6gre, local: rip6, innerProtocol: 0),
                "ip6gre local fd00::2 remote any encaplimit none hoplimit 0"
            ),
            (
                Tunnel(kind: .ipip, local: rip, remote: dip, innerProtocol: 0),
                "ipip mode any local 10.0.0.2 remote 10.0.0.1"
            ),
            (
                Tunnel(kind: .gre, local: rip, innerProtocol: 0, key: 0x0102_0304),
                "gre local 10.0.0.2 remote any key 1.2.3.4"
            ),
            (
                Tunnel(kind: .ip6gre, local: rip6, innerProtocol: 0, key: 7),
                "ip6gre local fd00::2 remote any key 7 encaplimit none hoplimit 0"
            ),
            (Tunnel(kind: .ipip, local: nil, isExternal: true, innerProtocol: 4), "ipip mode ipip external"),
            (Tunnel(kind: .ip6tnl, local: nil, isExternal: true, innerProtocol: 0), "ip6tnl mode any external"),
            (Tunnel(kind: .gre, local: nil, isExternal: true, innerProtocol: 0), "gre external"),
            (Tunnel(kind: .ip6gre, local: nil, isExternal: true, innerProtocol: 0), "ip6gre external"),
        ]

        @Test(
            "a device is the one ip makes, is read back as it was asked for, is refused twice, and goes",
            arguments: twins)
        func likeIP(tunnel: Tunnel, command: String) throws {
            try FreshNamespace.run {
                try Command.require("ip link add rsagent0 type \(command)")
                // ip says nothing of the limit where a device is external: what it costs is in the MTU.
                let unlike = tunnel.isExternal && tunnel.kind.isIPv6Outside ? ["mtu", "encaplimit"] : []
                let theirs = try Segment.text(of: "rsagent0", without: unlike)
                let network = try Network()
                var link = try #require(try network.links().first { $0.name == "rsagent0" })
                #expect(link.tunnel == tunnel)
                try network.removeLink(index: link.index, name: link.name)

                try network.addTunnel(tunnel, name: "rsagent0")
                #expect(try Segment.text(of: "rsagent0", without: unlike) == theirs)
                #expect(try !tunnel.kind.isIPv6Outside || Segment.text(of: "rsagent0").contains("encaplimit none"))
                link = try #require(try network.links().first { $0.name == "rsagent0" })
                #expect(link.tunnel == tunnel && link.kind == tunnel.kind.rawValue && !link.isUp)
                for name in ["rsagent0", "rsagent1"] {
                    let twice = #expect(throws: NetlinkError.self) { try network.addTunnel(tunnel, name: name) }
                    #expect(twice?.isAlreadyPresent == true, "\(name): \(String(describing: twice))")
                }
                try network.removeLink(index: link.index, name: link.name)
                #expect(try !network.links().contains { $0.name == "rsagent0" })
            }
        }

        @Test("a transmitter is the one ip makes", arguments: [nil, 6080] as [UInt16?])
        func transmitters(guePort: UInt16?) throws {
            try Command.require("modprobe fou")
            try Command.require("modprobe fou6")
            let commands: [(kind: Tunnel.Kind, words: String)] = [
                (.ipip, "ipip mode ipip"), (.sit, "sit mode ip6ip"),
                (.ip6tnl, "ip6tnl mode any encaplimit none hoplimit 0"),
                (.gre, "gre"), (.ip6gre, "ip6gre encaplimit none hoplimit 0"),
            ]
            for (kind, words) in commands {
                let isIPv6 = kind == .ip6tnl || kind == .ip6gre
                let ends = isIPv6 ? "local fd00::1 remote fd00::2" : "local 10.0.0.1 remote 10.0.0.2"
                var command = "ip link add tx0 type \(words) \(ends)"
                if let guePort {
                    command += " encap gue encap-sport auto encap-dport \(guePort)" + (isIPv6 ? " encap-udp6-csum" : "")
                }
                let line = command
                try FreshNamespace.run {
                    try Command.require(line)
                    let theirs = try Segment.text(of: "tx0")
                    try Command.require("ip link del tx0")
                    try Network().addTransmitter(
                        name: "tx0", kind: kind, local: isIPv6 ? Self.dip6 : Self.dip,
                        remote: isIPv6 ? Self.rip6 : Self.rip, guePort: guePort)
                    let ours = try Segment.text(of: "tx0")
                    #expect(ours == theirs)
                }
            }
        }

        @Test("without its module GUE is refused as something this kernel cannot do, and asking does not load it")
        func withoutModule() throws {
            _ = try Command.run(["modprobe", "-r", "fou6"])
            _ = try Command.run(["modprobe", "-r", "fou"])
            try FreshNamespace.run {
                for name in ["ipip", "ip6_tunnel"] { try Command.require("modprobe \(name)") }
                let isLoaded = { try Command.require("cat /proc/modules").output.contains("\nfou") }
                try #require(try !isLoaded())
                if try EncapsulationPorts() != nil { Issue.record("a family fou without its module") }
                #expect(try !isLoaded())
                for (kind, local, remote) in [(Tunnel.Kind.ipip, Self.dip, Self.rip), (.ip6tnl, Self.dip6, Self.rip6)] {
                    let error = #expect(throws: NetlinkError.self) {
                        try Network().addTransmitter(
                            name: "tx0", kind: kind, local: local, remote: remote, guePort: 6080)
                    }
                    #expect(error?.isUnsupported == true, "\(String(describing: error))")
                }
            }
        }

        @Test("a GUE port is bound to its address, listed, refused twice, and closed once", arguments: [rip, rip6])
        func ports(local: IPAddress) throws {
            try Command.require("modprobe fou")
            try FreshNamespace.run {
                try Command.require("ip link set lo up")
                try Command.require("ip addr add 10.0.0.2/24 dev lo")
                try Command.require("ip addr add fd00::2/128 dev lo")
                guard let ports = try EncapsulationPorts() else { throw LabError("no family fou") }
                let port = EncapsulationPort(local: local, port: 6080)
                try ports.add(port)
                #expect(try ports.list() == [port])
                let text = try Command.require("ip fou show").output
                #expect(text.contains("port 6080 gue") && text.contains("local \(local)"), "\(text)")
                let twice = #expect(throws: NetlinkError.self) { try ports.add(port) }
                #expect(twice?.isAlreadyPresent == true)
                let foreign = #expect(throws: NetlinkError.self) {
                    try ports.add(EncapsulationPort(local: .v4(IPv4Address(10, 9, 9, 9)), port: 6080))
                }
                #expect(foreign?.isAlreadyAbsent == true, "\(String(describing: foreign))")
                // Neither a port of plain FOU nor one for a single sender is one of ours.
                try Command.require("ip fou add port 7000 ipproto 4")
                try Command.require("ip fou add port 7001 gue local 10.0.0.2 peer 10.0.0.9 peer_port 7001")
                try Command.require("ip fou add port 7002 gue")
                let open = try ports.list()
                let any: IPAddress = .v4(IPv4Address(0, 0, 0, 0))
                #expect(Set(open) == [port, EncapsulationPort(local: any, port: 7002)], "\(open)")
                try ports.remove(port)
                #expect(try !ports.list().contains(port))
                let gone = #expect(throws: NetlinkError.self) { try ports.remove(port) }
                #expect(gone?.isAlreadyAbsent == true, "\(String(describing: gone))")
            }
        }

        @Test("the devices that modules make for themselves are read, and do not pass for removed")
        func fallbackDevices() throws {
            for name in ["ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre"] { try Command.require("modprobe \(name)") }
            try FreshNamespace.run {
                let network = try Network()
                let links = try network.links()
                let found = Dictionary(uniqueKeysWithValues: links.map { ($0.name, $0.tunnel) })
                let ends = Dictionary(
                    uniqueKeysWithValues: found.compactMap { name, tunnel in tunnel.map { (name, $0) } })
                #expect(ends["tunl0"] == Tunnel(kind: .ipip, local: nil, innerProtocol: 0))
                #expect(ends["sit0"] == Tunnel(kind: .sit, local: nil, innerProtocol: 41))
                #expect(ends["ip6tnl0"] == Tunnel(kind: .ip6tnl, local: nil, innerProtocol: 41))
                #expect(ends["gre0"] == Tunnel(kind: .gre, local: nil, innerProtocol: 0))
                #expect(ends["ip6gre0"] == Tunnel(kind: .ip6gre, local: nil, innerProtocol: 0))
                // Ethernet in GRE is another thing, which takes none of our packets.
                #expect(found["gretap0"] == .some(nil))
                for link in links where ends[link.name] != nil {
                    let error = #expect(throws: NetlinkError.self) {
                        try network.removeLink(index: link.index, name: link.name)
                    }
                    #expect(error?.description.contains(link.name) == true)
                    #expect(try network.links().contains { $0.name == link.name })
                }
            }
        }

        /// How a packet is packed by the director, and what is to take it.
        static let deliveries: [Delivery] =
            Tunnel.Kind.allCases.flatMap { kind in
                [nil, 6080].flatMap { (guePort: UInt16?) in
                    kind.inner.map { Delivery(kind: kind, isIPv6Inside: $0, guePort: guePort, isExternal: false) }
                }
            }
            + [Tunnel.Kind.ipip, .ip6tnl].flatMap { kind in
                kind.inner.map { Delivery(kind: kind, isIPv6Inside: $0, guePort: nil, isExternal: true) }
            }

        @Test("what a transmitter sends is unpacked by the device and delivered to the VIP", arguments: deliveries)
        func delivery(_ delivery: Delivery) throws {
            for name in ["fou", "fou6"] { try Command.require("modprobe \(name)") }
            try FreshNamespace.run {
                let segment = try Segment(delivery)
                let local = delivery.kind.isIPv6Outside ? Self.rip6 : Self.rip
                if let port = delivery.guePort {
                    guard let ports = try EncapsulationPorts() else { throw LabError("no family fou") }
                    try ports.add(EncapsulationPort(local: local, port: port))
                }
                let network = try Network()
                let inner: UInt8 = delivery.kind == .ipip ? 4 : delivery.kind == .sit ? 41 : 0
                try network.addTunnel(
                    Tunnel(
                        kind: delivery.kind, local: delivery.isExternal ? nil : local, isExternal: delivery.isExternal,
                        innerProtocol: inner), name: "rsagent0")
                let link = try #require(try network.links().first { $0.name == "rsagent0" })
                try network.setUp(true, interface: link.index, interfaceName: link.name)
                try Deadline.block(until: "a packet that came by \(delivery)") { try segment.arrives() }
                let counters = try Command.require("ip -s link show dev rsagent0").output
                // `RX:  bytes packets …`, and the numbers in the line behind it.
                let received = counters.split(separator: "\n").drop { !$0.contains("RX:") }.dropFirst().first
                let packets = received?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
                #expect((packets ?? 0) > 0, "\(counters)")
            }
        }
    }

    /// A way for a packet to take.
    struct Delivery: CustomTestStringConvertible, CustomStringConvertible {
        var kind: Tunnel.Kind
        var isIPv6Inside: Bool
        var guePort: UInt16?
        var isExternal: Bool

        var description: String {
            "\(kind.rawValue)\(isExternal ? " external" : "")\(guePort == nil ? "" : " in GUE") with IPv\(isIPv6Inside ? 6 : 4)"
        }
        var testDescription: String { description }
    }

    /// The calling thread's namespace as a real server, with a director on a wire of its own:
    ///
    ///     CIP on lo, tx0 ── eth0 10.0.0.1 ─────── eth0 10.0.0.2, VIP on lo
    ///                            fd00::1               fd00::2
    struct Segment {
        static let dip = IPv4Address(10, 0, 0, 1)
        static let rip = IPv4Address(10, 0, 0, 2)
        static let dip6 = IPv6Address(high: 0xFD00 << 48, low: 1)
        static let rip6 = IPv6Address(high: 0xFD00 << 48, low: 2)

        private let sender: UDPSocket
        private let receiver: UDPSocket
        private let vip: IPv6Address

        init(_ delivery: Delivery) throws {
            for scope in ["all", "default"] { try Sysctl.set("net.ipv4.conf.\(scope).rp_filter=0") }
            let here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
            defer { close(here) }
            let transmitter = delivery
            // The director's namespace lives on after its thread: the socket in it keeps it.
            sender = try FreshNamespace.run {
                let network = try Network()
                try network.addPair(name: "eth0", peer: "eth0", peerNamespace: here)
                for command in [
                    "ip link set lo up", "ip link set eth0 up", "ip addr add 10.0.0.1/24 dev eth0",
                    "ip addr add fd00::1/64 dev eth0 nodad", "ip addr add 198.51.100.1/32 dev lo",
                    "ip addr add 2001:db8:1::1/128 dev lo",
                ] { try Command.require(command) }
                let isIPv6 = transmitter.kind.isIPv6Outside
                try network.addTransmitter(
                    name: "tx0", kind: transmitter.kind, local: isIPv6 ? .v6(Self.dip6) : .v4(Self.dip),
                    remote: isIPv6 ? .v6(Self.rip6) : .v4(Self.rip), guePort: transmitter.guePort)
                guard let link = try network.links().first(where: { $0.name == "tx0" }) else {
                    throw LabError("no tx0")
                }
                try network.setUp(true, interface: link.index, interfaceName: link.name)
                try Command.require(
                    transmitter.isIPv6Inside
                        ? "ip route add 2001:db8::10/128 dev tx0 src 2001:db8:1::1"
                        : "ip route add 192.0.2.10/32 dev tx0 src 198.51.100.1")
                return try UDPSocket(port: 0)
            }
            for command in [
                "ip link set lo up", "ip link set eth0 up", "ip addr add 10.0.0.2/24 dev eth0",
                "ip addr add fd00::2/64 dev eth0 nodad", "ip addr add 192.0.2.10/32 dev lo",
                "ip addr add 2001:db8::10/128 dev lo",
            ] { try Command.require(command) }
            receiver = try UDPSocket(port: 9000)
            vip =
                delivery.isIPv6Inside
                ? IPv6Address(high: 0x2001_0DB8 << 32, low: 0x10) : IPv6Address(high: 0, low: 0xFFFF_C000_020A)
        }

        /// Sends a datagram to the VIP; returns whether one has arrived by now.
        func arrives() throws -> Bool {
            sender.send(to: vip, port: 9000)
            return receiver.receive()
        }

        /// What `ip` says of a device, without what differs each time, which is its number and an address made at random,
        /// and without `others`, each a word and its value.
        static func text(of name: String, without others: [String] = []) throws -> String {
            let words = try Command.require("ip -d link show \(name)").output.split { " \n".contains($0) }.map(
                String.init)
            let left = Set(others + ["permaddr"])
            return words.indices.dropFirst().filter { !left.contains(words[$0]) && !left.contains(words[$0 - 1]) }
                .map { words[$0] }.joined(separator: " ")
        }
    }

    /// A socket of the namespace it was made in, for IPv6 and IPv4-mapped addresses.
    final class UDPSocket: Sendable {
        private let descriptor: Int32

        init(port: UInt16) throws {
            descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
            let any = IPv6Address(high: 0, low: 0)
            guard descriptor >= 0, Self.with(any, port, { bind(descriptor, $0, $1) }) == 0 else {
                throw LabError("a UDP socket: \(String(cString: strerror(errno)))")
            }
        }

        deinit { close(descriptor) }

        func send(to address: IPv6Address, port: UInt16) {
            // What fails while a device comes up is sent again: the caller waits for what arrives.
            _ = Self.with(address, port) { sendto(descriptor, "hello", 5, 0, $0, $1) }
        }

        func receive() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 16)
            return recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) == 5
                && buffer.starts(with: "hello".utf8)
        }

        private static func with<Result>(
            _ address: IPv6Address, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
        ) -> Result {
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) { bytes in
                bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }
}

extension Tunnel.Kind {
    /// Whether what is inside may be IPv6, for each family it may be.
    fileprivate var inner: [Bool] {
        switch self {
        case .ipip: [false]
        case .sit: [true]
        case .ip6tnl, .gre, .ip6gre: [false, true]
        }
    }
}
