public import ConfigurationFile
public import NetworkAddress

/// What this host is asked to be ready for.
public struct SetupRequest: Sendable, Equatable {
    /// The interface that faces the director; nil: the one with the default route.
    public var interface: String?
    /// The directors, in order of preference: who may send tunnel packets, and by way of whom answers go back.
    public var directors: [IPAddress]
    /// Who else may be the outer source of tunnel packets.
    public var tunnelSources: [Prefix]
    /// The services whose packets this host is to take.
    public var services: [AgentConfiguration.Service]
    /// Whether tunnel packets are taken only from the directors, and only for VIPs.
    public var isLockedDown: Bool
    /// Whether a packet filter keeps the VIPs out of ARP as well.
    public var isARPBlocked: Bool
    /// Whether everything this host sends beyond its own networks goes by way of the director.
    public var takesDefaultRoute: Bool

    /// What the configuration asks of the host.
    public init(_ configuration: AgentConfiguration) {
        interface = configuration.interface
        // One on this host may poll; it forwards nothing, and nothing goes back by way of it.
        directors = configuration.directors.filter { !$0.isLoopback }
        tunnelSources = configuration.tunnelSources
        services = configuration.services
        isLockedDown = configuration.isLockedDown
        isARPBlocked = configuration.isARPBlocked
        takesDefaultRoute = configuration.takesDefaultRoute
    }
}

extension SetupRequest {
    /// No service at all: enough to put back what is on record.
    public static let nothing = SetupRequest(AgentConfiguration(services: []))

    /// A VIP that this host is to hold. Two services on one VIP hold it together.
    struct HeldVIP: Sendable, Hashable {
        var address: IPAddress
        var isHostScope: Bool
        var services: Set<String>
    }

    /// The VIPs to be put on this host, each once: those of DR and TUN services. A NAT service's VIP stays the director's.
    var heldVIPs: [HeldVIP] {
        var held: [HeldVIP] = []
        var places: [IPAddress: Int] = [:]
        for service in services where service.forward != .nat {
            for vip in service.vips {
                if let place = places[vip] {
                    held[place].services.insert(service.name)
                } else {
                    places[vip] = held.count
                    held.append(HeldVIP(address: vip, isHostScope: service.scope == .host, services: [service.name]))
                }
            }
        }
        return held
    }

    /// The services whose packets come in a tunnel.
    var tunnelledServices: [AgentConfiguration.Service] { services.filter { $0.forward == .tun } }

    /// The services whose answers go by way of the director.
    var returningServices: [AgentConfiguration.Service] {
        services.filter { $0.forward == .nat || $0.reply == .director }
    }
}
