internal import CLinux
internal import ConfigurationFile
internal import NetworkAddress
internal import Netlink
internal import PacketIO

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
        try checkOutbound()
        try checkSteering()
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
                guard let own = holder(of: vip) else { continue }
                throw DirectorError(
                    operation: "serve VIP \(vip)",
                    cause: "it is on this host's \(own.name), so that its own stack would answer for it too",
                    cure:
                        "use another VIP, or remove it with `ip addr del \(own.prefix) dev \(own.name)`: a director needs no "
                        + "address for its VIPs")
            }
            for (address, _) in service.everyServer {
                guard let own = holder(of: address) else { continue }
                throw DirectorError(
                    operation: "use server \(address) of service \(service.name)",
                    cause: "it is this host itself (\(own.name))", cure: "let another host be the server")
            }
        }
    }

    /// Every server must be behind one of the interfaces; for direct routing, which rewrites the destination MAC and nothing
    /// else, on its segment: a router would send the packet back, or to the VIP's true owner.
    private func checkServers(_ interfaces: [HostInterface]) throws(DirectorError) {
        for service in configuration.services {
            for (address, forward) in service.everyServer {
                let hops = interfaces.compactMap { host.nextHop(to: address, by: $0) }
                let isOnLink = hops.contains { $0.neighbor == address }
                guard forward == .dr ? !isOnLink : hops.isEmpty else { continue }
                throw DirectorError(
                    operation: "use server \(address) of service \(service.name)",
                    cause: cause(address, forward: forward, interfaces),
                    cure: forward == .dr
                        ? "direct routing reaches servers on the director's own segment only: "
                            + "give the director an address in the server's network, or add that interface to `interface`"
                        : "add the interface that leads there to `interface`, or a route to it by way of a router "
                            + "on the director's own segment")
            }
        }
    }

    /// With several workers the kernel looks every packet's destination up among the VIPs, in a program it has limits for.
    private func checkSteering() throws(DirectorError) {
        let vips = Set(configuration.services.flatMap(\.vips) + configuration.outbound.map(\.address))
        guard configuration.workerCount > 1, !Steering(ends: Array(vips)).isShortEnough else { return }
        throw DirectorError(
            operation: "share packets out among \(configuration.workerCount) workers",
            cause:
                "\(vips.count) VIPs and outbound addresses are more than the kernel tells apart for that: some 2,000 of IPv4, or 400 of IPv6",
            cure: "set workers = 1, or run a director for each part of them")
    }

    /// Why a server cannot be reached, in words.
    private func cause(
        _ server: IPAddress, forward: ForwardingMethod, _ interfaces: [HostInterface]
    ) -> String {
        let family = server.v4 != nil ? "IPv4" : "IPv6"
        let networks = interfaces.map { interface in
            let prefixes = interface.networks.filter { $0.address.bitWidth == server.bitWidth }.map(\.description)
            return "\(interface.name): \(prefixes.isEmpty ? "no \(family) network" : prefixes.joined(separator: ", "))"
        }
        let notOnLink = "it is not on link (\(networks.joined(separator: "; ")))"
        return forward == .dr ? notOnLink : "\(notOnLink), and no route leads there by way of these interfaces"
    }

    func holder(of address: IPAddress) -> (name: String, prefix: Prefix)? {
        guard let own = host.addresses.first(where: { $0.prefix.address == address }) else { return nil }
        let name = host.links.first { $0.index == own.interface }?.name ?? "interface \(own.interface)"
        return (name, own.prefix)
    }
}

extension DirectorConfiguration.Service {
    /// Where its servers and sorry servers are, and how packets reach them.
    fileprivate var everyServer: [(address: IPAddress, forward: ForwardingMethod)] {
        servers.map { ($0.address, forward) } + sorryServers.map { ($0.address, $0.forward) }
    }
}
