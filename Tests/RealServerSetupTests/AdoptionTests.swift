import ConfigurationFile
import Lab
import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("VIPs that somebody else had placed")
struct AdoptionTests {
    private static let vip = PlannedHost.vip
    private static let quiet = HostSnapshot.Interface(
        index: 3, name: "quiet0", speaksARP: false, ipv4: IPv4Settings())

    /// Where a VIP may have been placed by hand, as it comes back.
    private static let places: [(address: HostSnapshot.Address, command: String)] = [
        (.init(interface: 1, "192.0.2.10/32", label: "lo"), "ip addr add 192.0.2.10/32 dev lo label lo"),
        (.init(interface: 1, "192.0.2.10/32", label: "lo:7"), "ip addr add 192.0.2.10/32 dev lo label lo:7"),
        (
            .init(interface: 1, "192.0.2.10/32", label: "lo", isNeverSource: true),
            "ip addr add 192.0.2.10/32 dev lo label lo scope host"
        ),
        (.init(interface: 3, "192.0.2.10/32", label: "quiet0"), "ip addr add 192.0.2.10/32 dev quiet0 label quiet0"),
    ]

    @Test("a VIP in a good place is adopted as it was found, once, and comes back there where it vanishes")
    func comesBack() {
        for (address, command) in Self.places {
            let host = PlannedHost.snapshot([Self.quiet], addresses: [address])
            let plan = Plan(PlannedHost.request(), host: host)
            #expect(plan.isEmpty && plan.adoptions.count == 1)
            let ownership = PlannedHost.after(plan, host).ownership
            #expect(Plan(PlannedHost.request(), host: host, ownership: ownership).adoptions.isEmpty)
            let without = PlannedHost.snapshot([Self.quiet])
            let again = Plan(PlannedHost.request(), host: without, ownership: ownership)
            #expect(PlannedHost.commands(again) == [command])
            // It was put back in their name: nothing of it is rsagent's.
            #expect(PlannedHost.after(again, without, ownership).ownership.made.isEmpty)
        }
    }

    @Test("where the place is gone or down it comes back on lo, as rsagent's own")
    func placeGone() {
        let host = PlannedHost.snapshot([Self.quiet], addresses: [Self.places[3].address])
        let ownership = PlannedHost.after(Plan(PlannedHost.request(), host: host), host).ownership
        var down = Self.quiet
        down.isUp = false
        for interfaces in [[], [down]] {
            let plan = Plan(
                PlannedHost.request(), host: PlannedHost.snapshot(interfaces), ownership: ownership)
            #expect(PlannedHost.commands(plan) == ["ip addr add 192.0.2.10/32 dev lo label lo:rsagent"])
        }
    }

    @Test("one that is no longer in the configuration stays where it was put by hand")
    func notWithdrawn() {
        let host = PlannedHost.snapshot(addresses: [Self.places[0].address])
        let ownership = PlannedHost.after(Plan(PlannedHost.request(), host: host), host).ownership
        let other = PlannedHost.request(vips: ["192.0.2.11"])
        #expect(
            PlannedHost.commands(Plan(other, host: host, ownership: ownership))
                == ["ip addr add 192.0.2.11/32 dev lo label lo:rsagent"])
    }

    @Test("scope = \"host\": the VIP is added so, arp_ignore 3 is enough, and a change of the scope replaces the VIP")
    func scope() {
        var host = PlannedHost.snapshot()
        host.interfaces[1].ipv4 = IPv4Settings()
        let request = PlannedHost.request(scope: .host)
        let plan = Plan(request, host: host)
        #expect(
            PlannedHost.commands(plan) == [
                "sysctl -w net.ipv4.conf.eth0.arp_ignore=3", "sysctl -w net.ipv4.conf.eth0.arp_announce=2",
                "ip addr add 192.0.2.10/32 dev lo label lo:rsagent scope host",
            ])
        let (after, ownership) = PlannedHost.after(plan, host)
        #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        let global = Plan(PlannedHost.request(), host: after, ownership: ownership)
        #expect(
            PlannedHost.commands(global) == [
                "ip addr del 192.0.2.10/32 dev lo", "sysctl -w net.ipv4.conf.eth0.arp_ignore=1",
                "ip addr add 192.0.2.10/32 dev lo label lo:rsagent",
            ])
        let (end, record) = PlannedHost.after(global, after, ownership)
        #expect(Plan(PlannedHost.request(), host: end, ownership: record).isEmpty)
        // And back: 1 hides it as well, so it stays.
        #expect(
            PlannedHost.commands(Plan(request, host: end, ownership: record)) == [
                "ip addr del 192.0.2.10/32 dev lo", "ip addr add 192.0.2.10/32 dev lo label lo:rsagent scope host",
            ])
    }

    @Test("an IPv6 VIP is placed by hand as well, and scope host means that it is deprecated")
    func ipv6() {
        let request = PlannedHost.request(vips: [PlannedHost.vip6], scope: .host)
        let host = PlannedHost.snapshot()
        #expect(
            PlannedHost.commands(Plan(request, host: host)) == ["ip addr add 2001:db8::10/128 dev lo preferred_lft 0"])
        let byHand = PlannedHost.snapshot(addresses: [.init(interface: 1, "2001:db8::10/128")])
        let plan = Plan(request, host: byHand)
        #expect(plan.isEmpty && plan.adoptions.count == 1)
    }

    @Test("an IPv6 VIP where IPv6 is switched off is refused with the command that switches it on; IPv4 goes on")
    func ipv6Off() {
        var host = PlannedHost.snapshot()
        host.isIPv6Disabled = true
        let plan = Plan(PlannedHost.request(vips: [Self.vip, PlannedHost.vip6]), host: host)
        #expect(plan.refusals.map(\.topic) == [.vip])
        #expect(plan.refusals.first?.cure.contains("sysctl -w net.ipv6.conf.lo.disable_ipv6=0") == true)
        #expect(PlannedHost.commands(plan) == ["ip addr add 192.0.2.10/32 dev lo label lo:rsagent"])
        #expect(Plan(PlannedHost.request(), host: host).refusals.isEmpty)
    }

    @Test(
        "against the kernel: removed while the agent keeps the host, it comes back as it was, and stays after teardown",
        .enabled(if: FreshNamespace.isAvailable),
        arguments: [
            ["ip addr add 192.0.2.10/32 dev lo"], ["ip addr add 192.0.2.10/32 dev lo label lo:7 scope host"],
            ["ip addr add 192.0.2.10/32 dev quiet0"],
            ["ip addr add 192.0.2.10/32 dev lo", "ip addr add 192.0.2.10/32 dev quiet0"],
        ])
    func kernel(commands: [String]) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try KernelTests.host([
                "ip link add quiet0 type veth peer name quiet1", "ip link set quiet0 arp off up",
                "ip link set quiet1 arp off up",
            ])
            for command in commands { try Command.require(command) }
            try SetupHost.settle()
            let before = try HostText.read(filesBelow: scratch.path)
            let setup = KernelTests.setup(scratch)
            do {
                let directory = try RunDirectory.making("\(scratch.path)/run")
                _ = try setup.apply(in: directory)
                var record = Record(try directory.beginJournal())
                let kept = try Command.require("ip addr show").output
                for _ in 0..<3 {
                    for command in commands {
                        let words = command.split(separator: " ").map(String.init)
                        // Of two places only one comes back.
                        let removal = try Command.run(["ip", "addr", "del", words[3], "dev", words[5]])
                        #expect(removal.status == 0 || commands.count > 1)
                    }
                    _ = try setup.repair(&record, in: directory)
                    #expect(try setup.plan().isEmpty)
                }
                if commands.count == 1 { #expect(try Command.require("ip addr show").output == kept) }
            }
            _ = try setup.teardown()
            if commands.count == 1 { try KernelTests.expect(before, scratch, #_sourceLocation) }
        }
    }
}
