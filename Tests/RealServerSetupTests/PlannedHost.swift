import ConfigurationFile
import Netlink
public import NetworkAddress

@testable import RealServerSetup

/// The real server that plans are made for: `lo`, and `eth0` with the RIP 10.0.0.11/24 and, where asked for, fd00::11/64.
enum PlannedHost {
    static let rip: IPAddress = .v4(IPv4Address(10, 0, 0, 11))
    static let rip6: IPAddress = "fd00::11"
    static let vip: IPAddress = .v4(IPv4Address(192, 0, 2, 10))
    static let vip6: IPAddress = "2001:db8::10"
    static let dip: IPAddress = .v4(IPv4Address(10, 0, 0, 1))
    static let dip6: IPAddress = "fd00::1"

    static let lo = HostSnapshot.Interface(
        index: 1, name: "lo", isLoopback: true, speaksARP: false, ipv4: IPv4Settings())
    /// Hides VIPs already, so that plans show nothing but what they are about.
    static let eth0 = HostSnapshot.Interface(
        index: 2, name: "eth0", ipv4: IPv4Settings(ignore: 1, announce: 2))

    static func snapshot(
        _ more: [HostSnapshot.Interface] = [], addresses: [HostSnapshot.Address] = [], isDualStack: Bool = false,
        all: Int = 0
    ) -> HostSnapshot {
        var own = [HostSnapshot.Address(interface: 2, "10.0.0.11/24")]
        if isDualStack { own.append(HostSnapshot.Address(interface: 2, "fd00::11/64")) }
        return HostSnapshot(
            interfaces: [lo, eth0] + more, addresses: own + addresses, all: IPv4Settings(reversePathFilter: all),
            facing: 2)
    }

    /// A request for one service, `web`, on port 80.
    static func request(
        _ forward: ForwardingMethod = .dr, vips: [IPAddress] = [vip], directors: [IPAddress] = [dip],
        tunnel: TunnelType? = nil, reply: ReplyPath? = nil, scope: AddressScope = .global, isLockedDown: Bool = true,
        isARPBlocked: Bool = false, takesDefaultRoute: Bool = false
    ) -> SetupRequest {
        SetupRequest(
            AgentConfiguration(
                directors: directors, isLockedDown: isLockedDown, isARPBlocked: isARPBlocked,
                takesDefaultRoute: takesDefaultRoute,
                services: [
                    AgentConfiguration.Service(
                        name: "web", vips: vips, ports: [80], forward: forward, reply: reply,
                        tunnel: tunnel.map { AgentConfiguration.Tunneling($0) }, scope: scope)
                ]))
    }

    static func commands(_ plan: Plan) -> [String] { plan.steps.map { "\($0.change)" } }

    /// The host after a plan was carried out, and what is on record then.
    static func after(
        _ plan: Plan, _ host: HostSnapshot, _ ownership: Ownership = Ownership()
    ) -> (host: HostSnapshot, ownership: Ownership) {
        var (host, ownership) = (host, ownership)
        for step in plan.steps {
            host.foresee(step.change)
            // What is on a device that is yet to be made goes with it.
            guard Journal.Entry(step.change) != nil else { continue }
            if case .add(let object) = step.change, !ownership.adopted.contains(object) {
                ownership.made[object.identity, default: []].append(object)
            }
        }
        for object in plan.adoptions { ownership.adopted.insert(object) }
        // The kernel numbers a device that was forecast.
        for place in host.interfaces.indices where host.interfaces[place].index <= 0 {
            let old = host.interfaces[place].index
            let new = 100 - old
            host.interfaces[place].index = new
            for place in host.addresses.indices where host.addresses[place].interface == old {
                host.addresses[place].interface = new
            }
        }
        return (host, ownership)
    }
}

extension IPAddress: ExpressibleByStringLiteral {
    /// Tests write addresses as text.
    public init(stringLiteral text: String) {
        guard let address = IPAddress(text) else { preconditionFailure("\(text) is no address") }
        self = address
    }
}

extension HostSnapshot.Address {
    init(interface: Int32, _ prefix: String, label: String? = nil, isNeverSource: Bool = false) {
        guard let prefix = Prefix(prefix) else { preconditionFailure("\(prefix) is no prefix") }
        self.init(interface: interface, prefix: prefix, label: label, isNeverSource: isNeverSource)
    }
}

extension Prefix: ExpressibleByStringLiteral {
    /// Tests write prefixes as text.
    public init(stringLiteral text: String) {
        guard let prefix = Prefix(text) else { preconditionFailure("\(text) is no prefix") }
        self = prefix
    }
}
