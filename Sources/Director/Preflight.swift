internal import CLinux
internal import ConfigurationFile
internal import NetworkAddress
internal import Netlink

/// Whether the director can do what the configuration asks for on this host: all that can be known before anything is
/// touched. Pure, but for `effectiveCapabilities`.
struct Preflight {
    let configuration: DirectorConfiguration
    let host: HostNetwork
    /// The process's effective capabilities as a bit set (capabilities(7)).
    let capabilities: UInt64

    private static let needed: [(name: String, bit: UInt64, use: String)] = [
        ("CAP_NET_ADMIN", 12, "to keep the host's own stack off the VIPs (nftables)"),
        ("CAP_NET_RAW", 13, "to take frames from the interface and put frames on it"),
    ]

    /// This process's effective capabilities.
    static var effectiveCapabilities: UInt64 { UInt64(clinux_effective_capabilities()) }

    /// The interfaces, in the order of the configuration.
    func check() throws(DirectorError) -> [HostInterface] {
        try checkCapabilities()
        let interfaces = try findInterfaces()
        try checkAddresses()
        try checkServers(interfaces)
        return interfaces
    }

    private func checkCapabilities() throws(DirectorError) {
        let missing = Self.needed.filter { capabilities >> $0.bit & 1 == 0 }
        guard !missing.isEmpty else { return }
        throw DirectorError(
            operation: "start", cause: "missing " + missing.map { "\($0.name) \($0.use)" }.joined(separator: " and "),
            cure: "run it as root, or give its unit AmbientCapabilities=" + missing.map(\.name).joined(separator: " "))
    }

    private func findInterfaces() throws(DirectorError) -> [HostInterface] {
        var found: [HostInterface] = []
        for name in configuration.interfaces {
            guard let interface = host.interface(name), let link = host.links.first(where: { $0.name == name }) else {
                let names = host.links.map(\.name).joined(separator: ", ")
                throw DirectorError(
                    operation: "use interface \(name)", cause: "there is no such interface here",
                    cure: "set `interface` to one of: \(names)")
            }
            guard !link.isLoopback, link.hardwareAddress != nil else {
                throw DirectorError(
                    operation: "use interface \(name)", cause: "it is not Ethernet, and direct routing rewrites MACs",
                    cure: "set `interface` to the one that faces clients and servers")
            }
            found.append(interface)
        }
        return found
    }

    /// No address of ours may be a VIP or a server.
    private func checkAddresses() throws(DirectorError) {
        for service in configuration.services {
            for vip in service.vips {
                guard vip.v4 != nil else {
                    throw DirectorError(
                        operation: "serve VIP \(vip)", cause: "this version forwards IPv4 only",
                        cure: "remove it from service \(service.name)")
                }
                guard let own = holder(of: vip) else { continue }
                throw DirectorError(
                    operation: "serve VIP \(vip)",
                    cause: "it is on this host's \(own.name), so that its own stack would answer for it too",
                    cure:
                        "use another VIP, or remove it with `ip addr del \(own.prefix) dev \(own.name)`: a director needs no "
                        + "address for its VIPs")
            }
            for server in service.servers {
                guard let own = holder(of: server.address) else { continue }
                throw DirectorError(
                    operation: "use server \(server.address) of service \(service.name)",
                    cause: "it is this host itself (\(own.name))", cure: "let another host be the server")
            }
        }
    }

    /// Direct routing rewrites the destination MAC: the server must be on a segment of ours.
    private func checkServers(_ interfaces: [HostInterface]) throws(DirectorError) {
        for service in configuration.services {
            for server in service.servers {
                guard let address = server.address.v4 else {
                    throw DirectorError(
                        operation: "use server \(server.address) of service \(service.name)",
                        cause: "this version forwards IPv4 only", cure: "write the server's IPv4 address")
                }
                guard !interfaces.contains(where: { $0.source(for: address) != nil }) else { continue }
                let networks = interfaces.map { interface in
                    let prefixes = interface.networks.map(\.description).joined(separator: ", ")
                    return "\(interface.name): \(prefixes.isEmpty ? "no IPv4 network" : prefixes)"
                }
                throw DirectorError(
                    operation: "use server \(address) of service \(service.name)",
                    cause: "it is not on link (\(networks.joined(separator: "; ")))",
                    cure: "direct routing reaches servers on the director's own segment only: "
                        + "give the director an address in the server's network, or add that interface to `interface`")
            }
        }
    }

    private func holder(of address: IPAddress) -> (name: String, prefix: Prefix)? {
        guard let own = host.addresses.first(where: { $0.prefix.address == address }) else { return nil }
        let name = host.links.first { $0.index == own.interface }?.name ?? "interface \(own.interface)"
        return (name, own.prefix)
    }
}
