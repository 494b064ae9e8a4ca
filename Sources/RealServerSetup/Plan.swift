public import NetworkAddress

/// What has to change on a host so that it is fit for its VIPs, or why it cannot be made so.
///
/// A pure function of the request, the host as it is, and what the journal says is ours.
public struct Plan: Sendable, Hashable {
    /// The changes, in the order they are to be made: sysctls before addresses, so that a VIP is never there unhidden.
    public var steps: [Step]
    /// What stands in the way. While there is any, nothing is changed.
    public var refusals: [Refusal]

    /// A change and the reason for it.
    public struct Step: Sendable, Hashable {
        /// The change.
        public var change: Change
        /// Why, in words.
        public var reason: String
        /// The VIP it is about; nil: all of them.
        public var vip: IPv4Address?
    }

    /// Something that rsagent does not change, because it is not its own to change.
    public struct Refusal: Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        public var problem: String
        /// What the operator can do about it.
        public var cure: String
        /// The VIP it is about; nil: all of them.
        public var vip: IPv4Address?

        /// The problem and its cure.
        public var description: String { "\(problem); \(cure)" }
    }

    /// Whether the host is as it should be.
    public var isEmpty: Bool { steps.isEmpty && refusals.isEmpty }

    /// What is wrong with the host as far as `vip` is concerned, in words for the report.
    public func problems(for vip: IPv4Address) -> [String] {
        refusals.filter { $0.vip == nil || $0.vip == vip }.map(\.problem)
            + steps.filter { $0.vip == nil || $0.vip == vip }.map(\.reason)
    }

    /// - Parameters:
    ///   - request: what the host should be.
    ///   - host: what it is.
    ///   - owned: the addresses that the journal says rsagent added: those not wanted any more are removed.
    public init(_ request: SetupRequest, host: HostSnapshot, owned: Set<IPv4Address> = []) {
        steps = []
        refusals = []
        guard let loopback = host.loopback, loopback.isUp else {
            refusals.append(
                Refusal(
                    problem: "the loopback interface is down, so no packet for a VIP on it is delivered",
                    cure: "bring it up: ip link set lo up"))
            return
        }
        if !request.directRoutingVIPs.isEmpty { hide(host) }
        place(request.directRoutingVIPs, on: loopback, host)
        withdraw(owned.subtracting(request.directRoutingVIPs), from: loopback, host)
    }

    /// Makes every interface that speaks ARP silent about the VIPs, by the effective value.
    private mutating func hide(_ host: HostSnapshot) {
        for key in ARPSysctl.Key.allCases {
            let all = host.all[key]
            let lowered = key.loweredAll(from: all)
            for interface in host.interfaces where interface.speaksARP {
                guard let own = interface.arp?[key] else { continue }
                guard !key.hidesVIP(effective: max(lowered ?? all, own)) else { continue }
                let sysctl = ARPSysctl(key, of: .interface(index: interface.index, name: interface.name))
                steps.append(
                    Step(
                        change: .set(sysctl, from: own, to: key.hidingValue),
                        reason: Self.leak(key, interface.name, own: own, all: all)))
            }
            if let lowered {
                steps.append(
                    Step(
                        change: .set(ARPSysctl(key, of: .all), from: all, to: lowered),
                        reason: "net.ipv4.conf.all.\(key.rawValue) is \(all): the larger of it and an interface's own "
                            + "value takes effect, so no interface can hide the VIP"))
            }
        }
    }

    private static func leak(_ key: ARPSysctl.Key, _ name: String, own: Int, all: Int) -> String {
        let value = "effective \(key.rawValue) is \(max(own, all)) (\(name) \(own), all \(all))"
        return switch key {
        case .arpIgnore: "\(name) would answer who-has for the VIP: \(value)"
        case .arpAnnounce: "\(name) may announce the VIP in its own who-has: \(value)"
        }
    }

    /// Puts each VIP on `lo` as a host address, unless someone has placed it well already; refuses where it must not stay
    /// as it is. Well placed is a host address on `lo`, or on a device that takes no ARP itself and is up, as the
    /// how-tos with `dummy0` and `tunl0` have it: who-has for it come in by other interfaces, which are silenced.
    private mutating func place(_ vips: [IPv4Address], on loopback: HostSnapshot.Interface, _ host: HostSnapshot) {
        let holders = Dictionary(grouping: host.addresses, by: \.address)
        for vip in vips {
            let present = holders[vip] ?? []
            for address in present {
                guard let problem = Self.misplacement(of: address, on: host) else { continue }
                let name = host.interface(address.interface)?.name ?? "interface \(address.interface)"
                let removal = "ip addr del \(vip)/\(address.prefixLength) dev \(name)"
                // With a network behind it, it is most likely the host's own: removing that would cut the host off.
                let isOwn = address.prefixLength != 32 && address.interface != loopback.index
                refusals.append(
                    Refusal(
                        problem: "\(vip)/\(address.prefixLength) is on \(name): \(problem)",
                        cure: isOwn
                            ? "if it is this host's own address, write another vip; only where it was put there as the VIP, \(removal)"
                            : "remove it there: \(removal)", vip: vip))
            }
            guard present.isEmpty else { continue }
            steps.append(
                Step(
                    change: .addAddress(vip, interface: loopback.index, interfaceName: loopback.name),
                    reason: "\(vip) is not on this host: its packets would be dropped or forwarded", vip: vip))
        }
    }

    private static func misplacement(of address: HostSnapshot.Address, on host: HostSnapshot) -> String? {
        guard let interface = host.interface(address.interface) else { return "that interface is not known" }
        if interface.speaksARP { return "it answers ARP for it whatever arp_ignore says" }
        if address.prefixLength != 32 { return "a VIP is one address, this is a whole network" }
        if !interface.isUp { return "that interface is down, so its packets are not delivered" }
        return nil
    }

    /// Takes away VIPs that rsagent once added and that the configuration no longer names.
    private mutating func withdraw(
        _ vips: Set<IPv4Address>, from loopback: HostSnapshot.Interface, _ host: HostSnapshot
    ) {
        let label = Change.label(interfaceName: loopback.name)
        for vip in vips.sorted() {
            let isOurs = host.addresses.contains {
                $0.interface == loopback.index && $0.address == vip && $0.prefixLength == 32 && $0.label == label
            }
            guard isOurs else { continue }
            steps.append(
                Step(
                    change: .removeAddress(vip, interface: loopback.index, interfaceName: loopback.name),
                    reason: "\(vip) is no longer in the configuration", vip: vip))
        }
    }
}
