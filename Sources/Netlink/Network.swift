internal import CNetlink
internal import Glibc
internal import NetworkAddress

/// Links, addresses and routes of the network namespace of the thread that made this value.
///
/// Reading needs no capability; every change needs CAP_NET_ADMIN. Nothing is remembered between calls: each one asks the kernel.
public struct Network: ~Copyable {
    private let socket: NetlinkSocket

    /// Connects to rtnetlink(7) in the calling thread's network namespace.
    public init() throws(NetlinkError) {
        socket = try NetlinkSocket(protocolNumber: NETLINK_ROUTE)
    }

    /// Every interface, by index. Equivalent to: `ip -details link show`.
    public func links() throws(NetlinkError) -> [Link] {
        try socket.dump("list the interfaces", { rtnl_link_alloc_cache($0, AF_UNSPEC, $1) }, Self.link)
            .sorted { $0.index < $1.index }
    }

    /// Every address of every interface. Equivalent to: `ip addr show`.
    public func addresses() throws(NetlinkError) -> [InterfaceAddress] {
        try socket.dump("list the addresses", rtnl_addr_alloc_cache, Self.address)
    }

    /// The index of the interface that the IPv4 default route of the main table with the lowest metric leaves by, or nil
    /// where there is none. Equivalent to: `ip route show default`.
    public func defaultRouteInterface() throws(NetlinkError) -> Int32? {
        let routes = try socket.dump(
            "list the routes", { rtnl_route_alloc_cache($0, AF_INET, 0, $1) },
            { route -> (metric: UInt32, interface: Int32)? in
                guard rtnl_route_get_table(route) == RT_TABLE_MAIN.rawValue,
                    let destination = rtnl_route_get_dst(route), nl_addr_get_prefixlen(destination) == 0,
                    let hop = rtnl_route_nexthop_n(route, 0)
                else { return nil }
                return (rtnl_route_get_priority(route), rtnl_route_nh_get_ifindex(hop))
            })
        return routes.min { $0.metric < $1.metric }?.interface
    }

    /// Adds an address. Equivalent to: `ip addr add PREFIX dev INTERFACE label LABEL`. Needs CAP_NET_ADMIN.
    /// Throws where the address is there already (`NetlinkError.isAlreadyPresent`).
    public func add(_ address: InterfaceAddress, interfaceName: String) throws(NetlinkError) {
        let operation = "add \(address.prefix) to \(interfaceName)"
        try change(address, operation) { rtnl_addr_add(socket.handle, $0, 0) }
    }

    /// Removes an address. Equivalent to: `ip addr del PREFIX dev INTERFACE`. Needs CAP_NET_ADMIN.
    /// Throws where the address is not there (`NetlinkError.isAlreadyAbsent`).
    public func remove(_ address: InterfaceAddress, interfaceName: String) throws(NetlinkError) {
        let operation = "remove \(address.prefix) from \(interfaceName)"
        try change(address, operation) { rtnl_addr_delete(socket.handle, $0, 0) }
    }

    /// Sets one of an interface's IPv4 settings by rtnetlink, which works where `/proc/sys` is read-only.
    /// Equivalent to: `sysctl -w net.ipv4.conf.INTERFACE.SETTING=VALUE`. Needs CAP_NET_ADMIN.
    ///
    /// The request is `RTM_SETLINK` with `IFLA_AF_SPEC` → `AF_INET` → `IFLA_INET_CONF` and an empty change mask: no other
    /// property of the link is named in it. `conf.all` has no link and cannot be set this way.
    public func set(_ setting: IPv4Setting, to value: Int, interface: Int32, interfaceName: String) throws(NetlinkError)
    {
        let operation = "set \(setting.name) of \(interfaceName) to \(value)"
        guard let original = rtnl_link_alloc(), let changes = rtnl_link_alloc() else {
            throw NetlinkError(operation, code: NLE_NOMEM)
        }
        defer {
            rtnl_link_put(original)
            rtnl_link_put(changes)
        }
        rtnl_link_set_ifindex(original, interface)
        var code = rtnl_link_inet_set_conf(changes, setting.rawValue, UInt32(value))
        guard code >= 0 else { throw NetlinkError(operation, code: code) }
        code = rtnl_link_change(socket.handle, original, changes, 0)
        guard code >= 0 else { throw NetlinkError(operation, code: code) }
    }

    private func change(
        _ address: InterfaceAddress, _ operation: String, _ request: (OpaquePointer) -> Int32
    ) throws(NetlinkError) {
        guard let object = rtnl_addr_alloc() else { throw NetlinkError(operation, code: NLE_NOMEM) }
        defer { rtnl_addr_put(object) }
        guard let local = Self.nlAddress(address.prefix) else { throw NetlinkError(operation, code: NLE_NOMEM) }
        defer { nl_addr_put(local) }
        rtnl_addr_set_ifindex(object, address.interface)
        var code = rtnl_addr_set_local(object, local)
        guard code >= 0 else { throw NetlinkError(operation, code: code) }
        if let label = address.label {
            code = rtnl_addr_set_label(object, label)
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
        }
        code = request(object)
        guard code >= 0 else { throw NetlinkError(operation, code: code) }
    }
}

// libnl's objects as values.
extension Network {
    private static func link(_ object: OpaquePointer) -> Link? {
        guard let name = rtnl_link_get_name(object) else { return nil }
        let flags = rtnl_link_get_flags(object)
        let master = rtnl_link_get_master(object)
        var ignore: UInt32 = 0
        var announce: UInt32 = 0
        let hasIPv4 =
            rtnl_link_inet_get_conf(object, IPv4Setting.arpIgnore.rawValue, &ignore) == 0
            && rtnl_link_inet_get_conf(object, IPv4Setting.arpAnnounce.rawValue, &announce) == 0
        return Link(
            index: rtnl_link_get_ifindex(object), name: String(cString: name),
            isUp: flags & UInt32(IFF_UP) != 0, isLoopback: flags & UInt32(IFF_LOOPBACK) != 0,
            isARPDisabled: flags & UInt32(IFF_NOARP) != 0,
            kind: rtnl_link_get_type(object).map { String(cString: $0) }, master: master > 0 ? master : nil,
            hardwareAddress: rtnl_link_get_addr(object).flatMap(macAddress), mtu: rtnl_link_get_mtu(object),
            ipv4: hasIPv4
                ? Link.IPv4Settings(
                    arpIgnore: Int(Int32(bitPattern: ignore)), arpAnnounce: Int(Int32(bitPattern: announce)))
                : nil)
    }

    private static func address(_ object: OpaquePointer) -> InterfaceAddress? {
        guard let local = rtnl_addr_get_local(object), let address = ipAddress(local),
            let prefix = Prefix(address, length: Int(rtnl_addr_get_prefixlen(object)))
        else { return nil }
        return InterfaceAddress(
            interface: rtnl_addr_get_ifindex(object), prefix: prefix,
            label: rtnl_addr_get_label(object).map { String(cString: $0) },
            isSecondary: rtnl_addr_get_flags(object) & UInt32(IFA_F_SECONDARY) != 0)
    }

    private static func macAddress(_ address: OpaquePointer) -> MACAddress? {
        guard nl_addr_get_len(address) == 6, let bytes = nl_addr_get_binary_addr(address) else { return nil }
        let octets = UnsafeRawBufferPointer(start: bytes, count: 6)
        return MACAddress(rawValue: octets.reduce(0) { $0 << 8 | UInt64($1) })
    }

    private static func ipAddress(_ address: OpaquePointer) -> IPAddress? {
        guard let bytes = nl_addr_get_binary_addr(address) else { return nil }
        let octets = UnsafeRawBufferPointer(start: bytes, count: Int(nl_addr_get_len(address)))
        switch octets.count {
        case 4: return .v4(IPv4Address(rawValue: octets.reduce(0) { $0 << 8 | UInt32($1) }))
        case 16:
            let high = octets[..<8].reduce(0) { $0 << 8 | UInt64($1) }
            return .v6(IPv6Address(high: high, low: octets[8...].reduce(0) { $0 << 8 | UInt64($1) }))
        default: return nil
        }
    }

    private static func nlAddress(_ prefix: Prefix) -> OpaquePointer? {
        let built: OpaquePointer?
        switch prefix.address {
        case .v4(let address):
            built = withUnsafeBytes(of: address.rawValue.bigEndian) { nl_addr_build(AF_INET, $0.baseAddress, 4) }
        case .v6(let address):
            built = withUnsafeBytes(of: (address.high.bigEndian, address.low.bigEndian)) {
                nl_addr_build(AF_INET6, $0.baseAddress, 16)
            }
        }
        if let built { nl_addr_set_prefixlen(built, Int32(prefix.length)) }
        return built
    }
}
