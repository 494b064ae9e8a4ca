internal import CLinux
internal import CNetlink
internal import Glibc
public import NetworkAddress

/// A TCP connection of this host, as sock_diag(7) shows it.
public struct TCPConnection: Hashable, Sendable {
    /// This host's end; an IPv4 connection accepted by a dual-stack listener is shown as IPv4.
    public var local: IPAddress
    /// This host's port.
    public var localPort: UInt16
    /// The other end.
    public var remote: IPAddress
    /// The other end's port.
    public var remotePort: UInt16
}

/// Socket diagnostics of the network namespace of the calling thread. Looking needs no capability.
public enum SocketDiagnostics {
    /// The connections that would lose something if this host vanished now: ESTABLISHED, SYN_RECV and CLOSE_WAIT, in which
    /// either side may still send, and FIN_WAIT1, CLOSING and LAST_ACK, in which what was sent is not acknowledged yet.
    /// FIN_WAIT2 and TIME_WAIT are over as far as this host's data goes (RFC 9293 §3.3.2). Numbers: include/net/tcp_states.h.
    ///
    /// A handshake whose last ACK is awaited is a request socket in NEW_SYN_RECV (12), which the kernel shows to who asks for
    /// SYN_RECV, and as SYN_RECV (`inet_diag_dump_icsk`, net/ipv4/inet_diag.c). Asking for both
    /// does not depend on that.
    static let openStates: UInt32 = [1, 3, 4, 8, 9, 11, 12].reduce(0) { $0 | 1 << $1 }

    /// Open TCP connections whose local end satisfies `isIncluded`. Equivalent to: `ss -tan`, both families: IPv4
    /// connections of a dual-stack listener appear only in the AF_INET6 dump, as `::ffff:a.b.c.d`.
    public static func openTCPConnections(
        where isIncluded: (IPAddress, UInt16) -> Bool
    ) throws(NetlinkError) -> [TCPConnection] {
        try find(nil, keeping: .max).entries.map(\.connection).filter { isIncluded($0.local, $0.localPort) }
    }

    /// How many connections clients hold open to `addresses` on `ports` (empty: on any port). A connection from one of
    /// these addresses to itself is this host asking itself, as a health check on the VIP does, and is not a client's.
    public static func clientConnections(to addresses: Set<IPAddress>, ports: Set<UInt16>) throws(NetlinkError) -> Int {
        try find(Wanted(addresses: addresses, ports: ports), keeping: 0).count
    }

    /// The same connections one by one; nil where there are more than `limit`.
    public static func clientConnections(
        to addresses: Set<IPAddress>, ports: Set<UInt16>, limit: Int
    ) throws(NetlinkError) -> [TCPConnection]? {
        let found = try find(Wanted(addresses: addresses, ports: ports), keeping: limit)
        return found.count <= limit ? found.entries.map(\.connection) : nil
    }

    /// Ends the same connections at once: the other end gets a reset, the program that serves it `ECONNABORTED`. A listener
    /// is never among them, nor is a socket that has taken the place of one that was listed: the kernel compares the cookie.
    /// Equivalent to: `ss -K src ADDRESS sport = PORT`. Needs CAP_NET_ADMIN, and a kernel with `CONFIG_INET_DIAG_DESTROY`
    /// (sock_diag(7); `tcp_diag_destroy`, net/ipv4/tcp_diag.c).
    ///
    /// - Returns: how many were ended. One that ended by itself meanwhile is not counted.
    /// - Throws: what the kernel refused the first with; those before it are ended.
    public static func destroyClientConnections(
        to addresses: Set<IPAddress>, ports: Set<UInt16>
    ) throws(NetlinkError) -> Int {
        let wanted = Wanted(addresses: addresses, ports: ports)
        var count = 0
        while true {
            let found = try find(wanted, keeping: batch)
            let ended = try destroy(found.entries)
            count += ended
            // Those that were not kept are next, unless none can be ended.
            guard found.count > found.entries.count, ended > 0 else { return count }
        }
    }

    /// How many connections are ended between two looks at what there is.
    private static let batch = 4_096

    private static func destroy(_ entries: [Entry]) throws(NetlinkError) -> Int {
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

    /// Whose connections are looked for; what is not wanted takes no memory, however many sockets the host has.
    private struct Wanted {
        var addresses: Set<IPAddress>
        var ports: Set<UInt16>

        func contains(_ connection: TCPConnection) -> Bool {
            addresses.contains(connection.local) && (ports.isEmpty || ports.contains(connection.localPort))
                && !addresses.contains(connection.remote)
        }
    }

    /// A connection, and what the kernel knows it by.
    private struct Entry {
        var connection: TCPConnection
        var family: UInt8
        var identity: inet_diag_sockid
    }

    private static func find(_ wanted: Wanted?, keeping limit: Int) throws(NetlinkError) -> Found {
        var found = try find(wanted, family: AF_INET, keeping: limit)
        let more = try find(wanted, family: AF_INET6, keeping: limit - found.entries.count)
        found.entries += more.entries
        found.count += more.count
        return found
    }

    private static func find(
        _ wanted: Wanted?, family: Int32, keeping limit: Int
    ) throws(NetlinkError) -> Found {
        let operation = "list the TCP connections"
        for _ in 0..<NetlinkSocket.dumpAttempts {
            // A fresh socket for each attempt: what is left of an interrupted dump cannot leak into the next.
            let socket = try NetlinkSocket(protocolNumber: NETLINK_SOCK_DIAG)
            var request = inet_diag_req_v2()
            request.sdiag_family = UInt8(family)
            request.sdiag_protocol = UInt8(IPPROTO_TCP)
            request.idiag_states = openStates
            var code = nl_send_simple(
                socket.handle, Int32(SOCK_DIAG_BY_FAMILY), NLM_F_DUMP, &request, MemoryLayout.size(ofValue: request))
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
            var found = Found(wanted: wanted, limit: limit)
            code = withUnsafeMutablePointer(to: &found) { pointer in
                nl_socket_modify_cb(socket.handle, NL_CB_VALID, NL_CB_CUSTOM, collect, pointer)
                return nl_recvmsgs_default(socket.handle)
            }
            if abs(code) == NLE_DUMP_INTR { continue }
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
            return found
        }
        throw NetlinkError(operation, code: NLE_DUMP_INTR)
    }

    private struct Found {
        let wanted: Wanted?
        /// How many entries are kept; the rest is only counted.
        let limit: Int
        var count = 0
        var entries: [Entry] = []
    }

    /// What libnl calls for each message of a dump.
    private typealias MessageCallback = @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32

    /// `argument` points to a `Found` that outlives the dump.
    private static let collect: MessageCallback = { message, argument in
        guard let message, let argument, let header = nlmsg_hdr(message),
            nlmsg_datalen(header) >= Int32(MemoryLayout<inet_diag_msg>.size), let data = nlmsg_data(header)
        else { return Int32(NL_SKIP.rawValue) }
        let entry = data.loadUnaligned(as: inet_diag_msg.self)
        let isIPv6 = Int32(entry.idiag_family) == AF_INET6
        let connection = TCPConnection(
            local: address(entry.id.idiag_src, isIPv6: isIPv6), localPort: UInt16(bigEndian: entry.id.idiag_sport),
            remote: address(entry.id.idiag_dst, isIPv6: isIPv6), remotePort: UInt16(bigEndian: entry.id.idiag_dport))
        let found = argument.assumingMemoryBound(to: Found.self)
        guard found.pointee.wanted?.contains(connection) ?? true else { return Int32(NL_OK.rawValue) }
        found.pointee.count += 1
        if found.pointee.entries.count < found.pointee.limit {
            found.pointee.entries.append(
                Entry(connection: connection, family: entry.idiag_family, identity: entry.id))
        }
        return Int32(NL_OK.rawValue)
    }

    private static func address(_ words: (UInt32, UInt32, UInt32, UInt32), isIPv6: Bool) -> IPAddress {
        let word = { (value: UInt32) in UInt64(UInt32(bigEndian: value)) }
        guard isIPv6 else { return .v4(IPv4Address(rawValue: UInt32(bigEndian: words.0))) }
        let address = IPv6Address(
            high: word(words.0) << 32 | word(words.1), low: word(words.2) << 32 | word(words.3))
        return IPAddress.v6(address).unmapped
    }
}
