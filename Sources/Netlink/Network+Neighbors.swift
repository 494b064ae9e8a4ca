internal import CNetlink
internal import Glibc
internal import NetworkAddress

extension Network {
    /// The neighbours on one interface whose hardware address is known, both families; also those not heard of for a while
    /// (`NUD_STALE`). Multicast and broadcast mappings (`NUD_NOARP`) are none.
    /// Equivalent to: `ip neigh show dev INTERFACE`. Needs no capability.
    public func neighbors(interface: Int32) throws(NetlinkError) -> [Neighbor] {
        try listNeighbors(interface: interface, flags: 0).filter {
            $0.interface == interface && $0.hardwareAddress != nil
        }
    }

    /// The addresses this host answers for in another's place, on all interfaces, both families.
    /// Equivalent to: `ip neigh show proxy`. Needs no capability.
    public func neighborProxies() throws(NetlinkError) -> [Neighbor] {
        try listNeighbors(interface: 0, flags: UInt8(NTF_PROXY)).filter(\.isProxy)
    }

    private func listNeighbors(interface: Int32, flags: UInt8) throws(NetlinkError) -> [Neighbor] {
        try socket.list(
            { () throws(NetlinkError) -> NetlinkRequest in
                var header = ndmsg()
                header.ndm_flags = flags
                var request = try NetlinkRequest(
                    "list the neighbours", type: Int32(RTM_GETNEIGH), flags: NLM_F_DUMP, header: header)
                if interface != 0 { request.put(Int(NDA_IFINDEX), interface) }
                return request
            }, Self.neighbor)
    }

    /// Reads one `RTM_NEWNEIGH`, from its `ndmsg` on.
    private static func neighbor(_ message: [UInt8]) -> Neighbor? {
        guard message.count >= MemoryLayout<ndmsg>.size else { return nil }
        let header = message.withUnsafeBytes { $0.loadUnaligned(as: ndmsg.self) }
        let attributes = NetlinkAttributes(message, behind: MemoryLayout<ndmsg>.size)
        guard header.ndm_state & UInt16(NUD_NOARP) == 0, let address = attributes.address(Int(NDA_DST)) else {
            return nil
        }
        let octets = attributes[Int(NDA_LLADDR)]
        return Neighbor(
            address: address, interface: header.ndm_ifindex,
            hardwareAddress: octets.flatMap {
                $0.count == 6 ? MACAddress(rawValue: $0.reduce(0) { $0 << 8 | UInt64($1) }) : nil
            },
            isProxy: header.ndm_flags & UInt8(NTF_PROXY) != 0)
    }
}
