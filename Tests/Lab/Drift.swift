/// Something on a host that is removed or changed from outside.
public struct Drift: Sendable {
    /// What the figures go by.
    public let kind: String
    /// The lines that do it: commands, and `sysctl NAME=VALUE`.
    public let lines: [String]

    /// A drift of a kind.
    public init(_ kind: String, _ lines: [String]) {
        self.kind = kind
        self.lines = lines
    }

    /// What can drift on a `SetupHost` without tunnels that rsagent keeps fit.
    public static let direct: [Drift] =
        ["192.0.2.10", "192.0.2.20"].map { Drift("IPv4 VIP removed", ["ip addr del \($0)/32 dev lo"]) }
        + ["2001:db8::10", "2001:db8::20"].map { Drift("IPv6 VIP removed", ["ip addr del \($0)/128 dev lo"]) }
        + [
            Drift("all VIPs removed", ["ip addr flush dev lo scope global"]),
            Drift("rule removed", ["ip rule del from 192.0.2.10 lookup 9380"]),
            Drift("rule removed", ["ip rule del from 10.0.0.11 ipproto tcp sport 8080 lookup 9380"]),
            Drift("rule removed", ["ip -6 rule del from 2001:db8::10 lookup 9380"]),
            Drift("rule removed", ["ip -6 rule del from fd00::11 ipproto tcp sport 8080 lookup 9380"]),
            Drift("route removed", ["ip route flush table 9380"]),
            Drift("route removed", ["ip -6 route flush table 9380"]),
            Drift("route changed", ["ip route replace default via 10.0.0.99 dev eth0 table 9380"]),
            Drift("route changed", ["ip -6 route replace default via fd00::99 dev eth0 table 9380 metric 1024"]),
            Drift("ARP wall removed", ["nft delete table arp rsagent"]),
            Drift("ARP wall altered", ["nft add rule arp rsagent in accept"]),
            Drift("ARP wall altered", ["nft flush chain arp rsagent out"]),
            Drift("ARP wall altered", ["nft delete element arp rsagent vips { 192.0.2.10 }"]),
            Drift("all tables removed", ["nft flush ruleset"]),
            Drift("lo down and up", ["ip link set lo down", "ip link set lo up"]),
            Drift("eth0 down and up", ["ip link set eth0 down", "ip link set eth0 up"] + SetupHost.own6.suffix(1)),
            Drift("eth0 removed and made again", ["ip link del eth0"] + SetupHost.making(0)),
            Drift("eth1 removed and made again", ["ip link del eth1"] + SetupHost.making(1)),
        ] + ["eth0", "eth1", "peer1"].flatMap(hiding)

    /// What can drift of tunnels on a `SetupHost` that rsagent keeps fit.
    public static let tunnels: [Drift] =
        ["ipip", "sit", "ip6tnl", "gre", "ip6gre"].flatMap { kind in
            [
                Drift("tunnel device removed", ["ip link del rsagent-\(kind)"]),
                Drift("tunnel device down", ["ip link set rsagent-\(kind) down"]),
            ]
        }
        + ["ipip", "gre"].flatMap { kind in
            [
                Drift("rp_filter strict", ["sysctl net.ipv4.conf.rsagent-\(kind).rp_filter=1"]),
                Drift("127.0.0.42 removed", ["ip addr del 127.0.0.42/32 dev rsagent-\(kind)"]),
            ]
        }
        + [
            Drift("GUE port closed", ["ip fou del port 6080 local 10.0.0.11"]),
            Drift("GUE port closed", ["ip fou del port 6080 local fd00::11 -6"]),
            Drift("guard removed", ["nft delete table inet rsagent"]),
            Drift("guard altered", ["nft flush chain inet rsagent outer"]),
            Drift("guard altered", ["nft flush table inet rsagent"]),
            Drift("all tables removed", ["nft flush ruleset"]),
            Drift("IPv4 VIP removed", ["ip addr del 192.0.2.20/32 dev lo"]),
            Drift("IPv6 VIP removed", ["ip addr del 2001:db8::30/128 dev lo"]),
        ]

    private static func hiding(_ interface: String) -> [Drift] {
        [
            Drift("arp_ignore", ["sysctl net.ipv4.conf.\(interface).arp_ignore=0"]),
            Drift("arp_announce", ["sysctl net.ipv4.conf.\(interface).arp_announce=0"]),
        ]
    }
}
