import ConfigurationFile
import Netlink
import NetworkAddress
import PacketFilter
import Testing

@testable import RealServerSetup

@Suite("What is planned for answers that go back by way of the director")
struct PlannerReplyTests {
    private static let vip = PlannedHost.vip
    private static let vip6 = PlannedHost.vip6

    private static func nat(
        ports: [UInt16] = [80], realPort: UInt16? = nil, transport: TransportProtocol = .tcp
    ) -> SetupRequest {
        SetupRequest(
            AgentConfiguration(
                directors: [PlannedHost.dip],
                services: [
                    AgentConfiguration.Service(
                        name: "web", vips: [vip], ports: ports, transport: transport, forward: .nat,
                        realPort: realPort)
                ]))
    }

    private static func route(by gateway: IPAddress, table: UInt32 = Planner.table) -> Route {
        Route(
            destination: gateway.v6 != nil ? "::/0" : "0.0.0.0/0", gateway: gateway, interface: 2, table: table,
            metric: gateway.v6 != nil ? 1024 : 0)
    }

    /// What keeps the director from being left out by its own word.
    private static let steadfast = "nft add table inet rsagent  # no ICMP redirects on eth0"

    @Test("direct routing: a table with a route by the director, then a rule for the VIP, then the VIP")
    func directRouting() {
        let plan = Plan(PlannedHost.request(.dr, reply: .director), host: PlannedHost.snapshot())
        #expect(plan.refusals.isEmpty)
        #expect(
            PlannedHost.commands(plan) == [
                Self.steadfast, "ip route add default via 10.0.0.1 dev eth0 table 9380",
                "ip rule add from 192.0.2.10/32 lookup 9380 priority 9380",
                "ip addr add 192.0.2.10/32 dev lo label lo:rsagent",
            ])
    }

    @Test("each family has its own route and rules, by the director of its family; a plan carried out is stable")
    func bothFamilies() {
        let request = PlannedHost.request(
            .dr, vips: [Self.vip, Self.vip6], directors: [PlannedHost.dip6, PlannedHost.dip], reply: .director)
        let host = PlannedHost.snapshot(isDualStack: true)
        let plan = Plan(request, host: host)
        let commands = PlannedHost.commands(plan)
        #expect(commands.contains("ip route add default via 10.0.0.1 dev eth0 table 9380"), "\(commands)")
        #expect(commands.contains("ip -6 route add default via fd00::1 dev eth0 table 9380"))
        #expect(commands.contains("ip -6 rule add from 2001:db8::10/128 lookup 9380 priority 9380"))
        #expect(commands.count == 7)
        let (after, ownership) = PlannedHost.after(plan, host)
        #expect(Plan(request, host: after, ownership: ownership).isEmpty)
    }

    /// A way as the kernel would tell it.
    private static func way(
        _ outcome: RouteLookup.Outcome, by gateway: IPAddress? = nil, table: UInt32? = nil
    ) -> RouteLookup {
        RouteLookup(outcome: outcome, interface: 2, gateway: gateway, table: table)
    }

    @Test("what the rules of others make of answers is judged once ours are there, by the kernel's own answer")
    func departures() {
        let usual = Self.way(.unicast, by: "10.0.0.254", table: 254)
        for (way, isRefused) in [
            (Self.way(.unicast, by: PlannedHost.dip, table: Planner.table), false), (usual, true),
            (Self.way(.unreachable), true), (Self.way(.prohibited), true),
        ] {
            let request = PlannedHost.request(.dr, reply: .director)
            var host = PlannedHost.snapshot()
            let departure = HostSnapshot.Departure(source: Self.vip, port: 80, way: way, usualWay: usual)
            host.departures = [departure]
            let plan = Plan(request, host: host)
            #expect(plan.refusals.isEmpty, "before our own rule is there nobody is in its way")
            var (after, ownership) = PlannedHost.after(plan, host)
            #expect(after.departures.isEmpty)
            after.departures = [departure]
            let judged = Plan(request, host: after, ownership: ownership).refusals
            #expect(judged.isEmpty != isRefused, "\(way): \(judged)")
            #expect(judged.allSatisfy { $0.services == ["web"] && $0.topic == .reply })
        }
    }

    @Test("direct answers: a rule that drops them is told from a host that has no way out at all")
    func directDepartures() {
        let usual = Self.way(.unicast, by: "10.0.0.254", table: 254)
        for (way, usualWay, isRefused) in [
            (usual, usual, false), (Self.way(.unreachable), usual, true), (Self.way(.discarded), usual, true),
            (Self.way(.unreachable), Self.way(.unreachable), false),
        ] {
            var host = PlannedHost.snapshot()
            host.departures = [HostSnapshot.Departure(source: Self.vip, port: 80, way: way, usualWay: usualWay)]
            let refusals = Plan(PlannedHost.request(.dr), host: host).refusals
            #expect(refusals.isEmpty != isRefused, "\(way): \(refusals)")
        }
    }

    @Test("NAT: what is from the service's own ports on the RIP, and no VIP on this host")
    func translation() {
        for (request, sources) in [
            (Self.nat(), ["from 10.0.0.11/32 ipproto tcp sport 80"]),
            (
                Self.nat(ports: [80, 443]),
                ["from 10.0.0.11/32 ipproto tcp sport 80", "from 10.0.0.11/32 ipproto tcp sport 443"]
            ),
            (Self.nat(realPort: 8080), ["from 10.0.0.11/32 ipproto tcp sport 8080"]),
            (Self.nat(ports: []), ["from 10.0.0.11/32 ipproto tcp"]),
            (Self.nat(ports: [53], transport: .udp), ["from 10.0.0.11/32 ipproto udp sport 53"]),
        ] {
            let host = PlannedHost.snapshot()
            let plan = Plan(request, host: host)
            #expect(
                PlannedHost.commands(plan) == [
                    Self.steadfast, "ip route add default via 10.0.0.1 dev eth0 table 9380",
                ]
                    + sources.map { "ip rule add \($0) lookup 9380 priority 9380" })
            let (after, ownership) = PlannedHost.after(plan, host)
            #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        }
    }

    @Test("TCP and UDP on one VIP and port: one address, one rule where both go back, a rule of its own where one does")
    func bothProtocols() {
        for (reply, expected) in [
            (ReplyPath.director, ["from 192.0.2.10/32"]), (.direct, ["from 192.0.2.10/32 ipproto udp sport 53"]),
        ] {
            let services = [(TransportProtocol.tcp, reply), (.udp, .director)].map { transport, reply in
                AgentConfiguration.Service(
                    name: "dns-\(transport)", vips: [Self.vip], ports: [53], transport: transport, reply: reply)
            }
            let request = SetupRequest(AgentConfiguration(directors: [PlannedHost.dip], services: services))
            let host = PlannedHost.snapshot()
            let plan = Plan(request, host: host)
            #expect(plan.refusals.isEmpty)
            let commands = PlannedHost.commands(plan)
            #expect(
                commands.filter { $0.contains("rule add") }
                    == expected.map { "ip rule add \($0) lookup 9380 priority 9380" })
            #expect(commands.count { $0.contains("addr add 192.0.2.10/32") } == 1)
            let (after, ownership) = PlannedHost.after(plan, host)
            #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        }
    }

    @Test("what the rules of others make of TCP's answers says nothing of UDP's from the same port")
    func departuresByProtocol() {
        var request = Self.nat(ports: [53], transport: .udp)
        request.services[0].name = "dns"
        let host = PlannedHost.snapshot()
        var (after, ownership) = PlannedHost.after(Plan(request, host: host), host)
        let usual = Self.way(.unicast, by: "10.0.0.254", table: 254)
        for (transport, isRefused) in [(UInt8(6), false), (17, true)] {
            after.departures = [
                HostSnapshot.Departure(
                    source: PlannedHost.rip, port: 53, transport: transport, way: usual, usualWay: usual)
            ]
            #expect(Plan(request, host: after, ownership: ownership).refusals.isEmpty != isRefused)
        }
    }

    @Test("a VIP that two services share has one rule; what concerns one service only is said of that one")
    func sharedVIP() {
        let other: IPAddress = "192.0.2.20"
        var request = PlannedHost.request(.dr, reply: .director)
        request.services += [
            AgentConfiguration.Service(name: "tls", vips: [Self.vip], ports: [443], reply: .director),
            AgentConfiguration.Service(name: "plain", vips: [other], ports: [80]),
        ]
        let plan = Plan(request, host: PlannedHost.snapshot())
        let rules = plan.steps.filter { if case .add(.rule) = $0.change { true } else { false } }
        #expect(rules.map(\.services) == [["web", "tls"]])
        #expect(!plan.problems(for: "plain").contains { $0.contains("director") })
    }

    @Test("default_route leaves the host's own default route alone: main is asked first, but not for its default")
    func defaultRoute() {
        let plan = Plan(
            PlannedHost.request(.dr, reply: .director, takesDefaultRoute: true), host: PlannedHost.snapshot())
        #expect(
            PlannedHost.commands(plan).filter { $0.hasPrefix("ip rule") } == [
                "ip rule add from 192.0.2.10/32 lookup 9380 priority 9380",
                "ip rule add from all lookup main suppress_prefixlength 0 priority 9381",
                "ip rule add from all lookup 9380 priority 9382",
            ])
    }

    @Test("of several directors the first that is on a network of the interface is taken")
    func severalDirectors() {
        let request = PlannedHost.request(
            .dr, directors: ["172.16.0.1", "10.0.0.2", "10.0.0.1"], reply: .director)
        #expect(
            PlannedHost.commands(Plan(request, host: PlannedHost.snapshot())).first { $0.hasPrefix("ip ") }
                == "ip route add default via 10.0.0.2 dev eth0 table 9380")
    }

    @Test("a director that is this host itself is refused")
    func ownDirector() {
        let request = PlannedHost.request(.dr, directors: ["10.0.0.11"], reply: .director)
        let plan = Plan(request, host: PlannedHost.snapshot())
        #expect(plan.refusals.map(\.topic) == [.reply])
        #expect(plan.refusals.first?.problem.contains("10.0.0.11 is this host itself") == true)
    }

    @Test("an interface that is down is named as that, with the command that sets it up")
    func interfaceDown() {
        var host = PlannedHost.snapshot()
        for place in host.interfaces.indices where host.interfaces[place].name == "eth0" {
            host.interfaces[place].isUp = false
        }
        let plan = Plan(PlannedHost.request(.dr, reply: .director), host: host)
        #expect(plan.refusals.first?.description.contains("is down") == true)
        #expect(plan.refusals.first?.cure.contains("ip link set eth0 up") == true)
    }

    @Test("a director that is on no network of the interface is refused, with what to do")
    func offLink() {
        let request = PlannedHost.request(.dr, directors: ["172.16.0.1"], reply: .director)
        let plan = Plan(request, host: PlannedHost.snapshot())
        #expect(plan.refusals.map(\.topic) == [.reply])
        let text = plan.refusals.first?.description ?? ""
        #expect(text.contains("172.16.0.1 is not on a network of eth0"), "\(text)")
        #expect(text.contains("reply = \"direct\""))
    }

    @Test("an IPv6 VIP on a host without an IPv6 address there is refused, and IPv4 is not")
    func oneFamilyMissing() {
        let request = PlannedHost.request(
            .dr, vips: [Self.vip, Self.vip6], directors: [PlannedHost.dip, PlannedHost.dip6], reply: .director)
        let plan = Plan(request, host: PlannedHost.snapshot())
        #expect(plan.refusals.map(\.topic) == [.interface] && plan.refusals.first?.problem.contains("IPv6") == true)
        #expect(PlannedHost.commands(plan).contains("ip rule add from 192.0.2.10/32 lookup 9380 priority 9380"))
    }

    @Test("the director that is preferred now is the next hop; without a preference the one in use stays")
    func preference() {
        let request = PlannedHost.request(.dr, directors: ["10.0.0.1", "10.0.0.2"], reply: .director)
        let host = PlannedHost.snapshot()
        let (after, ownership) = PlannedHost.after(Plan(request, host: host), host)
        let moved = Plan(request, host: after, ownership: ownership, preferring: ["10.0.0.2", "10.0.0.1"])
        #expect(
            PlannedHost.commands(moved) == [
                "ip route del default via 10.0.0.1 dev eth0 table 9380",
                "ip route add default via 10.0.0.2 dev eth0 table 9380",
            ])
        let (second, record) = PlannedHost.after(moved, after, ownership)
        #expect(Plan(request, host: second, ownership: record).isEmpty, "the one in use stays")
        #expect(Plan(request, host: second, ownership: record, preferring: ["10.0.0.2"]).isEmpty)
        #expect(Plan(request, host: second, ownership: record, preferring: ["10.0.0.1"]).steps.count == 2)
        // One that is no longer configured does not stay.
        let other = PlannedHost.request(.dr, directors: ["10.0.0.7"], reply: .director)
        #expect(
            PlannedHost.commands(Plan(other, host: second, ownership: record)) == [
                "ip route del default via 10.0.0.2 dev eth0 table 9380",
                "ip route add default via 10.0.0.7 dev eth0 table 9380",
            ])
    }

    @Test("a route of somebody else's in our table is refused, the same route of theirs is used")
    func foreignRoute() {
        var host = PlannedHost.snapshot()
        host.routes = [Self.route(by: "10.0.0.99")]
        let request = PlannedHost.request(.dr, reply: .director)
        let plan = Plan(request, host: host)
        #expect(plan.refusals.first?.cure.contains("ip route flush table 9380") == true)
        host.routes = [Self.route(by: PlannedHost.dip)]
        #expect(Plan(request, host: host).refusals.isEmpty)
    }

    @Test("answers that go straight back: the route and the rules of before are withdrawn")
    func withdrawn() {
        let host = PlannedHost.snapshot(isDualStack: true)
        let request = { (reply: ReplyPath) in
            PlannedHost.request(
                .dr, vips: [Self.vip, Self.vip6], directors: [PlannedHost.dip, PlannedHost.dip6], reply: reply,
                takesDefaultRoute: reply == .director)
        }
        let (after, ownership) = PlannedHost.after(Plan(request(.director), host: host), host)
        let plan = Plan(request(.direct), host: after, ownership: ownership)
        #expect(plan.refusals.isEmpty && plan.steps.count == 9)
        // Rules before the route they lead to: no answer finds an empty table.
        let kinds = PlannedHost.commands(plan).map { $0.contains("rule del") }
        #expect(kinds == [true, true, true, true, true, true, false, false, false])
        // A plan is the same each time it is made.
        for _ in 0..<20 { #expect(Plan(request(.direct), host: after, ownership: ownership) == plan) }
    }

    @Test("a VIP is taken out of the configuration: it goes, then its rule, and the other VIP stays")
    func removedVIP() {
        let other: IPAddress = "192.0.2.11"
        let host = PlannedHost.snapshot()
        let two = PlannedHost.request(.dr, vips: [Self.vip, other], reply: .director)
        let (after, ownership) = PlannedHost.after(Plan(two, host: host), host)
        let plan = Plan(PlannedHost.request(.dr, reply: .director), host: after, ownership: ownership)
        #expect(
            PlannedHost.commands(plan) == [
                "ip addr del 192.0.2.11/32 dev lo", "ip rule del from 192.0.2.11/32 lookup 9380 priority 9380",
            ])
    }

    @Test("while the interface or one family's address on it is gone, nothing of ours is withdrawn, and it is said")
    func interfaceGone() {
        let request = PlannedHost.request(
            .dr, vips: [Self.vip, Self.vip6], directors: [PlannedHost.dip, PlannedHost.dip6], reply: .director)
        let host = PlannedHost.snapshot(isDualStack: true)
        let (after, ownership) = PlannedHost.after(Plan(request, host: host), host)
        for lost in [["10.0.0.11/24"], ["fd00::11/64"], ["10.0.0.11/24", "fd00::11/64"]] {
            var without = after
            without.addresses.removeAll { lost.contains($0.prefix.description) && $0.interface == 2 }
            let plan = Plan(request, host: without, ownership: ownership)
            #expect(plan.steps.isEmpty, "\(lost): \(PlannedHost.commands(plan))")
            #expect(plan.refusals.count == lost.count)
        }
        // The kernel takes the routes with the interface; when it is back they are made again, by its new number.
        var back = after
        back.routes = []
        for place in back.addresses.indices where back.addresses[place].interface == 2 {
            back.addresses[place].interface = 9
        }
        back.interfaces[1].index = 9
        back.facing = 9
        let plan = Plan(request, host: back, ownership: ownership)
        #expect(
            PlannedHost.commands(plan) == [
                "ip route add default via 10.0.0.1 dev eth0 table 9380",
                "ip -6 route add default via fd00::1 dev eth0 table 9380",
            ])
    }

    @Test("arp_block: the wall names the IPv4 VIPs, is replaced where they change, and goes with the option")
    func wall() {
        let host = PlannedHost.snapshot()
        let request = PlannedHost.request(.dr, vips: [Self.vip, Self.vip6], isARPBlocked: true)
        let plan = Plan(request, host: host)
        #expect(plan.steps.first.map { "\($0.change)".hasPrefix("nft add table arp rsagent") } == true)
        let (after, ownership) = PlannedHost.after(plan, host)
        #expect(after.arpWall == .present(ARPWall(vips: [IPv4Address(192, 0, 2, 10)])))
        #expect(Plan(request, host: after, ownership: ownership).isEmpty)
        let off = Plan(PlannedHost.request(.dr, vips: [Self.vip, Self.vip6]), host: after, ownership: ownership)
        #expect(PlannedHost.commands(off) == ["nft delete table arp rsagent"])
        var altered = after
        altered.arpWall = .altered
        #expect(Plan(request, host: altered, ownership: ownership).steps.map(\.topic) == [.arp])
        // Without a record it is somebody else's.
        #expect(Plan(request, host: altered).refusals.first?.cure.contains("nft delete table arp rsagent") == true)
    }
}
