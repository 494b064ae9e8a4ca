internal import CLinux
internal import CNetlink
internal import Glibc
internal import NetworkAddress

extension SocketDiagnostics {
    /// The connections that clients hold open to `ends`, one by one; nil where there are more than `limit`.
    public static func clientConnections(
        to ends: LocalEnds, limit: Int
    ) throws(NetlinkError) -> [TCPConnection]? {
        let found = try find(ends, keeping: limit)
        return found.count <= limit ? found.kept.map(\.connection) : nil
    }

    /// Ends the same connections at once: the other end gets a reset, the program that serves it `ECONNABORTED`. A listener
    /// is never among them, nor is a socket that has taken the place of one that was listed: the kernel compares the cookie.
    /// Equivalent to: `ss -K src ADDRESS sport = PORT`. Needs CAP_NET_ADMIN, and a kernel with `CONFIG_INET_DIAG_DESTROY`
    /// (sock_diag(7); `tcp_diag_destroy`, net/ipv4/tcp_diag.c).
    ///
    /// - Returns: how many were ended. One that ended by itself meanwhile is not counted.
    /// - Throws: what the kernel refused the first with; those before it are ended.
    public static func destroyClientConnections(to ends: LocalEnds) throws(NetlinkError) -> Int {
        var count = 0
        while true {
            let found = try find(ends, keeping: batch)
            let ended = try destroy(found.kept)
            count += ended
            // Those that were not kept are next, unless none can be ended.
            guard found.count > found.kept.count, ended > 0 else { return count }
        }
    }

    /// How many connections are ended between two looks at what there is.
    private static let batch = 4_096

    /// What is not wanted takes no memory, however many sockets the host has.
    private static func find(
        _ ends: LocalEnds, keeping limit: Int
    ) throws(NetlinkError) -> (count: Int, kept: [Listed]) {
        try reduce(into: (0, []), portFilter: PortFilter([ends])) { found, listed in
            guard ends.addresses.contains(listed.connection.local), ends.isClients(listed.connection) else { return }
            found.count += 1
            if found.kept.count < limit { found.kept.append(listed) }
        }
    }

    private static func destroy(_ entries: [Listed]) throws(NetlinkError) -> Int {
        guard !entries.isEmpty else { return 0 }
        let socket = try NetlinkSocket(protocolNumber: NETLINK_SOCK_DIAG)
        var count = 0
        for entry in entries {
            var header = inet_diag_req_v2()
            header.sdiag_family = entry.family
            header.sdiag_protocol = UInt8(IPPROTO_TCP)
            header.idiag_states = openStates
            header.id = entry.identity
            let operation = "end the connection of \(entry.connection.remote) port \(entry.connection.remotePort)"
            let request = try NetlinkRequest(operation, type: Int32(SOCK_DESTROY), flags: NLM_F_ACK, header: header)
            guard let refusal = try socket.converse(request, { _ in }) else {
                count += 1
                continue
            }
            switch refusal.number {
            case ENOENT, ESTALE: continue
            case EOPNOTSUPP:
                throw NetlinkRefusal(
                    number: refusal.number,
                    text: "this kernel cannot end another program's connection: it lacks CONFIG_INET_DIAG_DESTROY"
                ).error(operation)
            default: throw refusal.error(operation)
            }
        }
        return count
    }
}
