internal import NetworkAddress

extension Planner {
    /// Puts each VIP on `lo` as a host address, unless someone has placed it well already; refuses where it must not stay
    /// as it is. Well placed is a host address on `lo`, or on a device that takes no ARP itself and is up, as the
    /// how-tos with `dummy0` and `tunl0` have it: who-has for it come in by other interfaces, which are silenced.
    mutating func placeVIPs(on loopback: HostSnapshot.Interface) {
        let isIPv6Wanted = vips.contains { $0.address.v6 != nil }
        if isIPv6Wanted, host.isIPv6Disabled {
            refuse(
                .vip, "IPv6 is switched off on lo (net.ipv6.conf.lo.disable_ipv6), so it cannot hold an IPv6 VIP",
                "switch it on: sysctl -w net.ipv6.conf.lo.disable_ipv6=0",
                for: Set(vips.filter { $0.address.v6 != nil }.flatMap(\.services)))
        }
        for vip in vips where vip.address.v4 != nil || !host.isIPv6Disabled { place(vip, on: loopback) }
    }

    private mutating func place(_ vip: SetupRequest.HeldVIP, on loopback: HostSnapshot.Interface) {
        let object = HostObject.address(.ours(vip.address, on: loopback, isNeverSource: vip.isHostScope))
        let present = held[vip.address] ?? []
        for address in present {
            guard let problem = misplacement(of: address) else { continue }
            let name = host.interface(address.interface)?.name ?? "interface \(address.interface)"
            let removal = "ip addr del \(address.prefix) dev \(name)"
            // With a network behind it, it is most likely the host's own: removing that would cut the host off.
            let isOwn = address.prefix.length != vip.address.bitWidth && address.interface != loopback.index
            refuse(
                .vip, "\(address.prefix) is on \(name): \(problem)",
                isOwn
                    ? "if it is this host's own address, write another vip; only where it was put there as the VIP, \(removal)"
                    : "remove it there: \(removal)", for: vip.services)
        }
        if present.isEmpty {
            placeAnew(vip, object)
        } else if let shapes = ownership.made[object.identity] {
            wanted.insert(object.identity)
            // Ours, and the configuration wants it with another scope.
            guard let ours = shapes.first(where: { $0 != object && host.presence(of: $0, held) == .present })
            else { return }
            step(.vip, .remove(ours), "\(vip.address) has another scope than the configuration says", for: vip.services)
            step(
                .vip, .add(object), "\(vip.address) has another scope than the configuration says", for: vip.services)
        } else {
            let found = present.compactMap(asFound)
            claims += found.filter { $0.bearsOurName }
            adoptions += found.filter { !$0.bearsOurName && !ownership.adopted.contains($0) }
        }
    }

    /// A VIP that is nowhere: back where it was found, if somebody else had placed it and that place is still there.
    private mutating func placeAnew(_ vip: SetupRequest.HeldVIP, _ object: HostObject) {
        var object = object
        for case .address(let found) in ownership.adopted where found.prefix.address == vip.address {
            guard host.interface(found.interface)?.isUp == true else { continue }
            object = .address(found)
        }
        wanted.insert(object.identity)
        step(
            .vip, .add(object), "\(vip.address) is not on this host: its packets would be dropped or forwarded",
            for: vip.services)
    }

    private func asFound(_ address: HostSnapshot.Address) -> HostObject? {
        guard let interface = host.interface(address.interface), misplacement(of: address) == nil else { return nil }
        return .address(
            HostObject.PlacedAddress(
                address.prefix, interface: interface.index, interfaceName: interface.name, label: address.label,
                isNeverSource: address.isNeverSource))
    }

    private func misplacement(of address: HostSnapshot.Address) -> String? {
        guard let interface = host.interface(address.interface) else { return "that interface is not known" }
        let isIPv6 = address.prefix.address.v6 != nil
        if interface.speaksARP {
            return isIPv6
                ? "it answers neighbour solicitations for it" : "it answers ARP for it whatever arp_ignore says"
        }
        if address.prefix.length != address.prefix.address.bitWidth {
            return "a VIP is one address, this is a whole network"
        }
        if !interface.isUp { return "that interface is down, so its packets are not delivered" }
        return nil
    }
}
