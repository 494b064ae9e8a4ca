internal import NetworkAddress
internal import Netlink

/// How the host reaches the networks of IPv4 there are, for servers' packets to the world.
struct NetworkWays: Hashable, Sendable {
    /// One route.
    struct Way: Hashable, Sendable {
        var network: Prefix
        /// The interface it leaves by, an index of the director's list; nil: none of the director's.
        var port: Int?
        /// The router, which may be of the other family (RFC 5549); nil: on link.
        var gateway: IPAddress?
        /// The longest IP packet that fits, in bytes.
        var mtu: Int
    }

    /// The preferred ones first among those to the same network.
    var ways: [Way] = []
    /// The host's own addresses.
    var own: [IPAddress] = []
}

extension HostNetwork {
    /// The ways of the main table, as seen from these interfaces. Tables that rules choose are not asked, nor are routes taken
    /// with several next hops.
    func ways(by interfaces: [String]) -> NetworkWays {
        let ways = table.filter { $0.destination.address.v4 != nil }.sorted { $0.metric < $1.metric }.map { route in
            let link = links.first { $0.index == route.interface }
            return NetworkWays.Way(
                network: route.destination, port: link.flatMap { interfaces.firstIndex(of: $0.name) },
                gateway: route.gateway, mtu: link.map { Int($0.mtu) } ?? 1500)
        }
        return NetworkWays(ways: ways, own: addresses.map(\.prefix.address).filter { $0.v4 != nil })
    }

    /// The routers on an interface's link that routes of IPv4 lead by, each with our address to ask it as.
    func routers(behind interface: HostInterface) -> [IPAddress: IPAddress] {
        var routers: [IPAddress: IPAddress] = [:]
        for route in table where route.interface == interface.index && route.destination.address.v4 != nil {
            guard let gateway = route.gateway else { continue }
            routers[gateway] = interface.source(for: gateway) ?? interface.anyAddress(like: gateway)
        }
        return routers
    }
}

extension HostInterface {
    /// An address of ours of the same family, where none is beside it.
    func anyAddress(like address: IPAddress) -> IPAddress? {
        networks.first { $0.address.bitWidth == address.bitWidth }?.address
    }
}
