internal import CNetlink
internal import Glibc
internal import NetworkAddress

/// Links, addresses and routes of the network namespace of the thread that made this value.
///
/// Reading needs no capability; every change needs CAP_NET_ADMIN. Nothing is remembered between calls: each one asks the kernel.
public struct Network: ~Copyable {
    let socket: NetlinkSocket

    /// Connects to rtnetlink(7) in the calling thread's network namespace.
    public init() throws(NetlinkError) {
        socket = try NetlinkSocket(protocolNumber: NETLINK_ROUTE)
    }

    /// Every address of every interface. Equivalent to: `ip addr show`.
    public func addresses() throws(NetlinkError) -> [InterfaceAddress] {
        try socket.list(
            { () throws(NetlinkError) -> NetlinkRequest in
                try NetlinkRequest(
                    "list the addresses", type: Int32(RTM_GETADDR), flags: NLM_F_DUMP, header: ifaddrmsg())
            }, Self.address)
    }

    /// Adds an address. Equivalent to: `ip addr add PREFIX dev INTERFACE label LABEL scope host preferred_lft 0 nodad`, the
    /// last three where asked for. Needs CAP_NET_ADMIN.
    /// Throws where the address is there already (`NetlinkError.isAlreadyPresent`).
    ///
    /// IPv6: always without duplicate address detection (`IFA_F_NODAD`), which would find the other owners of a VIP; the scope
    /// follows from the address, so `isHostScope` says nothing; and the kernel delivers to the address a moment after it is
    /// listed, when a worker of its own has made the route (`addrconf_dad_work`, net/ipv6/addrconf.c). What only the kernel sets (`isSecondary`, `isTentative`) is
    /// not asked for.
    public func add(_ address: InterfaceAddress, interfaceName: String) throws(NetlinkError) {
        let operation = "add \(address.prefix) to \(interfaceName)"
        var request = try Self.request(operation, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address)
        if address.prefix.address.v6 != nil { request.put(Int(IFA_FLAGS), UInt32(IFA_F_NODAD)) }
        if address.isDeprecated {
            // struct ifa_cacheinfo begins with the preferred and the valid lifetime in seconds; 2^32 - 1: for ever.
            var lifetimes = ifa_cacheinfo()
            lifetimes.ifa_valid = UInt32.max
            let size = Int32(MemoryLayout<ifa_cacheinfo>.size)
            let code = nla_put(request.message, Int32(IFA_CACHEINFO), size, &lifetimes)
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
        }
        try socket.change(request)
    }

    /// Removes an address. Equivalent to: `ip addr del PREFIX dev INTERFACE`. Needs CAP_NET_ADMIN.
    /// Throws where the address is not there (`NetlinkError.isAlreadyAbsent`).
    public func remove(_ address: InterfaceAddress, interfaceName: String) throws(NetlinkError) {
        let operation = "remove \(address.prefix) from \(interfaceName)"
        try socket.change(Self.request(operation, RTM_DELADDR, 0, address))
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

    private static func request(
        _ operation: String, _ type: Int, _ flags: Int32, _ address: InterfaceAddress
    ) throws(NetlinkError) -> NetlinkRequest {
        var header = ifaddrmsg()
        let isIPv4 = address.prefix.address.v4 != nil
        header.ifa_family = UInt8(isIPv4 ? AF_INET : AF_INET6)
        header.ifa_prefixlen = UInt8(address.prefix.length)
        header.ifa_index = UInt32(bitPattern: address.interface)
        let isHostScope = isIPv4 && (address.isHostScope || address.prefix.address.v4?.isLoopback == true)
        header.ifa_scope = UInt8((isHostScope ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE).rawValue)
        var request = try NetlinkRequest(operation, type: Int32(type), flags: flags, header: header)
        request.put(Int(IFA_LOCAL), address.prefix.address)
        request.put(Int(IFA_ADDRESS), address.prefix.address)
        if let label = address.label { request.put(Int(IFA_LABEL), label) }
        return request
    }

    /// Reads one `RTM_NEWADDR`, from its `ifaddrmsg` on.
    private static func address(_ message: [UInt8]) -> InterfaceAddress? {
        guard message.count >= MemoryLayout<ifaddrmsg>.size else { return nil }
        let header = message.withUnsafeBytes { $0.loadUnaligned(as: ifaddrmsg.self) }
        let attributes = NetlinkAttributes(message, behind: MemoryLayout<ifaddrmsg>.size)
        // On a point-to-point link `IFA_ADDRESS` is the other end's; elsewhere IPv6 gives nothing else.
        guard let address = attributes.address(Int(IFA_LOCAL)) ?? attributes.address(Int(IFA_ADDRESS)),
            let prefix = Prefix(address, length: Int(header.ifa_prefixlen))
        else { return nil }
        // The header has room for the first eight flags only.
        let flags = attributes.number(Int(IFA_FLAGS)) ?? UInt32(header.ifa_flags)
        let isSet = { (wanted: Int32) in flags & UInt32(wanted) != 0 }
        return InterfaceAddress(
            interface: Int32(bitPattern: header.ifa_index), prefix: prefix, label: attributes.string(Int(IFA_LABEL)),
            isSecondary: isSet(IFA_F_SECONDARY), isHostScope: header.ifa_scope == UInt8(RT_SCOPE_HOST.rawValue),
            isDeprecated: isSet(IFA_F_DEPRECATED), isTentative: isSet(IFA_F_TENTATIVE | IFA_F_DADFAILED))
    }
}
