internal import NetworkAddress
internal import Netlink

/// How the host reaches the networks there are, for servers' packets to the world.
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
    /// The ways of the main table, as seen from these interfaces: of the families that `addresses` are of, and none of another.
    /// Tables that rules choose are not asked, nor are routes taken with several next hops.
    func ways(by interfaces: [String], like addresses: [IPAddress]) -> NetworkWays {
        let ways = routes(like: addresses).sorted { $0.metric < $1.metric }.map { route in
            let link = links.first { $0.index == route.interface }
            return NetworkWays.Way(
                network: route.destination, port: link.flatMap { interfaces.firstIndex(of: $0.name) },
                gateway: route.gateway, mtu: link.map { Int($0.mtu) } ?? 1500)
        }
        let own = self.addresses.map(\.prefix.address).filter { own in
            addresses.contains { $0.bitWidth == own.bitWidth }
        }
        return NetworkWays(ways: ways, own: own)
    }

    /// The routers on an interface's link that such routes lead by, each with our address to ask it as.
    func routers(behind interface: HostInterface, like addresses: [IPAddress]) -> [IPAddress: IPAddress] {
        var routers: [IPAddress: IPAddress] = [:]
        for route in routes(like: addresses) where route.interface == interface.index {
            guard let gateway = route.gateway else { continue }
            routers[gateway] = interface.source(for: gateway) ?? interface.anyAddress(like: gateway)
        }
        return routers
    }

    /// The routes of the families that these addresses are of, but for those to what is on one link only.
    private func routes(like addresses: [IPAddress]) -> [Route] {
        table.filter { route in
            let network = route.destination.address
            return network.v6?.isLinkLocal != true && addresses.contains { $0.bitWidth == network.bitWidth }
        }
    }
}

extension HostInterface {
    /// An address of ours of the same family, where none is beside it.
    func anyAddress(like address: IPAddress) -> IPAddress? {
        networks.first { $0.address.bitWidth == address.bitWidth }?.address
    }
}
