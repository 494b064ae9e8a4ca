internal import ConfigurationFile
internal import NetworkAddress

// Whether source NAT can be carried out on this host.
extension Preflight {
    /// More routes than this would be gone through for each packet: a host with the world's routes is a router.
    private static let mostRoutes = 1000

    /// The outbound address must be nobody's here; the servers must be behind one of the interfaces, and the world too.
    func checkOutbound() throws(DirectorError) {
        guard !configuration.outbound.isEmpty else { return }
        let ways = host.ways(by: configuration.interfaces, like: configuration.outbound.map(\.address)).ways
        guard ways.count <= Self.mostRoutes else {
            throw DirectorError(
                operation: "use [[outbound]]",
                cause: "the main table has \(ways.count) routes, and more than \(Self.mostRoutes) are not gone through",
                cure: "give the director a default route instead")
        }
        for rule in configuration.outbound {
            let address = rule.address
            if let own = holder(of: address) {
                throw DirectorError(
                    operation: "use outbound address \(address)",
                    cause: "it is on this host's \(own.name), so that its own stack would take what comes back",
                    cure:
                        "use another address, or remove it with `ip addr del \(own.prefix) dev \(own.name)`: a director "
                        + "needs no address for what it does in its name")
            }
            for source in rule.sources where !ways.contains(where: { $0.port != nil && $0.network.leads(to: source) }) {
                throw DirectorError(
                    operation: "use outbound source \(source)",
                    cause: "no route leads there by way of \(configuration.interfaces.joined(separator: ", "))",
                    cure: "add the interface that the servers are behind to `interface`, or a route to them")
            }
        }
        // A way of either family is none for the other.
        let sources = configuration.outbound.flatMap(\.sources)
        let open = ways.filter { way in
            way.port != nil && !sources.contains { $0.length <= way.network.length && $0.leads(to: way.network) }
        }
        for rule in configuration.outbound
        where !open.contains(where: { $0.network.address.bitWidth == rule.address.bitWidth }) {
            throw DirectorError(
                operation: "use outbound address \(rule.address)",
                cause:
                    "no route leads out of the servers' networks by way of "
                    + configuration.interfaces.joined(separator: ", "),
                cure: "add the interface that faces the world to `interface`, or a default route")
        }
    }
}

extension Prefix {
    /// Whether it holds the first address of another network.
    fileprivate func leads(to network: Prefix) -> Bool { contains(network.address) }
}
