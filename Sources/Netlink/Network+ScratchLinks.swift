internal import CNetlink
internal import Glibc

extension Network {
    /// Makes a pair of devices that are each other's wire, both down: `name` here, `peer` in the network namespace that
    /// `peerNamespace` is an open descriptor of (`/proc/thread-self/ns/net`, setns(2)). They go when one of them, or one of the two
    /// namespaces, goes. Needs CAP_NET_ADMIN in both.
    ///
    /// Equivalent to: `ip link add NAME type veth peer name PEER netns NAMESPACE`.
    /// Throws `NetlinkError.isAlreadyPresent` where one of the names is taken.
    public func addPair(name: String, peer: String, peerNamespace: Int32) throws(NetlinkError) {
        var request = try NetlinkRequest(
            "add the pair of devices \(name) and \(peer)", type: Int32(RTM_NEWLINK),
            flags: NLM_F_CREATE | NLM_F_EXCL, header: ifinfomsg())
        request.put(Int(IFLA_IFNAME), name)
        request.nest(Int(IFLA_LINKINFO)) { request in
            request.put(Int(IFLA_INFO_KIND), "veth")
            request.nest(Int(IFLA_INFO_DATA)) { request in
                request.nest(Int(VETH_INFO_PEER)) { request in
                    request.append(ifinfomsg())
                    request.put(Int(IFLA_IFNAME), peer)
                    request.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: peerNamespace))
                }
            }
        }
        try socket.change(request)
    }
}
