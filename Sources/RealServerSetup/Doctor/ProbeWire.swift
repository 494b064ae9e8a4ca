internal import CLinux
internal import Glibc
internal import Netlink
internal import NetworkAddress

/// A wire from this host to a scratch namespace, in which a client sits, and a director that packs what the client sends:
///
/// ```
///   scratch namespace                              │ this host
///   client  198.18.x.2 ── eth0 ════════════════════╪═ rsprobe0  198.18.x.1     VIP on lo, the service
///   lo: a director's address   tx0: into the tunnel│
/// ```
/// All there is of it on this host hangs on `rsprobe0`: its addresses (RFC 2544's networks, of which one is chosen that is
/// not in use), its own sysctls, and a route by which answers come back to it. They go with the device, and the device goes
/// with the namespace: where this process is killed, the kernel takes it all away. No rule and no sysctl of `all` is touched.
struct ProbeWire: ~Copyable {
    /// The device on this host.
    static let name = "rsprobe0"

    private let namespace: ScratchNamespace
    /// The device's index on this host.
    let interface: Int32
    /// The client's addresses.
    let client: ProbeNetwork

    /// Makes the wire, up at both ends. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
    /// Equivalent to: `ip link add rsprobe0 type veth peer name eth0 netns SCRATCH`, and addresses on both.
    ///
    /// - Parameters:
    ///   - network: the addresses for both ends.
    ///   - outerSources: the directors' addresses as which tunnel packets are sent, on the scratch namespace's `lo`.
    ///   - all: `net.ipv4.conf.all.rp_filter` of this host.
    init(_ network: ProbeNetwork, outerSources: [IPAddress], all: Int) throws(SetupError) {
        try Capability.requireNetworkAdministration()
        let namespace = try ScratchNamespace()
        let index = try Self.addHostEnd(network, to: namespace.descriptor, all: all)
        do throws(SetupError) {
            try namespace.run { () throws(SetupError) in try Self.setUpScratchEnd(network, outerSources) }
        } catch {
            Self.remove(index)
            throw error
        }
        Self.awaitLink()
        self.namespace = namespace
        interface = index
        client = network
    }

    deinit { Self.remove(interface) }

    /// The device goes at once, and not when the kernel comes to clean the namespace up.
    private static func remove(_ interface: Int32) {
        try? Network().removeLink(index: interface, name: name)
    }

    private static func addHostEnd(
        _ network: ProbeNetwork, to namespace: Int32, all: Int
    ) throws(SetupError) -> Int32 {
        let kernel = try edge { () throws(NetlinkError) in try Network() }
        let index = try edge { () throws(NetlinkError) in
            try kernel.addPair(name: name, peer: "eth0", peerNamespace: namespace)
            return try kernel.index(of: name)
        }
        do throws(SetupError) {
            try edge { () throws(NetlinkError) in
                // It must not leak the VIP itself, and it must let packets in whose source the host would look for elsewhere:
                // the directors' own. Where `all` is strict, loose is what can be had.
                try kernel.set(.arpIgnore, to: 1, interface: index, interfaceName: name)
                try kernel.set(.arpAnnounce, to: 2, interface: index, interfaceName: name)
                try kernel.set(.reversePathFilter, to: all == 0 ? 0 : 2, interface: index, interfaceName: name)
            }
            if network.v6 != nil { enableIPv6(on: name) }
            try edge { () throws(NetlinkError) in
                for prefix in network.hostEnds + [network.linkLocal(isHostEnd: true)].compactMap({ $0 }) {
                    try kernel.add(InterfaceAddress(interface: index, prefix: prefix), interfaceName: name)
                }
                try kernel.setUp(true, interface: index, interfaceName: name)
            }
        } catch {
            remove(index)
            throw error
        }
        return index
    }

    /// Run on a thread of the scratch namespace.
    private static func setUpScratchEnd(_ network: ProbeNetwork, _ outerSources: [IPAddress]) throws(SetupError) {
        // What comes back comes from the VIP, to which another way leads.
        for scope in ["all", "default", "eth0"] {
            try File.write(Array("0\n".utf8), to: "/proc/sys/net/ipv4/conf/\(scope)/rp_filter", flags: 0)
        }
        if network.v6 != nil { for scope in ["lo", "eth0", "default"] { enableIPv6(on: scope) } }
        try edge { () throws(NetlinkError) in
            let kernel = try Network()
            let lo = try kernel.index(of: "lo")
            let wire = try kernel.index(of: "eth0")
            try kernel.setUp(true, interface: lo, interfaceName: "lo")
            for prefix in network.clientEnds + [network.linkLocal(isHostEnd: false)].compactMap({ $0 }) {
                try kernel.add(InterfaceAddress(interface: wire, prefix: prefix), interfaceName: "eth0")
            }
            try kernel.setUp(true, interface: wire, interfaceName: "eth0")
            for source in Set(outerSources) {
                try kernel.add(InterfaceAddress(interface: lo, prefix: Prefix(host: source)), interfaceName: "lo")
            }
            for gateway in network.hostEnds.map(\.address) {
                guard let everywhere = Prefix(gateway.v4 != nil ? .v4(.any) : .v6(.any), length: 0) else { continue }
                try kernel.add(Route(destination: everywhere, gateway: gateway, interface: wire, table: 254))
            }
        }
    }

    /// Where IPv6 is off by default it is on for this one device; where the kernel has none, adding an address says so.
    private static func enableIPv6(on scope: String) {
        let folder = "/proc/sys/net/ipv6/conf/\(scope)"
        try? File.write(Array("0\n".utf8), to: "\(folder)/disable_ipv6", flags: 0)
        // No link-local address by itself (see `ProbeNetwork.linkLocal`).
        try? File.write(Array("1\n".utf8), to: "\(folder)/addr_gen_mode", flags: 0)
    }

    /// A device that is up takes packets only once the kernel has seen its other end up as well.
    private static func awaitLink() {
        let end = ContinuousClock.now + .seconds(2)
        while clinux_interface_is_running(name) == 0, ContinuousClock.now < end { usleep(1000) }
    }

    /// Sees to it that answers from `address`:`port` to the client come back by the wire: where rules send them to another
    /// table than main, as those for answers by way of the director, that table is given a route to the client's network.
    /// Returns what the kernel then says. Equivalent to: `ip route add 198.18.x.0/30 dev rsprobe0 table TABLE`.
    func leadBack(from address: IPAddress, port: UInt16) throws(SetupError) -> RouteLookup? {
        guard let client = client.client(like: address), let destination = self.client.network(like: address) else {
            return nil
        }
        return try Self.edge { () throws(NetlinkError) in
            let kernel = try Network()
            let found = try kernel.lookUp(destination: client, source: address, transport: 6, sourcePort: port)
            // 253 to 255: default, main, local.
            guard found.outcome == .unicast, found.interface != interface, let table = found.table,
                !(253...255).contains(table)
            else { return found }
            do throws(NetlinkError) {
                try kernel.add(
                    Route(destination: destination, gateway: nil, interface: interface, table: table))
            } catch  where error.isAlreadyPresent {
            }
            return try kernel.lookUp(destination: client, source: address, transport: 6, sourcePort: port)
        }
    }

    /// Opens a connection from the client, plain or packed.
    func attempt(
        to address: IPAddress, port: UInt16, packing: ProbePacking?
    ) throws(SetupError) -> ProbeResult.Outcome {
        guard let client = client.client(like: address) else { return .unsent("no address of that family") }
        return try namespace.run { () throws(SetupError) in
            guard let packing else { return ProbeConnection.attempt(from: client, to: address, port: port) }
            let kernel = try Self.edge { () throws(NetlinkError) in try Network() }
            let transmitter = "rsprobe-tx"
            try Self.edge { () throws(NetlinkError) in
                try kernel.addTransmitter(
                    name: transmitter, kind: packing.kind, local: packing.source, remote: packing.destination,
                    guePort: packing.guePort)
            }
            let index = try Self.edge { () throws(NetlinkError) in try kernel.index(of: transmitter) }
            defer { try? kernel.removeLink(index: index, name: transmitter) }
            try Self.edge { () throws(NetlinkError) in
                try kernel.setUp(true, interface: index, interfaceName: transmitter)
                try kernel.add(
                    Route(destination: Prefix(host: address), gateway: nil, interface: index, table: 254))
            }
            return ProbeConnection.attempt(from: client, to: address, port: port)
        }
    }

    private static func edge<Value: ~Copyable>(
        _ body: () throws(NetlinkError) -> Value
    ) throws(SetupError) -> Value {
        do throws(NetlinkError) {
            return try body()
        } catch {
            throw .netlink(error)
        }
    }
}

/// How a director packs.
struct ProbePacking: Hashable, Sendable {
    var kind: Tunnel.Kind
    /// The outer source: one that the lock-down lets in.
    var source: IPAddress
    /// The outer destination: this host's own address.
    var destination: IPAddress
    var guePort: UInt16?
}
