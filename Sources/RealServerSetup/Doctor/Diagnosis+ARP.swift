internal import Netlink
internal import NetworkAddress
internal import PacketFilter

extension Diagnosis {
    /// Who says in ARP that the VIP is here: each row of the table of who answers, by its cause.
    mutating func judgeARP() {
        noteRefusals(.arp, as: .arp)
        let isHostScope = isHostScope
        var loud: Set<Int32> = []
        for step in steps(.arp) {
            guard case .set(let sysctl, let value, _) = step.change, let rule = ARPRule(sysctl.key) else {
                let (what, cause) = Self.split(step.reason)
                note(.arp, isWalled ? .warning : .problem, what, cause: cause, cure: Self.cure(step.change))
                continue
            }
            switch sysctl.scope {
            case .interface(let index, let name):
                loud.insert(index)
                let all = host.all[sysctl.key]
                var causes = [Self.meaning(of: max(value, all), rule, isHostScope: isHostScope)]
                if rule == .ignore { causes += misconceptions(of: index, name, own: value, all: all) }
                note(
                    .arp, isWalled ? .warning : .problem, Self.split(step.reason).what,
                    evidence: ["effective \(rule.key.rawValue) is \(max(value, all)) (\(name) \(value), all \(all))"]
                        + words(of: leaking(rule, effective: max(value, all))),
                    cause: (causes + (isWalled ? [Self.walled] : [])).joined(separator: "; "),
                    cure: Self.cure(step.change))
            case .all:
                note(
                    .arp, isWalled ? .warning : .problem, "\(sysctl) is \(value)",
                    evidence: host.interfaces.filter(\.speaksARP).compactMap { interface in
                        interface.ipv4.map { "\(interface.name).\(rule.key.rawValue) \($0[rule.key])" }
                    } + words(of: leaking(rule, effective: value)),
                    cause: "the larger of it and an interface's own value takes effect, so no interface can hide the "
                        + "VIP; " + Self.meaning(of: value, rule, isHostScope: isHostScope),
                    cure: Self.cure(step.change))
            }
        }
        judgeProxies()
        guard vips.contains(where: { $0.address.v4 != nil }) else { return }
        for interface in host.interfaces where interface.speaksARP && !loud.contains(interface.index) {
            guard let ipv4 = interface.ipv4 else { continue }
            // What is wrong with conf.all has been told, and so has a VIP that is on the interface itself.
            let isSilent = ARPRule.allCases.allSatisfy { rule in
                rule.hidesVIP(effective: max(ipv4[rule.key], host.all[rule.key]), isHostScope: isHostScope)
            }
            let isHolder = vips.contains { vip in
                vip.address.v4 != nil && held[vip.address]?.contains { $0.interface == interface.index } == true
            }
            guard isSilent, !isHolder else { continue }
            guard !isExposed(by: interface) else {
                noteExposure(by: interface)
                continue
            }
            let words = ARPRule.allCases.map { rule in
                "effective \(rule.key.rawValue) \(max(ipv4[rule.key], host.all[rule.key]))"
            }
            note(.arp, .sound, "\(interface.name) keeps the VIPs out of ARP: \(words.joined(separator: ", "))")
        }
        if case .present(let wall) = host.arpWall {
            let count = wall.vips.count
            note(.arp, .sound, "table arp rsagent drops ARP for \(count) VIP\(count == 1 ? "" : "s")")
        }
    }

    /// Whether every IPv4 VIP has scope host, as the plan judges it.
    private var isHostScope: Bool {
        vips.filter { $0.address.v4 != nil }.allSatisfy(isHostScope)
    }

    private func isHostScope(_ vip: SetupRequest.HeldVIP) -> Bool {
        held[vip.address].map { $0.allSatisfy(\.isNeverSource) } ?? vip.isHostScope
    }

    /// The IPv4 VIPs that an effective value lets through: each has its own scope.
    private func leaking(_ rule: ARPRule, effective value: Int) -> [SetupRequest.HeldVIP] {
        vips.filter { $0.address.v4 != nil && !rule.hidesVIP(effective: value, isHostScope: isHostScope($0)) }
    }

    /// Which VIPs those are, and whose: the first few of them, as a line of evidence.
    private func words(of leaking: [SetupRequest.HeldVIP]) -> [String] {
        guard !leaking.isEmpty else { return [] }
        let named = leaking.prefix(4).map { "\($0.address) (\($0.services.sorted().joined(separator: ", ")))" }
        let more = leaking.count - named.count
        return ["VIP: " + named.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")]
    }

    /// Whether what is asked for by way of an interface carries a VIP whatever `arp_announce` says: where the interface has no
    /// address of its own the kernel takes one of another, those of `lo` first, unless it has scope host
    /// (`inet_select_addr()`, net/ipv4/devinet.c).
    private func isExposed(by interface: HostSnapshot.Interface) -> Bool {
        interface.isUp && !isWalled && vips.contains { $0.address.v4 != nil && !isHostScope($0) }
            && !host.addresses.contains {
                $0.interface == interface.index && $0.prefix.address.v4 != nil && !$0.isNeverSource
            }
    }

    private mutating func noteExposure(by interface: HostSnapshot.Interface) {
        note(
            .arp, .warning, "\(interface.name) has no IPv4 address, and may announce the VIP in its own who-has",
            evidence: words(of: vips.filter { $0.address.v4 != nil && !isHostScope($0) }),
            cause:
                "where an interface has none of its own the kernel takes another's address, whatever arp_announce is",
            cure:
                "if a director or a router is there: set scope = \"host\" for the service, or arp_block = true, or give "
                + "\(interface.name) an address")
    }

    private static let walled = "for now table arp rsagent keeps it off the wire"

    /// Whether the packet filter drops what the settings let through.
    private var isWalled: Bool {
        guard case .present(let wall) = host.arpWall else { return false }
        return Set(vips.compactMap(\.address.v4)).isSubset(of: wall.vips)
    }

    /// What an effective value does (`arp_ignore()`, `arp_solicit()`, net/ipv4/arp.c).
    private static func meaning(of value: Int, _ rule: ARPRule, isHostScope: Bool) -> String {
        switch (rule, value) {
        case (.ignore, 0): "0 answers for every address of this host, whatever interface holds it"
        case (.ignore, 3): "3 hides only addresses of scope host, and the VIP has scope global"
        case (.ignore, _): "the kernel knows no \(value) here: it answers as with 0"
        case (.announce, 0): "0 takes the packet's own source, which is the VIP in every answer to a client"
        case (.announce, 1): "1 avoids addresses of other networks only as far as it can"
        case (.announce, _): "the kernel knows no \(value) here: it acts as with 0"
        }
    }

    /// What was set and has no say: the how-tos' mistakes.
    private func misconceptions(of index: Int32, _ name: String, own: Int, all: Int) -> [String] {
        let hides = { (value: Int) in ARPRule.ignore.hidesVIP(effective: value, isHostScope: self.isHostScope) }
        var causes: [String] = []
        if own > all, hides(all) {
            causes.append(
                "the larger of all (\(all)) and \(name) (\(own)) takes effect, though the larger is the weaker rule")
        }
        let holders = Set(vips.filter { $0.address.v4 != nil }.flatMap { held[$0.address] ?? [] }.map(\.interface))
        for holder in host.interfaces where !holder.speaksARP && (holder.isLoopback || holders.contains(holder.index)) {
            guard let value = holder.ipv4?.ignore, value != 0 else { continue }
            causes.append(
                "\(holder.name).arp_ignore=\(value) has no say: who-has comes in by \(name), and that interface decides"
            )
        }
        let isOtherHidden = host.interfaces.contains { other in
            other.speaksARP && other.index != index && other.ipv4.map { hides(max($0.ignore, all)) } == true
        }
        if isOtherHidden, own == 0 {
            causes.append("\(name) came later, or was forgotten: each interface has settings of its own")
            if hides(host.defaults.ignore) {
                causes.append(
                    "conf.default is \(host.defaults.ignore), which reaches only interfaces that appear after it was set"
                )
            }
        }
        return causes
    }

    /// IPv6 answers for a VIP on `lo` only where it was told to.
    private mutating func judgeProxies() {
        let wanted = vips.filter { $0.address.v6 != nil }
        guard !wanted.isEmpty else { return }
        switch evidence.neighborProxies {
        case .unread(let reason): noteUnread(.arp, "neighbour proxies", reason)
        case .read(let proxies):
            let bad = proxies.filter { proxy in wanted.contains { $0.address == proxy.address } }
            for proxy in bad {
                let place = proxy.interface == 0 ? "every interface" : name(of: proxy.interface)
                note(
                    .arp, .problem, "\(place) answers neighbour solicitations for the VIP \(proxy.address)",
                    evidence: ["ip -6 neigh show proxy: \(proxy.address) dev \(place)"],
                    cause: "an entry of `ip -6 neigh add proxy` names it; a VIP on lo is never answered for by itself",
                    cure: "ip -6 neigh del proxy \(proxy.address) dev \(place)")
            }
            if bad.isEmpty { note(.arp, .sound, "no neighbour proxy names an IPv6 VIP") }
        }
    }

    /// Who else answers for the VIPs.
    mutating func judgeSegment() {
        guard !vips.isEmpty else { return }
        switch evidence.answerers {
        case .unread(let reason): noteUnread(.segment, "who else answers for the VIPs on the segment", reason)
        case .read(let answerers):
            for answerer in answerers {
                let heard = "\(answerer.vip) is at \(answerer.mac)"
                switch answerer.standing {
                case .director: note(.segment, .sound, "a director answers for \(answerer.vip): \(answerer.mac)")
                case .alone:
                    note(
                        .segment, .sound,
                        "\(answerer.mac) answers for \(answerer.vip), as the director should; no director is known here"
                    )
                case .foreign:
                    note(
                        .segment, .problem, "another host, \(answerer.mac), answers for the VIP \(answerer.vip)",
                        evidence: [heard],
                        cause:
                            "it is no director: it takes the VIP's packets away from it, as a real server that leaks "
                            + "does",
                        cure: "find it by its MAC, and hide the VIP there: rsagent doctor, on that host")
                case .ambiguous:
                    note(
                        .segment, .warning, "\(answerer.mac) is one of several that answer for the VIP \(answerer.vip)",
                        evidence: [heard],
                        cause: "only one of them can be right; no director's address is on this segment",
                        cure: "find them by their MACs; name the directors in the configuration")
                }
            }
            if answerers.isEmpty { note(.segment, .sound, "nobody else on the segment answers for a VIP") }
        }
    }
}

extension ARPRule {
    /// The rule about a sysctl, or nil where it is about none.
    fileprivate init?(_ key: IPv4Sysctl.Key) {
        guard let rule = Self.allCases.first(where: { $0.key == key }) else { return nil }
        self = rule
    }
}
