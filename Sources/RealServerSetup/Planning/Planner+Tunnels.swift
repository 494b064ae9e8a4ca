internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

extension Planner {
    /// A device that the request needs to unpack with.
    private struct Need: Hashable {
        var kind: Tunnel.Kind
        /// This host's end.
        var local: IPAddress
        /// What comes out: 4, 41, or both.
        var inner: Set<UInt8>
        /// The port to unpack GUE at first, if any.
        var guePorts: Set<UInt16>
        var services: Set<String>

        /// The IP protocol number of the outer packet.
        var outerProtocol: UInt8 {
            switch kind {
            case .ipip: 4
            case .sit: 41
            case .ip6tnl: 41
            case .gre, .ip6gre: 47
            }
        }

        var part: KernelPart {
            switch kind {
            case .ipip: .ipip
            case .sit: .sit
            case .ip6tnl: .ip6Tunnel
            case .gre: .gre
            case .ip6gre: .ip6GRE
            }
        }
    }

    /// Devices that unpack what the directors send, `rp_filter` on them, and the lock on the door.
    mutating func planTunnels(_ own: OwnAddresses) {
        guard !request.tunnelledServices.isEmpty else { return }
        let needs = tunnelNeeds(own)
        guard !needs.isEmpty else { return }
        var names: [String] = []
        var takesAnyDestination = false
        requirePorts(needs)
        for need in needs {
            guard let found = decapsulator(for: need) else { continue }
            names.append(found.name)
            if let device = found.device {
                takesAnyDestination = takesAnyDestination || device.tunnel?.local == nil
                if need.inner.contains(4) { planReversePath(of: device, for: need.services) }
            }
        }
        guardTunnels(needs, names, own, takesAnyDestination: takesAnyDestination)
    }

    /// Which devices are needed: by the families of the directors, of this host's own addresses, and of the VIPs.
    private mutating func tunnelNeeds(_ own: OwnAddresses) -> [Need] {
        var needs: [Need] = []
        let senders = request.directors + request.tunnelSources.map(\.address)
        for service in request.tunnelledServices {
            guard let tunnel = service.tunnel else { continue }
            let locals = [false, true].compactMap { isIPv6 -> IPAddress? in
                guard let own = own[isIPv6: isIPv6] else {
                    if senders.contains(where: { ($0.v6 != nil) == isIPv6 }) { undetermined.insert(isIPv6) }
                    return nil
                }
                return senders.isEmpty || senders.contains { ($0.v6 != nil) == isIPv6 } ? own : nil
            }
            if locals.isEmpty {
                refuse(
                    .interface,
                    own.isUndetermined
                        ? "\(own.absence), and it is what tunnel packets are sent to"
                        : "\(own.interface?.name ?? "") has no address of the family the directors send tunnel packets from",
                    own.cure, for: [service.name])
            }
            for local in locals {
                for vip in service.vips {
                    let isIPv6 = vip.v6 != nil
                    let kind: Tunnel.Kind =
                        switch (tunnel.type, local.v6 != nil) {
                        case (.ipip, false), (.gue, false): isIPv6 ? .sit : .ipip
                        case (.ipip, true), (.gue, true): .ip6tnl
                        case (.gre, false): .gre
                        case (.gre, true): .ip6gre
                        }
                    let ports: Set<UInt16> = tunnel.type == .gue ? [tunnel.port] : []
                    if let place = needs.firstIndex(where: { $0.kind == kind && $0.local == local }) {
                        needs[place].inner.insert(isIPv6 ? 41 : 4)
                        needs[place].guePorts.formUnion(ports)
                        needs[place].services.insert(service.name)
                    } else {
                        needs.append(
                            Need(
                                kind: kind, local: local, inner: [isIPv6 ? 41 : 4], guePorts: ports,
                                services: [service.name]))
                    }
                }
            }
        }
        return needs
    }

    /// The UDP ports that GUE comes in by: one serves both families of what is inside.
    private mutating func requirePorts(_ needs: [Need]) {
        var users: [EncapsulationPort: Set<String>] = [:]
        for need in needs {
            for port in need.guePorts {
                users[EncapsulationPort(local: need.local, port: port), default: []].formUnion(need.services)
            }
        }
        for (port, services) in users.sorted(by: { ($0.key.local, $0.key.port) < ($1.key.local, $1.key.port) }) {
            guard supports(.fou, for: services) else { continue }
            want(
                .encapsulationPort(port), .tunnel,
                missing: "UDP port \(port.port) of \(port.local) does not unpack GUE", inTheWay: "", for: services)
        }
    }

    mutating func supports(_ part: KernelPart, for services: Set<String>) -> Bool {
        guard host.missingParts.contains(part) else { return true }
        refuse(.kernel, "this kernel has no \(part.rawValue), which these tunnels need", part.cure, for: services)
        return false
    }

    /// The device that unpacks for `need`: somebody's own that is up already, or one that rsagent makes.
    private mutating func decapsulator(for need: Need) -> (name: String, device: HostSnapshot.Interface?)? {
        let name = "rsagent-\(need.kind.rawValue)"
        let inner: UInt8 =
            switch need.kind {
            case .ipip: 4
            case .sit: 41
            // Both: one device for the two families.
            case .ip6tnl, .gre, .ip6gre: 0
            }
        let ours = HostObject.tunnel(Tunnel(kind: need.kind, local: need.local, innerProtocol: inner), name: name)
        let isMade = ownership.made[ours.identity] != nil
        if !isMade, let taking = host.interfaces.first(where: { $0.name != name && takes($0, need) }) {
            if let user = stranger(on: taking) {
                refuse(
                    .tunnel,
                    "\(taking.name) takes the \(need.kind.rawValue) packets for \(need.local) and belongs to someone else (\(user))",
                    "let the directors use another kind of tunnel, or free \(taking.name) of its other use",
                    for: need.services)
                return nil
            }
            return (taking.name, taking)
        }
        if let other = host.interfaces.first(where: { $0.name != name && takesFromSender($0, need) }),
            let sender = other.tunnel?.remote
        {
            refuse(
                .tunnel,
                "\(other.name) takes the \(need.kind.rawValue) packets that \(sender) sends to \(need.local), ahead of any other device, "
                    + "and rsagent neither opens nor guards it",
                "remove it (ip link del \(other.name)), or bind it to no sender (remote any)", for: need.services)
            return nil
        }
        guard supports(need.part, for: need.services) else { return nil }
        want(
            ours, .tunnel, missing: "nothing on this host unpacks \(need.kind.rawValue) packets for \(need.local)",
            inTheWay: "remove it (ip link del \(name)), or rename it", for: need.services)
        guard let device = host.interfaces.first(where: { $0.name == name }) else { return (name, nil) }
        if !device.isUp {
            step(
                .tunnel, .bringUp(interface: device.index, name: name), "\(name) is down, so it takes no packets",
                for: need.services)
        }
        return (name, device)
    }

    /// Whether a device that is up takes what `need` is about: bound to this host's end or to none, and to no sender.
    private func takes(_ interface: HostSnapshot.Interface, _ need: Need) -> Bool {
        guard interface.isUp, let tunnel = interface.tunnel, tunnel.kind == need.kind, tunnel.remote == nil,
            tunnel.key == nil, tunnel.local == nil || tunnel.local == need.local
        else { return false }
        return tunnel.innerProtocol == 0 || tunnel.isExternal || need.inner.isSubset(of: [tunnel.innerProtocol])
    }

    /// Whether a device that is up is bound to one of those who may send here: it is asked before one that is bound to nobody
    /// (`ip_tunnel_lookup()`, net/ipv4/ip_tunnel.c).
    private func takesFromSender(_ interface: HostSnapshot.Interface, _ need: Need) -> Bool {
        guard interface.isUp, let tunnel = interface.tunnel, tunnel.kind == need.kind, let remote = tunnel.remote,
            tunnel.key == nil, tunnel.local == nil || tunnel.local == need.local
        else { return false }
        return request.directors.contains(remote) || request.tunnelSources.contains { $0.contains(remote) }
    }

    /// Who else uses a tunnel device, as far as it shows, or nil: a device that was made by hand for a VIP has no address but
    /// VIPs and one of 127/8 that `rp_filter` asks for.
    private func stranger(on interface: HostSnapshot.Interface) -> String? {
        if interface.name.hasPrefix("cilium") { return "Cilium, by its name" }
        let vips = Set(vips.map(\.address))
        let foreign = host.addresses.first { address in
            guard address.interface == interface.index, !address.prefix.address.isLinkLocal else { return false }
            if let v4 = address.prefix.address.v4, v4.rawValue >> 24 == 127 { return false }
            return !vips.contains(address.prefix.address)
        }
        return foreign.map { "it has the address \($0.prefix)" }
    }

    /// `rp_filter` on a device that unpacks IPv4 (facts: `__fib_validate_source`, net/ipv4/fib_frontend.c).
    ///
    /// The larger of `all` and the device's own takes effect. 0 lets everything in. Loose (2) lets in what has a route back,
    /// but only on a device with an address of its own. Strict (1) never does: the answer leaves by another interface. So
    /// where `all` is 0 the device gets 0; where it is not, which is not rsagent's to change, the device gets 2, which is
    /// larger than 1, and an address.
    private mutating func planReversePath(of device: HostSnapshot.Interface, for services: Set<String>) {
        guard let own = device.ipv4?.reversePathFilter else { return }
        let all = host.all.reversePathFilter
        let effective = max(all, own)
        let hasAddress = host.addresses.contains { $0.interface == device.index && $0.prefix.address.v4 != nil }
        if effective == 0 { return }
        let sysctl = IPv4Sysctl(.reversePathFilter, of: .interface(index: device.index, name: device.name))
        let state = "effective rp_filter is \(effective) (\(device.name) \(own), all \(all))"
        if all == 0, effective == 1 || !hasAddress {
            return step(
                .reversePath, .set(sysctl, from: own, to: 0),
                "\(device.name) drops what it unpacked: \(state)\(effective == 1 ? "" : ", and it has no address of its own")",
                for: services)
        }
        if effective == 1 {
            step(
                .reversePath, .set(sysctl, from: own, to: 2),
                "\(device.name) drops what it unpacked: \(state), and the answer leaves by another interface",
                for: services)
        }
        let address = HostObject.address(.ours(Self.deviceAddress, on: device, isNeverSource: true))
        // Where it is there already, and ours, it is still needed.
        wanted.insert(address.identity)
        if !hasAddress {
            want(
                address, .reversePath,
                missing:
                    "\(device.name) drops what it unpacked: \(state), and a device without an address lets nothing in at 2",
                inTheWay: "remove it", for: services)
        }
    }

    /// An address for a device that must have one: loopback's network is never routed, and 127.0.0.1 stays with `lo`.
    static let deviceAddress = IPAddress.v4(IPv4Address(rawValue: 0x7F00_002A))

    /// What is to be guarded of the tunnels: the lock on the door, and the segment size that fits through it.
    private mutating func guardTunnels(
        _ needs: [Need], _ names: [String], _ own: OwnAddresses, takesAnyDestination: Bool
    ) {
        for need in needs where request.isLockedDown {
            // A device that is bound to no address takes what comes to any of them.
            let any: IPAddress = need.local.v6 != nil ? .v6(.any) : .v4(.any)
            let local = takesAnyDestination ? any : need.local
            guarding.entrances.append(.ip(protocol: need.outerProtocol, local: local))
            // An IPv6 tunnel takes both from one device, each under its own number.
            if need.kind == .ip6tnl { guarding.entrances.append(.ip(protocol: 4, local: local)) }
            guarding.entrances += need.guePorts.map { .udp(port: $0, local: need.local) }
        }
        if request.isLockedDown { guarding.devices += names }
        guarding.segmentSizes = segmentSizes(needs, own)
    }

    /// What each VIP may promise to take in one segment: what is left of the link's MTU after the director's wrapping.
    private func segmentSizes(_ needs: [Need], _ own: OwnAddresses) -> [GuardTable.SegmentSize] {
        guard let mtu = own.interface?.mtu else { return [] }
        var sizes: [IPAddress: UInt32] = [:]
        for service in request.tunnelledServices {
            guard let tunnel = service.tunnel else { continue }
            for need in needs where need.services.contains(service.name) {
                let outer: UInt32 = need.local.v6 != nil ? 40 : 20
                let wrapping: UInt32 =
                    switch tunnel.type {
                    case .ipip: 0
                    // GRE's header without options (RFC 2784).
                    case .gre: 4
                    // UDP and GUE's header.
                    case .gue: 12
                    }
                for vip in service.vips {
                    let inner: UInt32 = vip.v6 != nil ? 40 : 20
                    let taken = outer + wrapping + inner + 20
                    guard mtu > taken + 88 else { continue }
                    sizes[vip] = min(sizes[vip] ?? .max, mtu - taken)
                }
            }
        }
        return sizes.map { GuardTable.SegmentSize(vip: $0.key, maximum: UInt16(min($0.value, 65535))) }
    }
}
