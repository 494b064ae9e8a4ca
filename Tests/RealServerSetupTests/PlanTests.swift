import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("Plan")
struct PlanTests {
    static let vip = IPv4Address(192, 0, 2, 10)
    static let request = SetupRequest(directRoutingVIPs: [vip])

    static let lo = HostSnapshot.Interface(
        index: 1, name: "lo", isLoopback: true, speaksARP: false, ipv4: IPv4Settings(ignore: 0, announce: 0))

    static func eth(
        _ number: Int32, ignore: Int = 0, announce: Int = 0, speaksARP: Bool = true, isUp: Bool = true
    ) -> HostSnapshot.Interface {
        HostSnapshot.Interface(
            index: 2 + number, name: "eth\(number)", isUp: isUp, speaksARP: speaksARP,
            ipv4: IPv4Settings(ignore: ignore, announce: announce))
    }

    static func host(
        _ interfaces: [HostSnapshot.Interface], all: IPv4Settings = IPv4Settings(ignore: 0, announce: 0),
        addresses: [HostSnapshot.Address] = []
    ) -> HostSnapshot {
        HostSnapshot(interfaces: [lo] + interfaces, addresses: addresses, all: all)
    }

    static func commands(_ plan: Plan) -> [String] { plan.steps.map { "\($0.change)" } }

    @Test("a fresh host: hide on every interface first, then add the VIP")
    func fresh() {
        let plan = Plan(Self.request, host: Self.host([Self.eth(0), Self.eth(1)]))
        #expect(
            Self.commands(plan) == [
                "sysctl -w net.ipv4.conf.eth0.arp_ignore=1", "sysctl -w net.ipv4.conf.eth1.arp_ignore=1",
                "sysctl -w net.ipv4.conf.eth0.arp_announce=2", "sysctl -w net.ipv4.conf.eth1.arp_announce=2",
                "ip addr add 192.0.2.10/32 dev lo label lo:rsagent",
            ])
        #expect(plan.refusals.isEmpty)
    }

    /// The effective value is max(all, interface); facts from net/ipv4/arp.c.
    @Test(
        "arp_ignore is judged by the effective value",
        arguments: [
            // (all, own) → what is set on the interface, what on all
            (0, 0, 1, nil), (0, 1, nil, nil), (0, 2, nil, nil), (0, 3, 1, nil), (0, 4, 1, nil), (0, 7, 1, nil),
            (0, 8, nil, nil), (0, 9, 1, nil),
            (1, 0, nil, nil), (1, 3, 1, nil), (2, 0, nil, nil), (2, 3, 1, nil), (1, 8, nil, nil),
            (3, 0, 1, 1), (3, 1, 1, 1), (3, 8, nil, 1), (4, 0, 1, 0), (7, 1, nil, 0), (8, 0, nil, nil), (9, 0, 1, 0),
        ] as [(Int, Int, Int?, Int?)])
    func arpIgnore(all: Int, own: Int, expectedOwn: Int?, expectedAll: Int?) {
        let host = Self.host([Self.eth(0, ignore: own, announce: 2)], all: IPv4Settings(ignore: all, announce: 0))
        let plan = Plan(Self.request, host: host)
        let changes = plan.steps.map(\.change)
        let eth = IPv4Sysctl(.arpIgnore, of: .interface(index: 2, name: "eth0"))
        // Lowering all to 1 hides on its own: an interface at 0 or 1 need not be set then.
        let needsOwn = expectedOwn != nil && !(expectedAll == 1 && own <= 2)
        #expect(changes.contains { if case .set(eth, _, let to) = $0 { to == expectedOwn } else { false } } == needsOwn)
        let allSysctl = IPv4Sysctl(.arpIgnore, of: .all)
        #expect(
            changes.compactMap { if case .set(allSysctl, _, let to) = $0 { to } else { nil } }
                == (expectedAll.map { [$0] } ?? []))
        // Whatever was planned must be enough, by the same rule the kernel has.
        var after = host
        for case .set(let sysctl, _, let to) in changes {
            switch sysctl.scope {
            case .all: after.all[sysctl.key] = to
            case .interface: after.interfaces[1].ipv4?[sysctl.key] = to
            }
        }
        let effective = max(after.all.ignore, after.interfaces[1].ipv4?.ignore ?? 0)
        #expect([1, 2, 8].contains(effective))
    }

    @Test(
        "arp_announce must be effectively 2: a larger number acts as 0",
        arguments: [
            (0, 0, true), (0, 1, true), (0, 2, false), (2, 0, false), (1, 2, false), (0, 3, true), (2, 3, true),
        ])
    func arpAnnounce(all: Int, own: Int, isChanged: Bool) {
        let host = Self.host([Self.eth(0, ignore: 1, announce: own)], all: IPv4Settings(ignore: 0, announce: all))
        let commands = Self.commands(Plan(Self.request, host: host))
        #expect(commands.contains("sysctl -w net.ipv4.conf.eth0.arp_announce=2") == isChanged)
    }

    @Test("an interface that does not speak ARP, or has no IPv4, is left alone")
    func quietInterfaces() {
        let off = HostSnapshot.Interface(index: 9, name: "small0", ipv4: nil)
        let plan = Plan(Self.request, host: Self.host([Self.eth(0, speaksARP: false), off]))
        #expect(Self.commands(plan) == ["ip addr add 192.0.2.10/32 dev lo label lo:rsagent"])
    }

    @Test("a host that is fit needs nothing")
    func fit() {
        let host = Self.host(
            [Self.eth(0, ignore: 1, announce: 2)], addresses: [.init(interface: 1, address: Self.vip)])
        #expect(Plan(Self.request, host: host).isEmpty)
    }

    @Test("no VIP to hide: nothing is asked of the interfaces")
    func nothingToHide() {
        #expect(Plan(SetupRequest(directRoutingVIPs: []), host: Self.host([Self.eth(0)])).isEmpty)
    }

    @Test(
        "a VIP placed where it answers, covers a network or is dead is refused with the command that removes it",
        arguments: [
            (HostSnapshot.Address(interface: 2, address: vip, prefixLength: 32), "ip addr del 192.0.2.10/32 dev eth0"),
            (HostSnapshot.Address(interface: 2, address: vip, prefixLength: 24), "ip addr del 192.0.2.10/24 dev eth0"),
            (HostSnapshot.Address(interface: 1, address: vip, prefixLength: 24), "ip addr del 192.0.2.10/24 dev lo"),
            (HostSnapshot.Address(interface: 4, address: vip, prefixLength: 32), "ip addr del 192.0.2.10/32 dev eth2"),
        ])
    func misplaced(address: HostSnapshot.Address, cure: String) {
        let host = Self.host(
            [Self.eth(0), Self.eth(1, speaksARP: false), Self.eth(2, speaksARP: false, isUp: false)],
            addresses: [address])
        let plan = Plan(Self.request, host: host)
        #expect(plan.refusals.count == 1)
        #expect(plan.refusals.first?.cure.contains(cure) == true)
        #expect(!plan.problems(for: "192.0.2.10").isEmpty)
        #expect(plan.problems(for: "192.0.2.99").allSatisfy { !$0.contains("192.0.2.10") })
    }

    @Test("a VIP placed by hand on dummy0, which takes no ARP, stays there; the interfaces are silenced")
    func adopted() {
        let host = Self.host(
            [Self.eth(0), Self.eth(1, speaksARP: false)], addresses: [.init(interface: 3, address: Self.vip)])
        let plan = Plan(Self.request, host: host)
        #expect(plan.refusals.isEmpty)
        #expect(
            Self.commands(plan) == [
                "sysctl -w net.ipv4.conf.eth0.arp_ignore=1", "sysctl -w net.ipv4.conf.eth0.arp_announce=2",
            ])
    }

    @Test("a loopback interface that is down is refused: nothing on it would be delivered")
    func loopbackDown() {
        var host = Self.host([Self.eth(0)])
        host.interfaces[0].isUp = false
        let plan = Plan(Self.request, host: host)
        #expect(plan.steps.isEmpty && plan.refusals.map(\.cure) == ["bring it up: ip link set lo up"])
    }

    @Test("a VIP of ours that is no longer asked for goes; one placed by hand stays")
    func withdrawn() {
        let old = IPv4Address(192, 0, 2, 11)
        let manual = IPv4Address(192, 0, 2, 12)
        let host = Self.host(
            [Self.eth(0, ignore: 1, announce: 2)],
            addresses: [
                .init(interface: 1, address: Self.vip, label: "lo:rsagent"),
                .init(interface: 1, address: old, label: "lo:rsagent"),
                .init(interface: 1, address: manual, label: "lo"),
            ])
        let plan = Plan(
            Self.request, host: host, ownership: Ownership(made: [.vip(Self.vip), .vip(old), .vip(manual)]))
        #expect(Self.commands(plan) == ["ip addr del 192.0.2.11/32 dev lo"])
    }

    @Test("an interface name with a dot is written as sysctl(8) takes it")
    func dottedName() {
        let vlan = HostSnapshot.Interface(index: 7, name: "eth0.100", ipv4: IPv4Settings(ignore: 0, announce: 2))
        let plan = Plan(Self.request, host: Self.host([vlan]))
        #expect(Self.commands(plan).first == "sysctl -w net/ipv4/conf/eth0.100/arp_ignore=1")
    }
}
