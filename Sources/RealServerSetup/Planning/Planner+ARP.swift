internal import NetworkAddress
internal import PacketFilter

extension Planner {
    /// Makes every interface that speaks ARP silent about the VIPs, by the effective value. IPv6 needs none of it: a VIP on
    /// `lo` is never answered for in neighbour discovery.
    mutating func hideFromARP() {
        let hidden = vips.filter { $0.address.v4 != nil }
        guard !hidden.isEmpty else { return }
        let isHostScope = hidden.allSatisfy { vip in
            held[vip.address].map { $0.allSatisfy(\.isNeverSource) } ?? vip.isHostScope
        }
        for rule in ARPRule.allCases {
            let key = rule.key
            let all = host.all[key]
            let lowered = rule.loweredAll(from: all, isHostScope: isHostScope)
            for interface in host.interfaces where interface.speaksARP {
                guard let own = interface.ipv4?[key] else { continue }
                guard !rule.hidesVIP(effective: max(lowered ?? all, own), isHostScope: isHostScope) else { continue }
                let sysctl = IPv4Sysctl(key, of: .interface(index: interface.index, name: interface.name))
                step(
                    .arp, .set(sysctl, from: own, to: rule.hidingValue(isHostScope: isHostScope)),
                    Self.leak(rule, interface.name, own: own, all: all))
            }
            if let lowered {
                step(
                    .arp, .set(IPv4Sysctl(key, of: .all), from: all, to: lowered),
                    "net.ipv4.conf.all.\(key.rawValue) is \(all): the larger of it and an interface's own value takes effect, "
                        + "so no interface can hide the VIP")
            }
        }
        if request.isARPBlocked {
            want(
                .arpWall(ARPWall(vips: hidden.compactMap(\.address.v4))), .arp,
                missing: "arp_block is set, and no packet filter keeps the VIPs out of ARP",
                inTheWay: "remove it (nft delete table arp rsagent), or set arp_block = false")
        }
    }

    private static func leak(_ rule: ARPRule, _ name: String, own: Int, all: Int) -> String {
        let value = "effective \(rule.key.rawValue) is \(max(own, all)) (\(name) \(own), all \(all))"
        return switch rule {
        case .ignore: "\(name) would answer who-has for the VIP: \(value)"
        case .announce: "\(name) may announce the VIP in its own who-has: \(value)"
        }
    }
}
