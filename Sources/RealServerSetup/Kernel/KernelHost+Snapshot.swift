internal import ConfigurationFile
internal import Glibc
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

extension KernelHost {
    /// Reads what `request` depends on. Needs no capability but for packet-filter tables, which only CAP_NET_ADMIN may read:
    /// without it they are taken to be absent. Equivalent to: `ip addr; ip rule; ip route show table 9380; ip fou show;
    /// nft list tables; sysctl -a`.
    public func snapshot(for request: SetupRequest) throws(SetupError) -> HostSnapshot {
        var snapshot = try netlink { network throws(NetlinkError) in
            try Self.interfacesAndAddresses(network, facing: request.interface)
        }
        snapshot.all = try settings("all")
        snapshot.defaults = try settings("default")
        snapshot.isIPv6Disabled = try isIPv6Disabled()
        let rules: RoutingRules
        (snapshot.routes, rules) = try netlink { network throws(NetlinkError) in
            (try network.routes(table: Planner.table), try network.rules())
        }
        snapshot.rules = rules.whole
        snapshot.departures = try departures(for: request, snapshot, rules)
        snapshot.missingParts = KernelPart.missing(of: request)
        snapshot.encapsulationPorts = try encapsulationPorts()
        if Capability.hasNetworkAdministration, !snapshot.missingParts.contains(.nftables) {
            (snapshot.guardTable, snapshot.arpWall) = try filter { nftables throws(PacketFilterError) in
                (try GuardTable.read(nftables), try ARPWall.read(nftables))
            }
        }
        return snapshot
    }

    /// Asks which way answers go, where there are rules of others. Most hosts have none, and are asked nothing.
    private func departures(
        for request: SetupRequest, _ snapshot: HostSnapshot, _ rules: RoutingRules
    ) throws(SetupError) -> [HostSnapshot.Departure] {
        let here = Set(snapshot.addresses.map(\.prefix.address))
        var departures: [HostSnapshot.Departure] = []
        for isIPv6 in [false, true] where rules.hasRules(isIPv6: isIPv6, besides: Planner.priorities) {
            departures += try netlink { network throws(NetlinkError) in
                let answers = request.answers(OwnAddresses(request, snapshot), isIPv6: isIPv6)
                let destination = SetupRequest.farOff(isIPv6: isIPv6)
                let usual = try network.lookUp(destination: destination)
                var found: [HostSnapshot.Departure] = []
                for answer in answers where here.contains(answer.source) {
                    let way = try network.lookUp(
                        destination: destination, source: answer.source, transport: answer.transport,
                        sourcePort: answer.port)
                    found.append(
                        HostSnapshot.Departure(
                            source: answer.source, port: answer.port, transport: answer.transport ?? 6, way: way,
                            usualWay: usual))
                }
                return found
            }
        }
        return departures
    }

    /// Reads what no event tells of. Needs no capability. Equivalent to: `ip link; ip fou show; sysctl net.ipv4.conf.all`.
    public func pulse(for request: SetupRequest) throws(SetupError) -> HostPulse {
        let links = try netlink { network throws(NetlinkError) in try network.links() }
        let hasPorts = request.tunnelledServices.contains { $0.tunnel?.type == .gue }
        return HostPulse(
            interfaces: Self.interfaces(links), all: try settings("all"),
            encapsulationPorts: hasPorts ? try encapsulationPorts() : [])
    }

    private func encapsulationPorts() throws(SetupError) -> [EncapsulationPort] {
        var list: [EncapsulationPort] = []
        _ = try ports { ports throws(NetlinkError) in list = try ports.list() }
        return list
    }

    private static func interfaces(_ links: [Link]) -> [HostSnapshot.Interface] {
        // Frames for a port are taken by its master, which answers in its own name.
        let masters = Set(links.filter { ["bridge", "bond", "team"].contains($0.kind) }.map(\.index))
        return links.map { link in
            HostSnapshot.Interface(
                index: link.index, name: link.name, isUp: link.isUp, isLoopback: link.isLoopback,
                speaksARP: !link.isLoopback && !link.isARPDisabled && !(link.master.map(masters.contains) ?? false),
                mtu: link.mtu,
                ipv4: link.ipv4.map {
                    IPv4Settings(
                        ignore: $0.arpIgnore, announce: $0.arpAnnounce, reversePathFilter: $0.reversePathFilter)
                }, tunnel: link.tunnel)
        }
    }

    private static func interfacesAndAddresses(
        _ network: borrowing Network, facing name: String?
    ) throws(NetlinkError) -> HostSnapshot {
        let links = try network.links()
        let interfaces = interfaces(links)
        let addresses = try network.addresses().map { address in
            HostSnapshot.Address(
                interface: address.interface, prefix: address.prefix, label: address.label,
                isNeverSource: address.isHostScope || address.isDeprecated,
                isSecondary: address.isSecondary || address.isTentative)
        }
        var facing: Int32?
        if let name {
            facing = links.first { $0.name == name }?.index
        } else {
            facing = try network.defaultRouteInterface()
            if facing == nil { facing = try network.defaultRouteInterface(isIPv6: true) }
        }
        return HostSnapshot(interfaces: interfaces, addresses: addresses, facing: facing)
    }

    private func settings(_ name: String) throws(SetupError) -> IPv4Settings {
        IPv4Settings(
            ignore: try number("/proc/sys/net/ipv4/conf/\(name)/arp_ignore"),
            announce: try number("/proc/sys/net/ipv4/conf/\(name)/arp_announce"),
            reversePathFilter: try number("/proc/sys/net/ipv4/conf/\(name)/rp_filter"))
    }

    /// Where the kernel has no IPv6 at all there is no such file.
    private func isIPv6Disabled() throws(SetupError) -> Bool {
        let path = "/proc/sys/net/ipv6/conf/lo/disable_ipv6"
        return try File.read(path) == nil ? true : try number(path) != 0
    }

    private func number(_ path: String) throws(SetupError) -> Int {
        guard let text = try File.read(path) else { throw File.failure("read", path, ENOENT) }
        let digits = String(decoding: text.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let value = Int(digits) else {
            throw .file(operation: "read", path: path, reason: "\"\(digits)\" is not a number")
        }
        return value
    }
}
