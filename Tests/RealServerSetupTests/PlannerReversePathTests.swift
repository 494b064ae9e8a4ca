import ConfigurationFile
import Netlink
import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("What is planned for rp_filter")
struct PlannerReversePathTests {
    /// A device that takes IP in IP, set up by hand.
    enum Device: String, CaseIterable {
        case fallback = "tunl0"
        case external = "ipip0"
        case bound = "ipip1"

        func interface(_ rpFilter: Int) -> HostSnapshot.Interface {
            let tunnel =
                switch self {
                case .fallback: Tunnel(kind: .ipip, local: nil, innerProtocol: 0)
                case .external: Tunnel(kind: .ipip, local: nil, isExternal: true, innerProtocol: 4)
                case .bound: Tunnel(kind: .ipip, local: PlannedHost.rip, innerProtocol: 4)
                }
            return HostSnapshot.Interface(
                index: 3, name: rawValue, speaksARP: false, ipv4: IPv4Settings(reversePathFilter: rpFilter),
                tunnel: tunnel)
        }
    }

    /// Where the VIP is, and what else is on the device.
    enum Placement: String, CaseIterable {
        case onLoopback = "VIP on lo"
        case onLoopbackWithAddress = "VIP on lo, 127.0.0.42/32 on the device"
        case onDevice = "VIP on the device"

        var addresses: [HostSnapshot.Address] {
            switch self {
            case .onLoopback: [.init(interface: 1, "192.0.2.10/32")]
            case .onLoopbackWithAddress:
                [.init(interface: 1, "192.0.2.10/32"), .init(interface: 3, "127.0.0.42/32", isNeverSource: true)]
            case .onDevice: [.init(interface: 3, "192.0.2.10/32")]
            }
        }
    }

    /// Whether the kernel lets in what the device unpacked: everything at 0, with an address of its own also at 2, and what
    /// counts is the larger value (`__fib_validate_source`, net/ipv4/fib_frontend.c; each row measured).
    private func letsIn(_ host: HostSnapshot) -> Bool {
        let effective = max(host.all.reversePathFilter, host.interface(3)?.ipv4?.reversePathFilter ?? 0)
        return effective == 0 || effective == 2 && host.addresses.contains { $0.interface == 3 }
    }

    @Test(
        "a device set up by hand is made to let packets in by the smallest change that works, whatever all is",
        arguments: Device.allCases, Placement.allCases)
    func reversePath(device: Device, placement: Placement) {
        for all in 0...2 {
            for own in 0...2 {
                let host = PlannedHost.snapshot([device.interface(own)], addresses: placement.addresses, all: all)
                let plan = Plan(PlannedHost.request(.tun), host: host)
                let row: Comment = "\(device.rawValue), \(placement.rawValue), all \(all), device \(own)"
                #expect(plan.refusals.isEmpty, row)
                let steps = plan.steps.filter { $0.topic == .reversePath }
                // The rest is the lock on the door; the device and the VIP stay as they are.
                #expect(steps.count == plan.steps.count - 1 && plan.steps.first?.topic == .lockdown, row)
                #expect(letsIn(host) == steps.isEmpty, row)
                for omitted in 0..<max(steps.count, 1) {
                    var without = host
                    for (place, step) in steps.enumerated() where place != omitted { without.foresee(step.change) }
                    #expect(letsIn(without) == steps.isEmpty, "\(row): \(omitted) is not needed")
                }
                let mended = PlannedHost.after(plan, host).host
                #expect(letsIn(mended) && mended.all == host.all, row)
                #expect(Plan(PlannedHost.request(.tun), host: mended).isEmpty, row)
            }
        }
    }

    @Test("the changes for rp_filter by the row: 0 where all is 0, else 2 and an address")
    func reversePathRows() {
        let rows: [(all: Int, own: Int, Placement, [String])] = [
            (0, 1, .onLoopback, ["sysctl -w net.ipv4.conf.tunl0.rp_filter=0"]),
            (0, 2, .onLoopback, ["sysctl -w net.ipv4.conf.tunl0.rp_filter=0"]),
            (0, 1, .onLoopbackWithAddress, ["sysctl -w net.ipv4.conf.tunl0.rp_filter=0"]),
            (0, 2, .onLoopbackWithAddress, []), (0, 2, .onDevice, []),
            (0, 1, .onDevice, ["sysctl -w net.ipv4.conf.tunl0.rp_filter=0"]),
            (1, 0, .onDevice, ["sysctl -w net.ipv4.conf.tunl0.rp_filter=2"]),
            (1, 2, .onDevice, []),
            (2, 0, .onLoopback, ["ip addr add 127.0.0.42/32 dev tunl0 label tunl0:rsagent scope host"]),
            (1, 2, .onLoopback, ["ip addr add 127.0.0.42/32 dev tunl0 label tunl0:rsagent scope host"]),
            (
                1, 1, .onLoopback,
                [
                    "ip addr add 127.0.0.42/32 dev tunl0 label tunl0:rsagent scope host",
                    "sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
                ]
            ),
        ]
        for (all, own, placement, expected) in rows {
            let host = PlannedHost.snapshot([Device.fallback.interface(own)], addresses: placement.addresses, all: all)
            let plan = Plan(PlannedHost.request(.tun, isLockedDown: false), host: host)
            let commands = plan.steps.filter { $0.topic == .reversePath }.map { "\($0.change)" }
            #expect(commands == expected, "all \(all), device \(own), \(placement.rawValue)")
            for step in plan.steps where step.topic == .reversePath {
                #expect(step.reason.contains("(tunl0 \(own), all \(all))"))
            }
        }
    }

    @Test("a device of our own that begins with a strict rp_filter is relaxed before it is set up")
    func strictDefault() {
        for (all, expected) in [
            (0, ["sysctl -w net.ipv4.conf.rsagent-ipip.rp_filter=0"]),
            (
                1,
                [
                    "sysctl -w net.ipv4.conf.rsagent-ipip.rp_filter=2",
                    "ip addr add 127.0.0.42/32 dev rsagent-ipip scope host",
                ]
            ),
        ] {
            var host = PlannedHost.snapshot(all: all)
            host.defaults.reversePathFilter = 1
            let commands = PlannedHost.commands(Plan(PlannedHost.request(.tun), host: host))
            #expect(Array(commands.dropFirst(3)) == expected + ["ip link set rsagent-ipip up"])
        }
    }

    @Test("an address that a device needs is put back where it was removed, and stays once it is on record")
    func addressOfDevice() {
        var host = PlannedHost.snapshot(all: 1)
        host.defaults.reversePathFilter = 1
        let request = PlannedHost.request(.tun)
        var (after, ownership) = PlannedHost.after(Plan(request, host: host), host)
        #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        for _ in 0..<3 {
            after.addresses.removeAll { $0.prefix.address == Planner.deviceAddress }
            let plan = Plan(request, host: after, ownership: ownership)
            #expect(PlannedHost.commands(plan) == ["ip addr add 127.0.0.42/32 dev rsagent-ipip scope host"])
            (after, ownership) = PlannedHost.after(plan, after, ownership)
            #expect(Plan(request, host: after, ownership: ownership).isEmpty)
            // Strict once more: the address is there, and is still needed.
            for place in after.interfaces.indices where after.interfaces[place].name == "rsagent-ipip" {
                after.interfaces[place].ipv4?.reversePathFilter = 1
            }
            let relaxed = Plan(request, host: after, ownership: ownership)
            #expect(PlannedHost.commands(relaxed) == ["sysctl -w net.ipv4.conf.rsagent-ipip.rp_filter=2"])
            (after, ownership) = PlannedHost.after(relaxed, after, ownership)
        }
        // all is 0 and stays so: then it is not needed any more.
        after.all.reversePathFilter = 0
        for place in after.interfaces.indices { after.interfaces[place].ipv4?.reversePathFilter = 0 }
        let plan = Plan(request, host: after, ownership: ownership)
        #expect(PlannedHost.commands(plan) == ["ip addr del 127.0.0.42/32 dev rsagent-ipip"])
    }
}
