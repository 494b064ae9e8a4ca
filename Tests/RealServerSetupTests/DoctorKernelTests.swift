import CLinux
import ConfigurationFile
import Glibc
import Lab
import NetworkAddress
import Testing

@testable import RealServerSetup

/// The doctor at work on the kernel, in a namespace of its own.
///
///     peer0 ═══ eth0 (10.0.0.11/24, fd00::11/64)   lo (the VIPs)
///     peer1 ═══ eth1 (10.0.1.11/24, the default route)
@Suite("The doctor, against the kernel in a namespace of its own", .enabled(if: FreshNamespace.isAvailable))
struct DoctorKernelTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let vip6 = IPAddress.v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x10))
    static let director = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    static let director6 = IPAddress.v6(IPv6Address(high: 0xFD00_0000_0000_0000, low: 1))

    static func host() throws {
        for scope in ["all", "default"] { try Sysctl.set("net.ipv4.conf.\(scope).rp_filter=0") }
        // No link-local addresses, which settle in their own time: the host's text stands still.
        try Sysctl.set("net.ipv6.conf.default.addr_gen_mode=1")
        for command in [
            "ip link set lo up", "ip link add eth0 type veth peer name peer0", "ip link set peer0 arp off up",
            "ip link set eth0 up", "ip addr add 10.0.0.11/24 dev eth0", "ip addr add fd00::11/64 dev eth0 nodad",
            "ip link add eth1 type veth peer name peer1", "ip link set peer1 arp off up", "ip link set eth1 up",
            "ip addr add 10.0.1.11/24 dev eth1", "ip route add default via 10.0.1.1",
            "ip route add default via fd00::1",
        ] { try Command.require(command) }
    }

    static func setup(
        _ scratch: ScratchDirectory, vips: [IPAddress] = [vip], forward: ForwardingMethod = .dr,
        reply: ReplyPath? = nil
    ) -> RealServerSetup {
        RealServerSetup(
            SetupRequest(
                AgentConfiguration(
                    interface: "eth0", directors: [director, director6],
                    services: [
                        .init(name: "web", vips: vips, ports: [80], forward: forward, reply: reply)
                    ])), runDirectory: "\(scratch.path)/run")
    }

    /// What the doctor says, and that it left nothing behind.
    static func examine(
        _ setup: RealServerSetup, _ scratch: ScratchDirectory, _ location: SourceLocation = #_sourceLocation
    ) throws -> [Finding] {
        try HostText.settleIPv6()
        let before = try text(scratch)
        let findings = try Doctor(setup).examine().findings
        let difference = HostText.difference(before, try text(scratch))
        #expect(difference.isEmpty, "\(difference)", sourceLocation: location)
        return findings
    }

    /// IPv6's own routes count their age.
    private static func text(_ scratch: ScratchDirectory) throws -> String {
        try HostText.read(filesBelow: scratch.path) + Command.require("ip -6 rule show").output
            + Command.require("nft list ruleset").output
    }

    @Test("probes to VIPs of both families are answered on a fit host, and nothing is left behind")
    func answered() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch, vips: [Self.vip, Self.vip6])
            try setup.apply()
            let listener = try Listener("::", 80)
            defer { listener.end() }
            let findings = try Self.examine(setup, scratch)
            let bad = findings.filter { $0.severity != .sound }
            #expect(bad.isEmpty, "\(bad)")
            let probes = findings.filter { $0.topic == .probe }
            #expect(probes.count == 2 && probes.allSatisfy { $0.what.contains("was answered in") }, "\(probes)")
            #expect(findings.contains { $0.what == "web: somebody listens on [2001:db8::10]:80" })
        }
    }

    @Test(
        "a listener that misses the VIP is named with what it is bound to, and the probe is refused",
        arguments: [
            ("10.0.0.11", "this host's own address 10.0.0.11 only"), ("127.0.0.1", "bound to localhost only"),
            ("", "no process listens on that port"), ("only ::", "IPV6_V6ONLY"),
        ])
    func unbound(_ address: String, _ cause: String) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch)
            try setup.apply()
            let listener =
                address.isEmpty
                ? nil
                : try Listener(
                    address.replacing("only ", with: ""), 80, isOnlyIPv6: address.hasPrefix("only"))
            defer { listener?.end() }
            let findings = try Self.examine(setup, scratch)
            let finding = findings.first { $0.topic == .listener }
            #expect(finding?.severity == .problem && finding?.cause?.contains(cause) == true, "\(findings)")
            #expect(findings.first { $0.topic == .probe }?.what.contains("was refused") == true)
        }
    }

    @Test(
        "a probe that comes to nothing is told with its cause",
        arguments: [
            (
                ["ip route add blackhole default table 100", "ip rule add from 192.0.2.10 lookup 100"],
                "the answer goes nowhere"
            ),
            (
                [
                    "nft add table inet wall", "nft add chain inet wall input {type filter hook input priority 0;}",
                    "nft add rule inet wall input ip daddr 192.0.2.10 drop",
                ], "most likely a packet filter drops it"
            ),
            (["ip addr del 192.0.2.10/32 dev lo"], "192.0.2.10 is not on this host"),
        ])
    func blackholes(_ commands: [String], _ cause: String) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch)
            try setup.apply()
            let listener = try Listener("0.0.0.0", 80)
            defer { listener.end() }
            for command in commands { try Command.require(command) }
            let findings = try Self.examine(setup, scratch)
            let probe = findings.first { $0.topic == .probe }
            #expect(probe?.what.contains("was not answered") == true, "\(findings)")
            #expect(probe?.cause?.contains(cause) == true, "\(String(describing: probe))")
        }
    }

    @Test("strict rp_filter on the interface that faces the director is named where the way back leaves by another")
    func strict() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch)
            try setup.apply()
            let listener = try Listener("0.0.0.0", 80)
            defer { listener.end() }
            for value in ["0", "2"] {
                try Sysctl.set("net.ipv4.conf.eth0.rp_filter=\(value)")
                #expect(try !Self.examine(setup, scratch).contains { $0.topic == .reversePath })
            }
            for (scope, words) in [("eth0", "(eth0 1, all 0)"), ("all", "(eth0 0, all 1)")] {
                try Sysctl.set("net.ipv4.conf.eth0.rp_filter=0")
                try Sysctl.set("net.ipv4.conf.\(scope).rp_filter=1")
                let findings = try Self.examine(setup, scratch)
                let finding = findings.first { $0.topic == .reversePath }
                #expect(finding?.evidence.contains("effective rp_filter is 1 \(words)") == true, "\(findings)")
                // The probe itself is let in: what it is not about does not stop it.
                #expect(findings.first { $0.topic == .probe }?.what.contains("was answered") == true, "\(findings)")
                let cure = try #require(finding?.cure)
                try Command.require(cure.replacing("sysctl -w", with: "sysctl -qw"))
                #expect(try !Self.examine(setup, scratch).contains { $0.topic == .reversePath })
            }
        }
    }

    @Test(
        "a probe is answered where answers go by way of the director, and the running setup is not touched",
        arguments: [ForwardingMethod.dr, .nat])
    func director(_ forward: ForwardingMethod) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(
                scratch, vips: [Self.vip, Self.vip6], forward: forward, reply: .director)
            try setup.apply()
            let listener = try Listener("::", 80)
            defer { listener.end() }
            let findings = try Self.examine(setup, scratch)
            let probes = findings.filter { $0.topic == .probe }
            #expect(probes.count == 2 && probes.allSatisfy { $0.what.contains("was answered") }, "\(findings)")
            let replies = findings.filter { $0.topic == .reply }
            #expect(replies.count == 2 && replies.allSatisfy { $0.severity == .sound }, "\(replies)")
            #expect(replies.first?.what.contains("by way of 10.0.0.1, by eth0") == true)
        }
    }

    @Test("answers that a rule of somebody else's leads past the director are a problem")
    func past() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch, reply: .director)
            try setup.apply()
            try Command.require("ip rule add from 192.0.2.10 lookup main priority 5")
            let finding = try Self.examine(setup, scratch).first { $0.topic == .reply }
            let isNamed = finding?.what.contains("do not go by way of the director")
            #expect(isNamed == true, "\(String(describing: finding))")
        }
    }

    @Test("while a doctor of another process is at work, the probe says so and nothing of it is touched")
    func taken() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch)
            try setup.apply()
            try Command.require("ip link add rsprobe0 type veth peer name elsewhere")
            try setup.apply()
            let finding = try Self.examine(setup, scratch).first { $0.topic == .probe }
            #expect(finding?.severity == .warning && finding?.cause?.contains("another doctor is at work") == true)
        }
    }

    @Test("without IPv6 on by default an IPv6 probe is answered all the same")
    func noIPv6() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            try Sysctl.set("net.ipv6.conf.default.disable_ipv6=1")
            let setup = Self.setup(scratch, vips: [Self.vip6])
            try setup.apply()
            let listener = try Listener("::", 80)
            defer { listener.end() }
            let findings = try Self.examine(setup, scratch)
            #expect(findings.first { $0.topic == .probe }?.what.contains("was answered") == true, "\(findings)")
        }
    }

    @Test("a neighbour proxy for an IPv6 VIP is found and its cure mends it")
    func proxy() throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Self.host()
            let setup = Self.setup(scratch, vips: [Self.vip6])
            try setup.apply()
            try Command.require("ip -6 neigh add proxy 2001:db8::10 dev eth0")
            let doctor = Doctor(setup, isProbing: false)
            let finding = try doctor.examine().findings.first { $0.topic == .arp }
            #expect(finding?.severity == .problem)
            try Command.require(try #require(finding?.cure))
            #expect(try doctor.examine().findings.first { $0.topic == .arp }?.severity == .sound)
        }
    }
}

/// A socket that listens; its kernel answers for it.
final class Listener: Sendable {
    private let descriptor: Int32

    init(_ address: String, _ port: UInt16, isOnlyIPv6: Bool = false) throws {
        guard let parsed = IPAddress(address) else { throw LabError("\(address) is no address") }
        let isIPv6 = parsed.v6 != nil
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var only: Int32 = isOnlyIPv6 ? 1 : 0
        if isIPv6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, 4) }
        var code: Int32
        switch parsed {
        case .v4(let address):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = address.rawValue.bigEndian
            code = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, 16) }
            }
        case .v6:
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            code = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, 28) }
            }
        }
        if code == 0 { code = listen(descriptor, 16) }
        guard code == 0 else { throw LabError("listen on \(address): \(String(cString: strerror(errno)))") }
    }

    func end() { close(descriptor) }
}
