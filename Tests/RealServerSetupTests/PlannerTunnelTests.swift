import ConfigurationFile
import Netlink
import NetworkAddress
import PacketFilter
import Testing

@testable import RealServerSetup

@Suite("What is planned for tunnels")
struct PlannerTunnelTests {
    @Test("a fresh host: guard first, then the VIP, then the device, which is set up last")
    func fresh() {
        let plan = Plan(PlannedHost.request(.tun), host: PlannedHost.snapshot())
        #expect(plan.refusals.isEmpty)
        #expect(
            PlannedHost.commands(plan).map { $0.prefix { $0 != "#" } } == [
                "nft add table inet rsagent  ", "ip addr add 192.0.2.10/32 dev lo label lo:rsagent",
                "ip link add rsagent-ipip type ipip local 10.0.0.11", "ip link set rsagent-ipip up",
            ])
    }

    struct Shape: CustomTestStringConvertible {
        var type: TunnelType
        var vip: IPAddress
        var director: IPAddress
        var device: String
        var maximum: UInt16
        var entrances: [GuardTable.Entrance]

        var testDescription: String { "\(type.rawValue), \(vip) in packets from \(director)" }
    }

    /// What each encapsulation needs, and what its MTU leaves for a segment (measured: 1500 on the link).
    static let shapes: [Shape] = {
        let (v4, v6, dip, dip6) = (PlannedHost.vip, PlannedHost.vip6, PlannedHost.dip, PlannedHost.dip6)
        let (rip, rip6) = (PlannedHost.rip, PlannedHost.rip6)
        let both: [GuardTable.Entrance] = [.ip(protocol: 4, local: rip6), .ip(protocol: 41, local: rip6)]
        return [
            Shape(
                type: .ipip, vip: v4, director: dip, device: "rsagent-ipip", maximum: 1440,
                entrances: [.ip(protocol: 4, local: rip)]),
            Shape(
                type: .ipip, vip: v6, director: dip, device: "rsagent-sit", maximum: 1420,
                entrances: [.ip(protocol: 41, local: rip)]),
            Shape(type: .ipip, vip: v4, director: dip6, device: "rsagent-ip6tnl", maximum: 1420, entrances: both),
            Shape(type: .ipip, vip: v6, director: dip6, device: "rsagent-ip6tnl", maximum: 1400, entrances: both),
            Shape(
                type: .gre, vip: v4, director: dip, device: "rsagent-gre", maximum: 1436,
                entrances: [.ip(protocol: 47, local: rip)]),
            Shape(
                type: .gre, vip: v6, director: dip6, device: "rsagent-ip6gre", maximum: 1396,
                entrances: [.ip(protocol: 47, local: rip6)]),
            Shape(
                type: .gue, vip: v4, director: dip, device: "rsagent-ipip", maximum: 1428,
                entrances: [.ip(protocol: 4, local: rip), .udp(port: 6080, local: rip)]),
            Shape(
                type: .gue, vip: v6, director: dip, device: "rsagent-sit", maximum: 1408,
                entrances: [.ip(protocol: 41, local: rip), .udp(port: 6080, local: rip)]),
        ]
    }()

    @Test("each encapsulation has its device, its entrance and its segment size, and is stable", arguments: shapes)
    func shaped(shape: Shape) {
        let host = PlannedHost.snapshot(isDualStack: true)
        let request = PlannedHost.request(
            .tun, vips: [shape.vip], directors: [shape.director], tunnel: shape.type)
        let plan = Plan(request, host: host)
        #expect(plan.refusals.isEmpty)
        var devices: [String] = []
        var guards: [GuardTable] = []
        var ports: [EncapsulationPort] = []
        for step in plan.steps {
            switch step.change {
            case .add(.tunnel(_, let name)): devices.append(name)
            case .add(.guardTable(let table)): guards.append(table)
            case .add(.encapsulationPort(let port)): ports.append(port)
            default: break
            }
        }
        #expect(devices == [shape.device])
        let local = shape.director.v6 != nil ? PlannedHost.rip6 : PlannedHost.rip
        #expect(ports == (shape.type == .gue ? [EncapsulationPort(local: local, port: 6080)] : []))
        #expect(guards.count == 1 && guards[0].devices == [shape.device] && guards[0].vips == [shape.vip])
        #expect(guards[0].sources == [Prefix(host: shape.director)])
        #expect(guards[0].segmentSizes == [.init(vip: shape.vip, maximum: shape.maximum)])
        #expect(Set(guards[0].entrances) == Set(shape.entrances))
        let (after, ownership) = PlannedHost.after(plan, host)
        #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        #expect(Plan(request, host: after, ownership: ownership).adoptions.isEmpty)
    }

    @Test("directors of both families and VIPs of both: a device for each pair, and the smallest segment counts")
    func bothFamilies() {
        let request = PlannedHost.request(
            .tun, vips: [PlannedHost.vip, PlannedHost.vip6], directors: [PlannedHost.dip, PlannedHost.dip6])
        let plan = Plan(request, host: PlannedHost.snapshot(isDualStack: true))
        let devices = plan.steps.compactMap { if case .add(.tunnel(_, let name)) = $0.change { name } else { nil } }
        #expect(Set(devices) == ["rsagent-ipip", "rsagent-sit", "rsagent-ip6tnl"])
        let table = plan.steps.compactMap { if case .add(.guardTable(let table)) = $0.change { table } else { nil } }
        #expect(table.first?.segmentSizes.map(\.maximum) == [1420, 1400])
    }

    @Test("GUE for VIPs of both families comes in by one port of each of this host's addresses")
    func sharedPort() {
        let request = PlannedHost.request(
            .tun, vips: [PlannedHost.vip, PlannedHost.vip6], directors: [PlannedHost.dip, PlannedHost.dip6],
            tunnel: .gue)
        let plan = Plan(request, host: PlannedHost.snapshot(isDualStack: true))
        #expect(
            PlannedHost.commands(plan).filter { $0.hasPrefix("ip fou") } == [
                "ip fou add port 6080 gue local 10.0.0.11", "ip fou add port 6080 gue local fd00::11 -6",
            ])
    }

    @Test("without the lock-down nothing is guarded but the segment size")
    func unlocked() {
        let plan = Plan(PlannedHost.request(.tun, isLockedDown: false), host: PlannedHost.snapshot())
        let tables = plan.steps.compactMap { if case .add(.guardTable(let table)) = $0.change { table } else { nil } }
        #expect(tables.count == 1)
        #expect(tables.first?.entrances.isEmpty == true && tables.first?.devices.isEmpty == true)
        #expect(tables.first?.segmentSizes.count == 1)
    }

    @Test("a device that takes packets for any address is guarded for any address")
    func unboundDevice() {
        let device = PlannerReversePathTests.Device.fallback.interface(0)
        let host = PlannedHost.snapshot(
            [device], addresses: PlannerReversePathTests.Placement.onDevice.addresses)
        let plan = Plan(PlannedHost.request(.tun), host: host)
        let tables = plan.steps.compactMap { if case .add(.guardTable(let table)) = $0.change { table } else { nil } }
        #expect(tables.first?.entrances == [.ip(protocol: 4, local: "0.0.0.0")])
        #expect(tables.first?.devices == ["tunl0"])
    }

    @Test(
        "a device that is down, bound to a sender, keyed, bound to another address or for the other family is not used",
        arguments: [
            (Tunnel(kind: .ipip, local: nil, innerProtocol: 0), false),
            (Tunnel(kind: .ipip, local: nil, remote: "10.0.0.77", innerProtocol: 0), true),
            (Tunnel(kind: .ipip, local: "10.9.9.9", innerProtocol: 0), true),
            (Tunnel(kind: .ipip, local: nil, innerProtocol: 41), true),
            (Tunnel(kind: .gre, local: nil, innerProtocol: 0), true),
        ])
    func unusable(tunnel: Tunnel, isUp: Bool) {
        let device = HostSnapshot.Interface(
            index: 3, name: "other0", isUp: isUp, speaksARP: false, ipv4: IPv4Settings(), tunnel: tunnel)
        let commands = PlannedHost.commands(Plan(PlannedHost.request(.tun), host: PlannedHost.snapshot([device])))
        #expect(commands.contains("ip link add rsagent-ipip type ipip local 10.0.0.11"))
    }

    @Test("a device that is bound to a director takes its packets ahead of ours, unguarded: it is refused by name")
    func boundToDirector() {
        for local in [nil, "10.0.0.11"] as [IPAddress?] {
            let device = HostSnapshot.Interface(
                index: 3, name: "other0", speaksARP: false, ipv4: IPv4Settings(),
                tunnel: Tunnel(kind: .ipip, local: local, remote: "10.0.0.1", innerProtocol: 0))
            let plan = Plan(PlannedHost.request(.tun), host: PlannedHost.snapshot([device]))
            #expect(plan.refusals.map(\.topic) == [.tunnel])
            #expect(plan.refusals.first?.description.contains("ip link del other0") == true)
        }
    }

    @Test(
        "a device that belongs to someone else is refused by name, and is not touched",
        arguments: [
            ("cilium_ipip4", [], true, "Cilium"),
            ("tunl0", ["10.244.7.1/32"], false, "10.244.7.1/32"),
            ("flannel.ipip", ["10.42.0.0/32"], false, "10.42.0.0/32"),
        ] as [(String, [String], Bool, String)])
    func foreign(name: String, addresses: [String], isExternal: Bool, owner: String) {
        let device = HostSnapshot.Interface(
            index: 3, name: name, speaksARP: false, ipv4: IPv4Settings(reversePathFilter: 1),
            tunnel: Tunnel(kind: .ipip, local: nil, isExternal: isExternal, innerProtocol: 4))
        let host = PlannedHost.snapshot([device], addresses: addresses.map { .init(interface: 3, $0) })
        let plan = Plan(PlannedHost.request(.tun), host: host)
        #expect(plan.refusals.count == 1)
        let text = plan.refusals.first?.description ?? ""
        #expect(text.contains(name) && text.contains(owner) && text.contains("another kind of tunnel"), "\(text)")
        #expect(!PlannedHost.commands(plan).contains { $0.contains(name) && !$0.hasPrefix("nft") })
        #expect(plan.problems(for: "web").contains { $0.contains(name) })
    }

    @Test("a device of our name that is not on record is not taken over; one that is, is made anew")
    func name() {
        let device = HostSnapshot.Interface(
            index: 3, name: "rsagent-ipip", speaksARP: false, ipv4: IPv4Settings(),
            tunnel: Tunnel(kind: .ipip, local: "10.0.0.99", innerProtocol: 4))
        let host = PlannedHost.snapshot([device])
        let plan = Plan(PlannedHost.request(.tun), host: host)
        #expect(plan.refusals.map(\.topic) == [.tunnel])
        #expect(plan.refusals.first?.cure.contains("ip link del rsagent-ipip") == true)
        // The RIP has changed since: what was made for the old one goes, and comes again for the new one.
        let old = HostObject.tunnel(Tunnel(kind: .ipip, local: "10.0.0.99", innerProtocol: 4), name: "rsagent-ipip")
        let again = Plan(PlannedHost.request(.tun), host: host, ownership: Ownership(made: [old]))
        #expect(again.refusals.isEmpty)
        let commands = PlannedHost.commands(again)
        #expect(
            commands.first == "ip link del rsagent-ipip"
                && commands.contains("ip link add rsagent-ipip type ipip local 10.0.0.11")
                && commands.last == "ip link set rsagent-ipip up", "\(commands)")
    }

    @Test(
        "a part the kernel lacks is refused at plan time, with the module and the package",
        arguments: [
            (KernelPart.ipip, TunnelType.ipip, PlannedHost.vip, "modprobe ipip"),
            (.sit, .ipip, PlannedHost.vip6, "modprobe sit"), (.gre, .gre, PlannedHost.vip, "modprobe ip_gre"),
            (.fou, .gue, PlannedHost.vip, "modprobe fou"), (.ipip, .gue, PlannedHost.vip, "modprobe ipip"),
            (.nftables, .ipip, PlannedHost.vip, "modprobe nf_tables"),
        ])
    func missingPart(part: KernelPart, type: TunnelType, vip: IPAddress, command: String) {
        var host = PlannedHost.snapshot()
        host.missingParts = [part]
        let plan = Plan(PlannedHost.request(.tun, vips: [vip], tunnel: type), host: host)
        #expect(plan.refusals.map(\.topic) == [.kernel])
        let text = plan.refusals.first?.description ?? ""
        #expect(text.contains(part.rawValue) && text.contains(command) && text.contains("linux-image-amd64"), "\(text)")
        #expect(plan.problems(for: "web").contains { $0.contains("this kernel has no \(part.rawValue)") })
    }

    @Test("a part the kernel lacks is no matter where a device is there already, or nothing needs it")
    func partNotNeeded() {
        var host = PlannedHost.snapshot()
        host.missingParts = [.sit, .gre, .fou]
        #expect(Plan(PlannedHost.request(.tun), host: host).refusals.isEmpty)
        host.missingParts = Set(KernelPart.allCases)
        #expect(Plan(PlannedHost.request(.dr), host: host).refusals.isEmpty)
    }

    @Test("the tunnel's kind is changed: the old device goes, the new one comes, the guard is replaced and not removed")
    func kindChanged() {
        let host = PlannedHost.snapshot()
        let (after, ownership) = PlannedHost.after(Plan(PlannedHost.request(.tun), host: host), host)
        let plan = Plan(PlannedHost.request(.tun, tunnel: .gre), host: after, ownership: ownership)
        #expect(
            PlannedHost.commands(plan).map { $0.prefix { $0 != "#" } } == [
                "ip link del rsagent-ipip", "nft add table inet rsagent  ",
                "ip link add rsagent-gre type gre local 10.0.0.11", "ip link set rsagent-gre up",
            ])
        let (end, record) = PlannedHost.after(plan, after, ownership)
        #expect(Plan(PlannedHost.request(.tun, tunnel: .gre), host: end, ownership: record).isEmpty)
        // Direct routing needs none of it.
        let direct = PlannedHost.commands(Plan(PlannedHost.request(.dr), host: end, ownership: record))
        #expect(direct == ["ip link del rsagent-gre", "nft delete table inet rsagent"])
    }

    @Test("the directors are changed: the guard is, and nothing else")
    func directorsChanged() {
        let host = PlannedHost.snapshot()
        let (after, ownership) = PlannedHost.after(Plan(PlannedHost.request(.tun), host: host), host)
        let plan = Plan(PlannedHost.request(.tun, directors: ["10.0.0.7"]), host: after, ownership: ownership)
        #expect(plan.steps.map(\.topic) == [.lockdown])
        #expect(plan.steps.first?.reason.contains("table inet rsagent") == true)
    }

    @Test("while the interface that faces the director, or an address on it, is gone, nothing of ours is withdrawn")
    func interfaceGone() {
        let request = PlannedHost.request(
            .tun, vips: [PlannedHost.vip, PlannedHost.vip6], directors: [PlannedHost.dip, PlannedHost.dip6])
        let host = PlannedHost.snapshot(isDualStack: true)
        let (after, ownership) = PlannedHost.after(Plan(request, host: host), host)
        #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        for lost in [["10.0.0.11/24"], ["fd00::11/64"], ["10.0.0.11/24", "fd00::11/64"]] {
            var without = after
            without.addresses.removeAll { lost.contains($0.prefix.description) && $0.interface == 2 }
            let plan = Plan(request, host: without, ownership: ownership)
            #expect(plan.steps.isEmpty, "\(lost): \(PlannedHost.commands(plan))")
            // The directors' packets may all come in the other family.
            #expect(plan.refusals.isEmpty == (lost.count == 1), "\(lost): \(plan.refusals)")
            without.interfaces.removeAll { $0.index == 2 }
            without.facing = nil
            without.addresses.removeAll { $0.interface == 2 }
            #expect(Plan(request, host: without, ownership: ownership).steps.isEmpty)
        }
    }

    @Test("with a director of a family that this host does not have, a VIP that is added is let in all the same")
    func familyNeverThere() {
        let host = PlannedHost.snapshot()
        let request = { (vips: [IPAddress]) in
            PlannedHost.request(.tun, vips: vips, directors: [PlannedHost.dip, PlannedHost.dip6])
        }
        let (after, ownership) = PlannedHost.after(Plan(request([PlannedHost.vip]), host: host), host)
        let plan = Plan(request([PlannedHost.vip, "192.0.2.11"]), host: after, ownership: ownership)
        let tables = plan.steps.compactMap { if case .add(.guardTable(let table)) = $0.change { table } else { nil } }
        #expect(tables.first?.vips == [PlannedHost.vip, "192.0.2.11"])
    }
}
