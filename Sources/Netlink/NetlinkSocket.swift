internal import CNetlink

/// An owned libnl socket, connected to one netlink protocol in the network namespace of the thread that made it.
///
/// libnl is not safe to use from two threads at once on one socket: the owner is `~Copyable`, so it has one user at a time.
struct NetlinkSocket: ~Copyable {
    let handle: OpaquePointer

    /// Connects to `protocolNumber` (`NETLINK_ROUTE`, `NETLINK_SOCK_DIAG`). Needs no capability.
    init(protocolNumber: Int32) throws(NetlinkError) {
        guard let handle = nl_socket_alloc() else {
            throw NetlinkError("allocate a netlink socket", code: NLE_NOMEM)
        }
        let code = nl_connect(handle, protocolNumber)
        guard code == 0 else {
            nl_socket_free(handle)
            throw NetlinkError("connect to netlink protocol \(protocolNumber)", code: code)
        }
        self.handle = handle
    }

    deinit { nl_socket_free(handle) }

    /// How often a dump that the kernel marked as inconsistent (`NLM_F_DUMP_INTR`: something changed meanwhile) is asked for again.
    static let dumpAttempts = 8
}
