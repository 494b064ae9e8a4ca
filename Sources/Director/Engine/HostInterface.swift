internal import NetworkAddress
internal import Netlink

/// One of the director's interfaces as it was found: its name and the IPv4 networks it is on.
struct HostInterface: Hashable, Sendable {
    var name: String
    /// Its addresses with their networks, primary ones first; /32 has no neighbours and is left out.
    var networks: [Prefix]

    /// Our address beside `server` on this interface's segment: its primary one in that network; nil: not on link here.
    func source(for server: IPv4Address) -> IPv4Address? {
        networks.first { $0.contains(.v4(server)) }?.address.v4
    }
}

/// The host's links and addresses at one moment.
struct HostNetwork: Sendable {
    let links: [Link]
    let addresses: [InterfaceAddress]

    /// Equivalent to: `ip link; ip -4 addr`. Needs no capability.
    static func read() throws(DirectorError) -> HostNetwork {
        do throws(NetlinkError) {
            let network = try Network()
            return HostNetwork(links: try network.links(), addresses: try network.addresses())
        } catch {
            throw DirectorError(operation: "read the host's interfaces and addresses", cause: "\(error)")
        }
    }

    /// The interface of that name, or nil.
    func interface(_ name: String) -> HostInterface? {
        guard let link = links.first(where: { $0.name == name }) else { return nil }
        let own = addresses.filter {
            $0.interface == link.index && $0.prefix.address.v4 != nil && $0.prefix.length < 32
        }
        return HostInterface(
            name: name, networks: own.filter { !$0.isSecondary }.map(\.prefix) + own.filter(\.isSecondary).map(\.prefix)
        )
    }
}
