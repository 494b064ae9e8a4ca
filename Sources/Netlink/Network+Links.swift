internal import CNetlink
internal import Glibc
internal import NetworkAddress

// Links are parsed from the kernel's message, not by libnl: its objects lack what decides whether a tunnel takes a packet
// (`IFLA_IPTUN_PROTO`, `COLLECT_METADATA`), and a second dump would be a second price for the same bytes.
extension Network {
    /// Every interface, by index. Equivalent to: `ip -details link show`.
    public func links() throws(NetlinkError) -> [Link] {
        let links = try socket.list(
            { () throws(NetlinkError) -> NetlinkRequest in
                var request = try NetlinkRequest(
                    "list the interfaces", type: Int32(RTM_GETLINK), flags: NLM_F_DUMP, header: ifinfomsg())
                // Counters are most of a message and none of ours; virtual functions are not asked for either.
                request.put(Int(IFLA_EXT_MASK), UInt32(RTEXT_FILTER_SKIP_STATS))
                return request
            }, Self.link)
        return links.sorted { $0.index < $1.index }
    }

    /// Reads one `RTM_NEWLINK`, from its `ifinfomsg` on.
    static func link(_ payload: [UInt8]) -> Link? {
        guard payload.count >= MemoryLayout<ifinfomsg>.size else { return nil }
        let header = payload.withUnsafeBytes { $0.loadUnaligned(as: ifinfomsg.self) }
        let attributes = NetlinkAttributes(payload, behind: MemoryLayout<ifinfomsg>.size)
        guard let name = attributes.string(Int(IFLA_IFNAME)) else { return nil }
        let information = attributes.nested(Int(IFLA_LINKINFO))
        let kind = information.string(Int(IFLA_INFO_KIND))
        let master: Int32? = attributes.number(Int(IFLA_MASTER))
        let isSet = { (flag: UInt32) in header.ifi_flags & flag != 0 }
        return Link(
            index: header.ifi_index, name: name, isUp: isSet(LinkFlags.up),
            isLoopback: isSet(LinkFlags.loopback), isARPDisabled: isSet(LinkFlags.noARP),
            kind: kind, master: master.flatMap { $0 > 0 ? $0 : nil },
            hardwareAddress: attributes[Int(IFLA_ADDRESS)].flatMap(hardwareAddress),
            mtu: attributes.number(Int(IFLA_MTU)) ?? 0, ipv4: ipv4Settings(attributes),
            tunnel: kind.flatMap(Tunnel.Kind.init).map { tunnel($0, information.nested(Int(IFLA_INFO_DATA))) })
    }

    private static func hardwareAddress(_ octets: ArraySlice<UInt8>) -> MACAddress? {
        guard octets.count == 6 else { return nil }
        return MACAddress(rawValue: octets.reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// `IFLA_INET_CONF` is an array of 32-bit numbers that begins with number 1 (`inet_fill_link_af`, net/ipv4/devinet.c).
    private static func ipv4Settings(_ attributes: NetlinkAttributes) -> Link.IPv4Settings? {
        let values = attributes.nested(Int(IFLA_AF_SPEC)).nested(Int(AF_INET))[Int(IFLA_INET_CONF)]
        guard let values else { return nil }
        let value = { (setting: IPv4Setting) -> Int? in
            let number: Int32? = NetlinkAttributes.number(values.dropFirst(4 * Int(setting.rawValue - 1)))
            return number.map(Int.init)
        }
        guard let ignore = value(.arpIgnore), let announce = value(.arpAnnounce),
            let filter = value(.reversePathFilter)
        else { return nil }
        return Link.IPv4Settings(arpIgnore: ignore, arpAnnounce: announce, reversePathFilter: filter)
    }

    /// How a tunnel says that it takes any: `0.0.0.0`, `::`.
    private static let anyAddress: [IPAddress] = [.v4(IPv4Address(rawValue: 0)), .v6(IPv6Address(high: 0, low: 0))]

    /// Reads `IFLA_INFO_DATA` of a tunnel device; its attributes are numbered by kind (include/uapi/linux/if_tunnel.h).
    private static func tunnel(_ kind: Tunnel.Kind, _ data: NetlinkAttributes) -> Tunnel {
        let end = { (type: Int) -> IPAddress? in data.address(type).flatMap { anyAddress.contains($0) ? nil : $0 } }
        switch kind {
        case .ipip, .sit, .ip6tnl:
            return Tunnel(
                kind: kind, local: end(Int(IFLA_IPTUN_LOCAL)), remote: end(Int(IFLA_IPTUN_REMOTE)),
                isExternal: data[Int(IFLA_IPTUN_COLLECT_METADATA)] != nil,
                innerProtocol: data.number(Int(IFLA_IPTUN_PROTO)) ?? 0)
        case .gre, .ip6gre:
            let flags = UInt16(bigEndian: data.number(Int(IFLA_GRE_IFLAGS)) ?? 0)
            let key: UInt32? = flags & GREFlags.key != 0 ? data.number(Int(IFLA_GRE_IKEY)) : nil
            return Tunnel(
                kind: kind, local: end(Int(IFLA_GRE_LOCAL)), remote: end(Int(IFLA_GRE_REMOTE)),
                isExternal: data[Int(IFLA_GRE_COLLECT_METADATA)] != nil, innerProtocol: 0,
                key: key.map(UInt32.init(bigEndian:)))
        }
    }
}
