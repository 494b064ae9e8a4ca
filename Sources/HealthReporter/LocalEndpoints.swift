public import ConfigurationFile
public import NetworkAddress

/// Where the packets of a service end on this host: on the VIPs, or, where the director translates addresses, on this
/// host's own.
///
/// What clients hold open and who listens is looked for here, and checks are asked here unless they say otherwise.
public struct LocalEndpoints: Sendable, Hashable {
    /// The addresses, each once, in the order of the configuration or of preference.
    public var addresses: [IPAddress]
    /// The ports; empty: all.
    public var ports: [UInt16]
    /// Whether these addresses are the service's alone, as VIPs are. This host's own are not: with all ports, what is the
    /// service's and what is not cannot be told.
    public var isExclusive: Bool
    /// Whose connections to these are checks and no client's, besides those of these addresses themselves: the directors
    /// where `director_connections` says so.
    public var checkers: Set<IPAddress> = []

    /// Where the packets of `service` end.
    ///
    /// - Parameter ownAddresses: this host's own addresses as the director knows it (RIP), those of the interface that faces
    ///   it, the first of a family its main one. Of no meaning where the packets keep the VIP as their destination.
    /// - Parameter directors: the configured ones.
    /// - Throws: `ReporterError` where the director translates addresses and this host has none of a VIP's family.
    public init(
        of service: AgentConfiguration.Service, ownAddresses: [IPAddress], directors: [IPAddress] = []
    ) throws(ReporterError) {
        if service.directorConnections == .checks { checkers = Set(directors.map(\.unmapped)) }
        guard service.forward == .nat else {
            (addresses, ports, isExclusive) = (service.vips, service.ports, true)
            return
        }
        isExclusive = false
        ports = service.realPort.map { [$0] } ?? service.ports
        for vip in service.vips where !ownAddresses.contains(where: { $0.isIPv4 == vip.isIPv4 }) {
            let family = vip.isIPv4 ? "IPv4" : "IPv6"
            throw ReporterError(
                .configuration, operation: "check service \(service.name)",
                cause: "with forward = \"nat\" packets for \(vip) come to this host's own \(family) address, and the "
                    + "interface that faces the director has none",
                cure: "give it one, or set `interface` to the one that has it")
        }
        var seen: Set<IPAddress> = []
        addresses = ownAddresses.filter { own in
            service.vips.contains { $0.isIPv4 == own.isIPv4 } && seen.insert(own).inserted
        }
    }

    /// Whether what comes from this address to these is a client's, and not a check's.
    func isClient(_ address: IPAddress) -> Bool { !addresses.contains(address) && !checkers.contains(address) }

    /// Where checks are asked: on every VIP; of this host's own addresses on the main one of each family, for that is the
    /// one directors send to.
    var checkedAddresses: [IPAddress] {
        guard !isExclusive else { return addresses }
        return [addresses.first(where: \.isIPv4), addresses.first { !$0.isIPv4 }].compactMap(\.self)
    }
}

extension IPAddress {
    fileprivate var isIPv4: Bool { v4 != nil }
}
