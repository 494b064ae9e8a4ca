import ConfigurationFile
import Netlink
import NetworkAddress
import PacketFilter
import Testing

@testable import RealServerSetup

/// What the doctor makes of a host, told from values alone.
@Suite("Diagnosis")
struct DoctorDiagnosisTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let rip = IPAddress.v4(IPv4Address(10, 0, 0, 11))
    static let director = IPAddress.v4(IPv4Address(10, 0, 0, 1))
    static let client = IPAddress.v4(IPv4Address(198, 51, 100, 1))
    static let vip6 = IPAddress.v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x10))

    static func request(
        vips: [IPAddress] = [vip], forward: ForwardingMethod = .dr, reply: ReplyPath? = nil, isLockedDown: Bool = true
    ) -> SetupRequest {
        SetupRequest(
            AgentConfiguration(
                interface: "eth0", directors: [director], isLockedDown: isLockedDown,
                services: [.init(name: "web", vips: vips, ports: [80], forward: forward, reply: reply)]))
    }

    static func interface(
        _ index: Int32, _ name: String, _ settings: IPv4Settings = IPv4Settings(ignore: 1, announce: 2),
        speaksARP: Bool = true, isUp: Bool = true, tunnel: Tunnel? = nil
    ) -> HostSnapshot.Interface {
        HostSnapshot.Interface(
            index: index, name: name, isUp: isUp, isLoopback: name == "lo", speaksARP: speaksARP && name != "lo",
            ipv4: settings, tunnel: tunnel)
    }

    static func lo(ignore: Int = 0) -> HostSnapshot.Interface { interface(1, "lo", IPv4Settings(ignore: ignore)) }

    static func address(_ address: IPAddress, on interface: Int32, _ length: Int? = nil, isHostScope: Bool = false)
        -> HostSnapshot.Address
    {
        HostSnapshot.Address(
            interface: interface, prefix: Prefix(address, length: length ?? address.bitWidth) ?? Prefix(host: address),
            isNeverSource: isHostScope)
    }

    static let own = address(rip, on: 2, 24)

    static func findings(
        _ host: HostSnapshot, _ request: SetupRequest = request(), _ evidence: Evidence = Evidence()
    ) -> [Finding] {
        Diagnosis(request, host: host, plan: Plan(request, host: host), evidence: evidence).findings
    }

    /// A row of the table of who answers for the VIP.
    struct ARPRow: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var interfaces: [HostSnapshot.Interface]
        var all = IPv4Settings(announce: 2)
        var defaults = IPv4Settings()
        var place: Int32 = 1
        var isHostScope = false
        /// What the cause must say, or nothing where the host is silent.
        var causes: [String]
    }

    static let arpRows = [
        ARPRow(
            testDescription: "lo.arp_ignore=1 only",
            interfaces: [lo(ignore: 1), interface(2, "eth0", IPv4Settings())],
            causes: ["0 answers for every address", "lo.arp_ignore=1 has no say: who-has comes in by eth0"]),
        ARPRow(testDescription: "eth0=1 only", interfaces: [lo(), interface(2, "eth0")], causes: []),
        ARPRow(
            testDescription: "all=1 only", interfaces: [lo(), interface(2, "eth0", IPv4Settings())],
            all: IPv4Settings(ignore: 1, announce: 2), causes: []),
        ARPRow(
            testDescription: "all=1 with eth0=3", interfaces: [lo(), interface(2, "eth0", IPv4Settings(ignore: 3))],
            all: IPv4Settings(ignore: 1, announce: 2),
            causes: [
                "3 hides only addresses of scope host",
                "the larger of all (1) and eth0 (3) takes effect, though the larger is the weaker rule",
            ]),
        ARPRow(
            testDescription: "the same with the VIP of scope host",
            interfaces: [lo(), interface(2, "eth0", IPv4Settings(ignore: 3))],
            all: IPv4Settings(ignore: 1, announce: 2), isHostScope: true, causes: []),
        ARPRow(
            testDescription: "VIP on a NOARP dummy with its own arp_ignore=1",
            interfaces: [
                lo(), interface(2, "eth0", IPv4Settings()),
                interface(3, "dummy0", IPv4Settings(ignore: 1), speaksARP: false),
            ], place: 3, causes: ["dummy0.arp_ignore=1 has no say: who-has comes in by eth0"]),
        ARPRow(
            testDescription: "VIP on tunl0 with tunl0.arp_ignore=1",
            interfaces: [
                lo(), interface(2, "eth0", IPv4Settings()),
                interface(
                    3, "tunl0", IPv4Settings(ignore: 1), speaksARP: false,
                    tunnel: Tunnel(kind: .ipip, local: nil, innerProtocol: 0)),
            ], place: 3, causes: ["tunl0.arp_ignore=1 has no say"]),
        ARPRow(
            testDescription: "only eth0 protected, another NIC appears, conf.default written afterwards",
            interfaces: [lo(), interface(2, "eth0"), interface(3, "eth1", IPv4Settings())],
            defaults: IPv4Settings(ignore: 1),
            causes: [
                "eth1 came later, or was forgotten",
                "conf.default is 1, which reaches only interfaces that appear after",
            ]),
        ARPRow(
            testDescription: "4 to 7 act as 0", interfaces: [lo(), interface(2, "eth0", IPv4Settings(ignore: 5))],
            causes: ["the kernel knows no 5 here"]),
        ARPRow(
            testDescription: "all=3", interfaces: [lo(), interface(2, "eth0")],
            all: IPv4Settings(ignore: 3, announce: 2), causes: ["no interface can hide the VIP"]),
    ]

    @Test("each row of the ARP table is named with its cause, and its silent rows are sound", arguments: arpRows)
    func arp(row: ARPRow) throws {
        let host = HostSnapshot(
            interfaces: row.interfaces,
            addresses: [Self.address(Self.vip, on: row.place, isHostScope: row.isHostScope), Self.own], all: row.all,
            defaults: row.defaults, facing: 2)
        let problems = Self.findings(host).filter { $0.topic == .arp && $0.severity == .problem }
        #expect(problems.isEmpty == row.causes.isEmpty, "\(problems)")
        let text = problems.compactMap(\.cause).joined(separator: " | ")
        for cause in row.causes { #expect(text.contains(cause), "\(text)") }
        for problem in problems {
            #expect(problem.cure?.contains("sysctl -w net.ipv4.conf.") == true)
            #expect(problem.cure?.hasSuffix("or: rsagent apply") == true)
            #expect(!problem.evidence.isEmpty)
        }
    }

    @Test("while the packet filter keeps the VIPs out of ARP, what the settings let through is a warning")
    func wall() {
        let host = HostSnapshot(
            interfaces: [Self.lo(), Self.interface(2, "eth0", IPv4Settings())],
            addresses: [Self.address(Self.vip, on: 1), Self.own], facing: 2,
            arpWall: .present(ARPWall(vips: [IPv4Address(192, 0, 2, 10)])))
        var request = Self.request()
        request.isARPBlocked = true
        let findings = Self.findings(host, request).filter { $0.topic == .arp }
        let causes = findings.filter { $0.severity == .warning }.compactMap(\.cause)
        #expect(causes.contains { $0.contains("table arp rsagent keeps it off") })
        #expect(!findings.contains { $0.severity == .problem }, "\(findings)")
    }

    /// A row of the table of tunnels and `rp_filter`.
    struct PathRow: Sendable, CustomTestStringConvertible {
        var all: Int
        var own: Int
        /// What is on the tunnel's device besides nothing.
        var onDevice: [IPAddress] = []
        var causes: [String]
        var cures: [String] = []
        var testDescription: String { "all \(all), device \(own), \(onDevice) on it" }
    }

    static let loose = "loose (2) is not enough on a device that has no IPv4 address"
    static let strictly = "strict (1) takes a packet only where the answer would leave by the interface it came in by"
    static let floor = "a floor under every interface"
    static let extra = IPAddress.v4(IPv4Address(127, 0, 0, 42))

    static let pathRows = [
        PathRow(all: 0, own: 0, causes: []),
        PathRow(all: 0, own: 1, causes: [strictly], cures: ["net.ipv4.conf.tunl0.rp_filter=0"]),
        PathRow(all: 0, own: 2, causes: [loose], cures: ["net.ipv4.conf.tunl0.rp_filter=0"]),
        PathRow(all: 2, own: 0, causes: [loose, floor], cures: ["ip addr add 127.0.0.42/32 dev tunl0"]),
        PathRow(
            all: 1, own: 2, causes: [loose, "cannot be set below 1"], cures: ["ip addr add 127.0.0.42/32 dev tunl0"]),
        PathRow(
            all: 1, own: 0, causes: [strictly, floor],
            cures: ["net.ipv4.conf.tunl0.rp_filter=2", "ip addr add 127.0.0.42/32 dev tunl0"]),
        PathRow(all: 0, own: 1, onDevice: [extra], causes: [strictly], cures: ["net.ipv4.conf.tunl0.rp_filter=0"]),
        PathRow(all: 0, own: 2, onDevice: [extra], causes: []),
        PathRow(all: 0, own: 0, onDevice: [vip], causes: []),
        PathRow(all: 0, own: 2, onDevice: [vip], causes: []),
        PathRow(all: 0, own: 1, onDevice: [vip], causes: [strictly], cures: ["net.ipv4.conf.tunl0.rp_filter=0"]),
        PathRow(
            all: 1, own: 0, onDevice: [vip], causes: [strictly, floor], cures: ["net.ipv4.conf.tunl0.rp_filter=2"]),
    ]

    static func tunnelHost(all: Int = 0, own: Int = 0, onDevice: [IPAddress] = []) -> HostSnapshot {
        HostSnapshot(
            interfaces: [
                lo(), interface(2, "eth0"),
                interface(
                    3, "tunl0", IPv4Settings(reversePathFilter: own), speaksARP: false,
                    tunnel: Tunnel(kind: .ipip, local: nil, innerProtocol: 0)),
            ],
            addresses: (onDevice.contains(vip) ? [] : [address(vip, on: 1)]) + [Self.own]
                + onDevice.map { address($0, on: 3) },
            all: IPv4Settings(reversePathFilter: all), facing: 2)
    }

    @Test("each row of the rp_filter table is named with its cause and its cure", arguments: pathRows)
    func reversePath(row: PathRow) {
        let host = Self.tunnelHost(all: row.all, own: row.own, onDevice: row.onDevice)
        let findings = Self.findings(host, Self.request(forward: .tun)).filter { $0.topic == .reversePath }
        let problems = findings.filter { $0.severity == .problem }
        #expect(problems.isEmpty == row.causes.isEmpty, "\(findings)")
        let text = problems.compactMap(\.cause).joined(separator: " | ")
        for cause in row.causes { #expect(text.contains(cause), "\(text)") }
        let cures = problems.compactMap(\.cure).joined(separator: " | ")
        for cure in row.cures { #expect(cures.contains(cure), "\(cures)") }
        let effective = max(row.all, row.own)
        let values = "effective rp_filter is \(effective) (tunl0 \(row.own), all \(row.all))"
        #expect(problems.allSatisfy { $0.evidence.contains(values) })
        if problems.isEmpty { #expect(findings.contains { $0.what.contains("tunl0 lets in what it unpacked") }) }
    }

    @Test("a tunnel device that is down is not one that unpacks")
    func down() {
        var host = Self.tunnelHost()
        host.interfaces[2].isUp = false
        let findings = Self.findings(host, Self.request(forward: .tun)).filter { $0.topic == .tunnel }
        #expect(findings.first?.severity == .problem)
        #expect(findings.first?.what == "nothing on this host unpacks ipip packets for 10.0.0.11")
        #expect(
            findings.first?.evidence
                == ["tunnel devices: tunl0 is down, and would unpack ipip packets for any address"])
    }

    @Test("a kernel without the tunnel's part is named with what would bring it")
    func kernel() {
        var host = Self.tunnelHost()
        host.interfaces.removeLast()
        host.missingParts = [.ipip]
        let finding = Self.findings(host, Self.request(forward: .tun)).first
        #expect(finding?.topic == .kernel && finding?.severity == .problem, "\(String(describing: finding))")
        #expect(finding?.cure?.contains("modprobe ipip") == true)
        #expect(!finding!.evidence.isEmpty)
    }

    @Test("a tunnel without a lock is a problem, one whose lock is off is a warning, a locked one is sound")
    func lockdown() {
        let host = Self.tunnelHost()
        let open = Self.findings(host, Self.request(forward: .tun)).filter { $0.topic == .lockdown }
        #expect(open.map(\.severity) == [.problem])
        #expect(open.first?.cause?.contains("CVE-2020-10136") == true)
        let unwanted = Self.findings(host, Self.request(forward: .tun, isLockedDown: false))
        #expect(unwanted.contains { $0.topic == .lockdown && $0.severity == .warning })
        let request = Self.request(forward: .tun)
        var locked = host
        for step in Plan(request, host: host).steps {
            if case .add(.guardTable) = step.change { locked.foresee(step.change) }
        }
        let sound = Self.findings(locked, request)
        #expect(
            sound.first { $0.topic == .lockdown }?.what
                == "tunnel packets are taken only from 10.0.0.1/32, and only for the VIP")
        #expect(sound.contains { $0.topic == .segmentSize && $0.what.contains("segments of 1440 bytes") })
    }

    static let fit = HostSnapshot(
        interfaces: [lo(), interface(2, "eth0")], addresses: [address(vip, on: 1), own], facing: 2)

    @Test("a fit host has only sound findings, one line each, in the order a packet takes")
    func sound() {
        var evidence = Evidence()
        evidence.isListenedOn = [.init(service: "web", vip: Self.vip, address: Self.vip, port: 80): true]
        evidence.listeners = .read([])
        evidence.answerers = .read([])
        evidence.counts = .read(.init(before: DropCounters(), after: DropCounters()))
        evidence.probes = .read([
            ProbeResult(
                endpoint: .init(service: "web", vip: Self.vip, address: Self.vip, port: 80), way: "plain",
                client: Self.client, outcome: .answered(.microseconds(1_240)))
        ])
        let diagnosis = Diagnosis(
            Self.request(), host: Self.fit, plan: Plan(Self.request(), host: Self.fit), evidence: evidence)
        #expect(diagnosis.isSound)
        #expect(diagnosis.findings.allSatisfy { $0.severity == .sound }, "\(diagnosis.findings)")
        #expect(diagnosis.findings.map(\.topic) == diagnosis.findings.map(\.topic).sorted())
        let what = diagnosis.findings.map(\.what)
        #expect(what.contains("VIP 192.0.2.10 is on lo"))
        #expect(what.last == "web: a connection to 192.0.2.10:80 (plain) was answered in 1.2 ms")
        let text = DiagnosisText(diagnosis, isColoured: false).text
        #expect(text.hasSuffix("\n\nno problems\n") && !text.contains("\u{1B}"), "\(text)")
        #expect(DiagnosisText(diagnosis, isColoured: true).text.contains("\u{1B}[32m"))
    }

    @Test("a thousand sound VIPs are a few lines on a terminal")
    func many() {
        let vips = (0..<1000).map { IPAddress.v4(IPv4Address(rawValue: 0xC612_0000 + $0 + 1)) }
        let request = Self.request(vips: vips)
        var host = Self.fit
        host.addresses = vips.map { Self.address($0, on: 1) } + [Self.own]
        let diagnosis = Diagnosis(request, host: host, plan: Plan(request, host: host))
        let text = DiagnosisText(diagnosis, isColoured: false).text
        #expect(text.contains("and 995 more like these"))
        #expect(text.split(separator: "\n").count < 30, "\(text)")
    }

    @Test("a VIP that is missing, on the wrong interface, or that NAT leaves to the director, is named")
    func vips() {
        var host = Self.fit
        host.addresses = [Self.own]
        let missing = Self.findings(host).first { $0.topic == .vip }
        #expect(missing?.what == "192.0.2.10 is not on this host")
        #expect(missing?.evidence == ["ip addr: 192.0.2.10 is on no interface"])
        host.addresses = [Self.own, Self.address(Self.vip, on: 2)]
        let misplaced = Self.findings(host).first { $0.topic == .vip }
        #expect(misplaced?.what == "192.0.2.10/32 is on eth0" && misplaced?.cause?.contains("answers ARP") == true)
        #expect(misplaced?.cure?.contains("ip addr del 192.0.2.10/32 dev eth0") == true)
        let nat = Self.findings(Self.fit, Self.request(forward: .nat)).first { $0.topic == .vip }
        #expect(nat?.severity == .problem && nat?.what.contains("of the NAT service web is on lo") == true)
    }

    @Test("an interface that is down, or not there, is named")
    func interfaces() {
        var host = Self.fit
        host.interfaces[1].isUp = false
        #expect(Self.findings(host).first?.what == "eth0, which faces the director, is down")
        host.facing = nil
        let findings = Self.findings(host)
        #expect(findings.contains { $0.topic == .interface && $0.severity == .warning })
        #expect(Self.findings(host, Self.request(forward: .tun)).first { $0.topic == .interface }?.severity == .problem)
    }

    @Test("a neighbour proxy that names an IPv6 VIP is a problem")
    func proxies() {
        let request = Self.request(vips: [Self.vip6])
        var host = Self.fit
        host.addresses = [Self.own, Self.address(Self.vip6, on: 1)]
        var evidence = Evidence()
        evidence.neighborProxies = .read([
            Neighbor(address: Self.vip6, interface: 2, hardwareAddress: nil, isProxy: true)
        ])
        let finding = Self.findings(host, request, evidence).first { $0.topic == .arp }
        #expect(finding?.severity == .problem && finding?.cure == "ip -6 neigh del proxy 2001:db8::10 dev eth0")
        evidence.neighborProxies = .read([])
        #expect(Self.findings(host, request, evidence).first { $0.topic == .arp }?.severity == .sound)
    }
}
