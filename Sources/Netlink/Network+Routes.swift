internal import CNetlink
internal import Glibc
internal import NetworkAddress

extension Network {
    /// The unicast routes of one table, both families, that a `Route` can express: with one next hop, without encapsulation,
    /// type of service or source prefix. All others are left out.
    /// Equivalent to: `ip route show table TABLE type unicast`, and the same with `ip -6`. Needs no capability.
    ///
    /// The kernel sends that table only (Linux 4.20): it costs the same on a host that holds a million routes elsewhere.
    public func routes(table: UInt32) throws(NetlinkError) -> [Route] {
        try routes(AF_INET, table: table) + routes(AF_INET6, table: table)
    }

    /// Adds a route with protocol `static`. Equivalent to: `ip route add DESTINATION via GATEWAY dev INTERFACE table TABLE
    /// metric METRIC proto static`. Needs CAP_NET_ADMIN.
    ///
    /// Without a gateway, IPv4 destinations are on the link (`scope link`). The gateway must be reachable on the link by what
    /// is there already: `onlink` is not claimed. Throws where there is a route to the destination with the same metric in
    /// the table (`NetlinkError.isAlreadyPresent`).
    public func add(_ route: Route) throws(NetlinkError) {
        try socket.change(Self.request("add \(route)", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route))
    }

    /// Removes exactly this route, whoever made it. Equivalent to: `ip route del DESTINATION via GATEWAY dev INTERFACE table
    /// TABLE metric METRIC`. Needs CAP_NET_ADMIN. Throws where it is not there (`NetlinkError.isAlreadyAbsent`).
    public func remove(_ route: Route) throws(NetlinkError) {
        let operation = "remove \(route)"
        let family = route.destination.address.v4 == nil ? AF_INET6 : AF_INET
        // To the kernel no gateway means any, and metric 0 the first there is: it would take another's route instead.
        guard try routes(family, table: route.table).contains(route.asStored) else {
            throw NetlinkError(operation, code: NLE_OBJ_NOTFOUND)
        }
        try socket.change(Self.request(operation, RTM_DELROUTE, 0, route))
    }

    /// The index of the interface that the default route of the main table with the lowest metric leaves by, or nil where
    /// there is none. Equivalent to: `ip route show default`, `ip -6 route show default`. Needs no capability.
    public func defaultRouteInterface(isIPv6: Bool = false) throws(NetlinkError) -> Int32? {
        let table = UInt32(RT_TABLE_MAIN.rawValue)
        let found = try listRoutes(isIPv6 ? AF_INET6 : AF_INET, table: table) {
            header, attributes -> (metric: UInt32, interface: Int32)? in
            // A route with several next hops leaves by the first of them, as good a name for it as any.
            guard header.rtm_dst_len == 0,
                let hop = attributes.number(Int(RTA_OIF.rawValue)) ?? Self.firstHop(attributes)
            else { return nil }
            return (attributes.number(Int(RTA_PRIORITY.rawValue)) ?? 0, hop)
        }
        return found.min { $0.metric < $1.metric }?.interface
    }

    private func routes(_ family: Int32, table: UInt32) throws(NetlinkError) -> [Route] {
        try listRoutes(family, table: table) { header, attributes in Self.route(header, attributes, table: table) }
    }

    /// What `parse` makes of the unicast routes of one table and family.
    private func listRoutes<Value>(
        _ family: Int32, table: UInt32, _ parse: (rtmsg, NetlinkAttributes) -> Value?
    ) throws(NetlinkError) -> [Value] {
        try socket.list(
            isFiltered: true,
            { () throws(NetlinkError) -> NetlinkRequest in
                var header = rtmsg()
                header.rtm_family = UInt8(family)
                header.rtm_table = UInt8(exactly: table) ?? 0
                header.rtm_type = UInt8(RTN_UNICAST)
                var request = try NetlinkRequest(
                    "list the routes of table \(table)", type: Int32(RTM_GETROUTE), flags: NLM_F_DUMP, header: header)
                request.put(Int(RTA_TABLE.rawValue), table)
                return request
            },
            { message in
                guard message.count >= MemoryLayout<rtmsg>.size else { return nil }
                let header = message.withUnsafeBytes { $0.loadUnaligned(as: rtmsg.self) }
                let attributes = NetlinkAttributes(message, behind: MemoryLayout<rtmsg>.size)
                // What an older kernel did not leave out, and what it only remembers of paths (`RTM_F_CLONED`).
                guard header.rtm_family == UInt8(family), header.rtm_type == UInt8(RTN_UNICAST),
                    header.rtm_flags & UInt32(RTM_F_CLONED) == 0,
                    attributes.number(Int(RTA_TABLE.rawValue)) ?? UInt32(header.rtm_table) == table
                else { return nil }
                return parse(header, attributes)
            })
    }

    private static func route(_ header: rtmsg, _ attributes: NetlinkAttributes, table: UInt32) -> Route? {
        let any: IPAddress = header.rtm_family == UInt8(AF_INET) ? .v4(.any) : .v6(.any)
        let isPlain =
            header.rtm_tos == 0 && header.rtm_src_len == 0 && attributes[Int(RTA_MULTIPATH.rawValue)] == nil
            && attributes[Int(RTA_ENCAP.rawValue)] == nil
        guard isPlain, let interface: Int32 = attributes.number(Int(RTA_OIF.rawValue)),
            let destination = Prefix(attributes.address(Int(RTA_DST.rawValue)) ?? any, length: Int(header.rtm_dst_len))
        else { return nil }
        return Route(
            destination: destination, gateway: gateway(attributes), interface: interface, table: table,
            metric: attributes.number(Int(RTA_PRIORITY.rawValue)) ?? 0)
    }

    /// The next hop of a message about a route: `RTA_GATEWAY`, or `RTA_VIA` where it is of the other family (RFC 5549).
    static func gateway(_ attributes: NetlinkAttributes) -> IPAddress? {
        if let gateway = attributes.address(Int(RTA_GATEWAY.rawValue)) { return gateway }
        // struct rtvia: the family in two bytes, then the address.
        guard let via = attributes[Int(RTA_VIA.rawValue)], via.count == 18 else { return nil }
        let half = { (octets: ArraySlice<UInt8>) in octets.reduce(0) { $0 << 8 | UInt64($1) } }
        return .v6(IPv6Address(high: half(via.dropFirst(2).prefix(8)), low: half(via.suffix(8))))
    }

    /// The interface of the first of several next hops: `struct rtnexthop` is length, flags, weight, index.
    private static func firstHop(_ attributes: NetlinkAttributes) -> Int32? {
        attributes[Int(RTA_MULTIPATH.rawValue)].flatMap { NetlinkAttributes.number($0.dropFirst(4)) }
    }

    private static func request(
        _ operation: String, _ type: Int, _ flags: Int32, _ route: Route
    ) throws(NetlinkError) -> NetlinkRequest {
        let isIPv4 = route.destination.address.v4 != nil
        var header = rtmsg()
        header.rtm_family = UInt8(isIPv4 ? AF_INET : AF_INET6)
        header.rtm_dst_len = UInt8(route.destination.length)
        header.rtm_table = UInt8(exactly: route.table) ?? UInt8(RT_TABLE_UNSPEC.rawValue)
        header.rtm_type = UInt8(RTN_UNICAST)
        if type == RTM_NEWROUTE {
            header.rtm_protocol = UInt8(RTPROT_STATIC)
            let isOnLink = isIPv4 && route.gateway == nil
            header.rtm_scope = UInt8((isOnLink ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE).rawValue)
        } else {
            // Whatever its scope, and with protocol 0 whoever made it.
            header.rtm_scope = UInt8(RT_SCOPE_NOWHERE.rawValue)
        }
        var request = try NetlinkRequest(operation, type: Int32(type), flags: flags, header: header)
        if route.destination.length > 0 { request.put(Int(RTA_DST.rawValue), route.destination.address) }
        if let gateway = route.gateway {
            guard (gateway.v4 != nil) == isIPv4 else {
                throw NetlinkError("\(operation) (the gateway is of the other family)", code: NLE_INVAL)
            }
            request.put(Int(RTA_GATEWAY.rawValue), gateway)
        }
        request.put(Int(RTA_OIF.rawValue), route.interface)
        request.put(Int(RTA_TABLE.rawValue), route.table)
        if route.metric != 0 { request.put(Int(RTA_PRIORITY.rawValue), route.metric) }
        return request
    }
}

extension Route: CustomStringConvertible {
    /// As `ip route` would have it, with the interface by its index.
    public var description: String {
        let via = gateway.map { " via \($0)" } ?? ""
        let order = metric == 0 ? "" : " metric \(metric)"
        return "route \(destination)\(via) dev #\(interface) table \(table)\(order)"
    }

    /// The route as the kernel lists it: it gives IPv6 routes without a metric 1024 (`IP6_RT_PRIO_USER`).
    var asStored: Route {
        var route = self
        if destination.address.v6 != nil, metric == 0 { route.metric = 1024 }
        return route
    }
}
