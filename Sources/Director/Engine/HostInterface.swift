internal import NetworkAddress
internal import Netlink

/// One of the director's interfaces as it was found: its name and the networks it is on.
struct HostInterface: Hashable, Sendable {
    var name: String
    /// Its index (`ip link` shows it in front of the name).
    var index: Int32
    /// The longest IP packet it takes, in bytes.
    var mtu: Int
    /// Its addresses with their networks, those first that the host would use by itself; /32 and /128 have no neighbours and
    /// are left out.
    var networks: [Prefix]
    /// Those of its addresses that may turn out to be somebody else's: nothing may leave as one (RFC 4862 §5.4).
    var tentative: Set<IPAddress> = []

    /// Our address beside `neighbor` on this interface's segment: the first one in its network; nil: not on link here.
    func source(for neighbor: IPAddress) -> IPAddress? {
        networks.first { $0.contains(neighbor) }?.address
    }

    /// Whether somebody may be asked as this address of ours.
    func isUsable(_ source: IPAddress) -> Bool { !tentative.contains(source) }
}

/// How packets for a server leave by one interface.
struct NextHop: Hashable, Sendable {
    /// Whose MAC they are sent to: the server's own where it is on link, else a router's, which may be of the other family.
    var neighbor: IPAddress
    /// Our address that the neighbour is asked as, of its family.
    var source: IPAddress
    /// The longest IP packet that fits, in bytes: the interface's, or less where the route says so.
    var mtu: Int
}

/// The host's links, addresses and routes at one moment.
struct HostNetwork: Sendable {
    let links: [Link]
    let addresses: [InterfaceAddress]
    /// The kernel's way to each server that is on no network of the host.
    var routes: [IPAddress: RouteLookup] = [:]
    /// The routes of the main table, of both families; read only where asked for.
    var table: [Route] = []

    /// Equivalent to: `ip link; ip addr`, and `ip route get SERVER` for each of `servers` that is on none of the networks found.
    /// `withTable`: also `ip route show table main`. Needs no capability.
    static func read(routesTo servers: [IPAddress], withTable: Bool = false) throws(DirectorError) -> HostNetwork {
        do throws(NetlinkError) {
            let network = try Network()
            var host = HostNetwork(links: try network.links(), addresses: try network.addresses())
            for server in servers where !host.addresses.contains(where: { $0.prefix.contains(server) }) {
                host.routes[server] = try network.lookUp(destination: server)
            }
            if withTable { host.table = try network.routes(table: 254) }
            return host
        } catch {
            throw DirectorError(operation: "read the host's interfaces, addresses and routes", cause: "\(error)")
        }
    }

    /// The interface of that name, or nil.
    func interface(_ name: String) -> HostInterface? {
        guard let link = links.first(where: { $0.name == name }) else { return nil }
        let own = addresses.filter { $0.interface == link.index && $0.prefix.length < $0.prefix.address.bitWidth }
        // Temporary addresses of IPv6 count as secondary.
        let isSpare = { (address: InterfaceAddress) in address.isSecondary || address.isTentative }
        return HostInterface(
            name: name, index: link.index, mtu: Int(link.mtu),
            networks: own.filter { !isSpare($0) }.map(\.prefix) + own.filter(isSpare).map(\.prefix),
            tentative: Set(own.filter(\.isTentative).map(\.prefix.address)))
    }

    /// How packets for `server` leave by `interface`: straight to it where it is on link there, else as the kernel would send
    /// them (`ip route get`); nil: not by this interface.
    func nextHop(to server: IPAddress, by interface: HostInterface) -> NextHop? {
        if let source = interface.source(for: server) {
            return NextHop(neighbor: server, source: source, mtu: interface.mtu)
        }
        guard let route = routes[server], route.outcome == .unicast, route.interface == interface.index else {
            return nil
        }
        let neighbor = route.gateway ?? server
        let preferred = route.preferredSource.flatMap { $0.bitWidth == neighbor.bitWidth ? $0 : nil }
        guard let source = interface.source(for: neighbor) ?? preferred else { return nil }
        return NextHop(
            neighbor: neighbor, source: source, mtu: route.mtu.map { min(Int($0), interface.mtu) } ?? interface.mtu)
    }
}
