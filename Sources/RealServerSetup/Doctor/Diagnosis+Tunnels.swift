internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

extension Diagnosis {
    /// Who unpacks what the director packed.
    mutating func judgeTunnels() {
        guard !request.tunnelledServices.isEmpty || !isSettled(.tunnel) else { return }
        let devices = host.interfaces.compactMap { interface in interface.tunnel.map { Self.words(interface, $0) } }
        let evidence = ["tunnel devices: \(devices.isEmpty ? "none" : devices.joined(separator: "; "))"]
        noteRefusals(.tunnel, as: .tunnel, evidence: evidence)
        for step in steps(.tunnel) {
            let (what, cause) = Self.split(step.reason)
            note(
                .tunnel, .problem, what, evidence: evidence,
                cause: cause ?? "tunnel packets for this host are dropped, and refused with ICMP",
                cure: Self.cure(step.change))
        }
        guard isSettled(.tunnel), isSettled(.kernel) else { return }
        for device in unpackers {
            guard let tunnel = device.tunnel else { continue }
            note(.tunnel, .sound, "\(Self.words(device, tunnel))")
        }
        for port in host.encapsulationPorts where guePorts.contains(port.port) {
            note(.tunnel, .sound, "UDP port \(port.port) of \(port.local) unpacks GUE")
        }
    }

    var unpackers: [HostSnapshot.Interface] { Self.unpackers(request, host) }

    /// The devices of a kind that the services need, which are up.
    static func unpackers(_ request: SetupRequest, _ host: HostSnapshot) -> [HostSnapshot.Interface] {
        let kinds = Set(
            request.tunnelledServices.flatMap { service in
                service.vips.flatMap { vip in
                    [false, true].compactMap { isIPv6Outside in
                        service.tunnel.map {
                            Tunnel.Kind($0.type, isIPv6Outside: isIPv6Outside, isIPv6Inside: vip.v6 != nil)
                        }
                    }
                }
            })
        return host.interfaces.filter { $0.isUp && $0.tunnel.map { kinds.contains($0.kind) } == true }
    }

    private var guePorts: Set<UInt16> {
        Set(request.tunnelledServices.compactMap(\.tunnel).filter { $0.type == .gue }.map(\.port))
    }

    private static func words(_ interface: HostSnapshot.Interface, _ tunnel: Tunnel) -> String {
        "\(interface.name) \(interface.isUp ? "unpacks" : "is down, and would unpack") \(tunnel.kind.rawValue) packets for "
            + (tunnel.local?.description ?? "any address") + (tunnel.remote.map { " from \($0)" } ?? "")
            + (tunnel.isExternal ? " (external)" : "")
    }

    /// `rp_filter` on the devices that unpack, and where packets come in: each row of the table, by its cause.
    mutating func judgeReversePath() {
        noteRefusals(.reversePath, as: .reversePath)
        let facing = own.interface?.name ?? "another interface"
        let all = host.all.reversePathFilter
        for step in steps(.reversePath) {
            let name: String
            switch step.change {
            case .set(let sysctl, _, _): name = sysctl.scope.name
            case .add(.address(let placed)): name = placed.interfaceName
            default: name = "the tunnel device"
            }
            let device = host.interfaces.first { $0.name == name }
            let value = device?.ipv4?.reversePathFilter ?? host.defaults.reversePathFilter
            let effective = max(all, value)
            var causes: [String] = []
            if effective == 1 {
                causes.append(
                    "strict (1) takes a packet only where the answer would leave by the interface it came in by, and it "
                        + "leaves by \(facing)")
            } else if effective > 1 {
                causes.append(
                    "loose (2) is not enough on a device that has no IPv4 address of its own, wherever the VIP is")
            }
            if all != 0 {
                causes.append(
                    "net.ipv4.conf.all.rp_filter is a floor under every interface, so \(name) cannot be set below \(all): "
                        + "what is left is 2 and an address on it")
            }
            note(
                .reversePath, .problem, "\(name) \(device == nil ? "would drop" : "drops") what it unpacked",
                evidence: [
                    "effective rp_filter is \(effective) (\(name) \(value), all \(all))",
                    "IPv4 addresses on \(name): \(device.map(addresses) ?? "none")",
                ], cause: causes.joined(separator: "; "), cure: Self.cure(step.change))
        }
        let isSettled = isSettled(.reversePath)
        for device in unpackers where isSettled && [.ipip, .ip6tnl, .gre, .ip6gre].contains(device.tunnel?.kind) {
            guard let value = device.ipv4?.reversePathFilter else { continue }
            note(
                .reversePath, .sound,
                "\(device.name) lets in what it unpacked: effective rp_filter \(max(all, value)) "
                    + "(\(device.name) \(value), all \(all)), IPv4 addresses on it: \(addresses(device))")
        }
        judgeArrivals()
    }

    private func addresses(_ device: HostSnapshot.Interface) -> String {
        let found = host.addresses.filter { $0.interface == device.index && $0.prefix.address.v4 != nil }
        return found.isEmpty ? "none" : found.map(\.prefix.description).joined(separator: ", ")
    }

    /// What the kernel itself says it would do with a client's packet where it comes in.
    private mutating func judgeArrivals() {
        let isExplained = Set(
            steps(.reversePath).compactMap { step -> String? in
                if case .set(let sysctl, _, _) = step.change { sysctl.scope.name } else { nil }
            })
        for passage in evidence.arrivals {
            let name = name(of: passage.incoming)
            let packet = "a packet from \(passage.source) to \(passage.destination) that comes in by \(name)"
            guard !isExplained.contains(name), let lookup = passage.answer.value else { continue }
            let asked =
                "ip route get \(passage.destination) from \(passage.source) iif \(name): \(lookup.outcome.words)"
            let own = passage.incoming.flatMap(host.interface)?.ipv4?.reversePathFilter ?? 0
            let all = host.all.reversePathFilter
            // Newer kernels have one error for both: a source that may not be, and one that has another way back.
            let isImpossible = !passage.source.isHost || held[passage.source] != nil
            switch lookup.outcome {
            case .local: continue
            case .wrongInterface,
                .discarded where !isImpossible && max(own, all) > 0:
                let isStrict = max(own, all) == 1
                let loosened = IPv4Sysctl(.reversePathFilter, of: .interface(index: 0, name: name))
                note(
                    .reversePath, .problem, "\(packet) is dropped by rp_filter",
                    evidence: [asked, "effective rp_filter is \(max(own, all)) (\(name) \(own), all \(all))"],
                    cause: isStrict
                        ? "strict (1) takes it only where the way back to \(passage.source) leaves by \(name), and it "
                            + "leaves elsewhere"
                        : "there is no way back to \(passage.source) at all, or \(name) has no address",
                    cure: isStrict
                        ? "sysctl -w \(loosened)=2" : "give it a route: ip route get \(passage.source)")
            case .discarded:
                note(
                    .reversePath, .problem, "\(packet) is dropped as a martian", evidence: [asked],
                    cause:
                        "\(passage.source) is an address no packet may come from there, such as one of this host's own",
                    cure: "ip addr show to \(passage.source)")
            default:
                note(
                    .vip, .problem, "\(packet) is not taken", evidence: [asked],
                    cause:
                        "\(passage.destination) is not this host's own to the kernel: a route or rule says otherwise",
                    cure: "ip rule show; ip route show table local")
            }
        }
    }

    /// Who may send tunnel packets, and to whom.
    mutating func judgeLockdown() {
        noteRefusals(.lockdown, as: .lockdown)
        for step in steps(.lockdown) {
            note(
                .lockdown, .problem, step.reason,
                evidence: ["nft list table inet rsagent: \(Self.words(host.guardTable))"],
                cause: request.tunnelledServices.isEmpty
                    ? "a director that passes an answer on to a client on the same wire tells this host of the shorter way, and "
                        + "the next answer misses the director"
                    : request.isLockedDown
                        ? "a kernel that unpacks takes the packets from anybody, and past every rule about the interface they "
                            + "came in by (CVE-2020-10136, CVE-2024-7596)"
                        : "larger segments do not fit once the director has wrapped them",
                cure: Self.cure(step.change))
        }
        guard !request.tunnelledServices.isEmpty else { return }
        if !request.isLockedDown {
            note(
                .lockdown, .warning, "anyone may send packets through the tunnel, to any address of this host",
                evidence: ["lockdown = false"],
                cause: "a kernel that unpacks takes the packets from anybody (CVE-2020-10136, CVE-2024-7596)",
                cure: "lockdown = true, with directors or tunnel_sources")
        } else if case .present(let table) = host.guardTable, isSettled(.lockdown) {
            let sources = table.sources.map(\.description).joined(separator: ", ")
            let count = table.vips.count
            note(
                .lockdown, .sound,
                "tunnel packets are taken only from \(sources), and only for \(count == 1 ? "the VIP" : "the \(count) VIPs")"
            )
        }
    }

    private static func words(_ reading: GuardTable.Reading) -> String {
        switch reading {
        case .absent: "no such table"
        case .present: "another than the configuration asks for"
        case .altered: "somebody has changed it"
        }
    }

    /// What the VIPs promise to take in one segment.
    mutating func judgeSegmentSizes() {
        guard isSettled(.lockdown), case .present(let table) = host.guardTable else { return }
        for size in table.segmentSizes {
            note(
                .segmentSize, .sound,
                "VIP \(size.vip) asks clients for segments of \(size.maximum) bytes at most, which fit the tunnel "
                    + "(MTU of \(own.interface?.name ?? "the link"): \(own.interface?.mtu ?? 0))")
        }
    }
}

extension Tunnel.Kind {
    /// The kind of device that packs and unpacks a type of tunnel between two families.
    init(_ type: TunnelType, isIPv6Outside: Bool, isIPv6Inside: Bool) {
        self =
            switch (type, isIPv6Outside) {
            case (.ipip, false), (.gue, false): isIPv6Inside ? .sit : .ipip
            case (.ipip, true), (.gue, true): .ip6tnl
            case (.gre, false): .gre
            case (.gre, true): .ip6gre
            }
    }
}

extension RouteLookup.Outcome {
    /// As ip-route(8) and the kernel's errors have it.
    var words: String {
        switch self {
        case .unicast: "unicast"
        case .local: "local"
        case .broadcast: "broadcast"
        case .multicast: "multicast"
        case .anycast: "anycast"
        case .unreachable: "unreachable (ENETUNREACH)"
        case .prohibited: "prohibit (EACCES)"
        case .discarded: "dropped (EINVAL)"
        case .wrongInterface: "dropped by rp_filter (EXDEV)"
        }
    }
}
