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

/// Socket diagnostics of the network namespace of the calling thread. Needs no capability.
public enum SocketDiagnostics {
    /// The connections that would lose something if this host vanished now: ESTABLISHED, SYN_RECV and CLOSE_WAIT, in which
    /// either side may still send, and FIN_WAIT1, CLOSING and LAST_ACK, in which what was sent is not acknowledged yet.
    /// FIN_WAIT2 and TIME_WAIT are over as far as this host's data goes (RFC 9293 §3.3.2). Numbers: include/net/tcp_states.h.
    static let openStates: UInt32 = [1, 3, 4, 8, 9, 11].reduce(0) { $0 | 1 << $1 }

    /// Open TCP connections whose local end satisfies `isIncluded`. Equivalent to: `ss -tan`, both families: IPv4
    /// connections of a dual-stack listener appear only in the AF_INET6 dump, as `::ffff:a.b.c.d`.
    public static func openTCPConnections(
        where isIncluded: (IPAddress, UInt16) -> Bool
    ) throws(NetlinkError) -> [TCPConnection] {
        try connections(family: AF_INET, where: isIncluded) + connections(family: AF_INET6, where: isIncluded)
    }

    /// How many connections clients hold open to `addresses` on `ports` (empty: on any port). A connection from one of
    /// these addresses to itself is this host asking itself, as a health check on the VIP does, and is not a client's.
    public static func clientConnections(to addresses: Set<IPAddress>, ports: Set<UInt16>) throws(NetlinkError) -> Int {
        let connections = try openTCPConnections { addresses.contains($0) && (ports.isEmpty || ports.contains($1)) }
        return connections.count { !addresses.contains($0.remote) }
    }

    private static func connections(
        family: Int32, where isIncluded: (IPAddress, UInt16) -> Bool
    ) throws(NetlinkError) -> [TCPConnection] {
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
            var found = Found()
            code = withUnsafeMutablePointer(to: &found) { pointer in
                nl_socket_modify_cb(socket.handle, NL_CB_VALID, NL_CB_CUSTOM, collect, pointer)
                return nl_recvmsgs_default(socket.handle)
            }
            if abs(code) == NLE_DUMP_INTR { continue }
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
            return found.connections.filter { isIncluded($0.local, $0.localPort) }
        }
        throw NetlinkError(operation, code: NLE_DUMP_INTR)
    }

    private struct Found {
        var connections: [TCPConnection] = []
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
        argument.assumingMemoryBound(to: Found.self).pointee.connections.append(
            TCPConnection(
                local: address(entry.id.idiag_src, isIPv6: isIPv6), localPort: UInt16(bigEndian: entry.id.idiag_sport),
                remote: address(entry.id.idiag_dst, isIPv6: isIPv6), remotePort: UInt16(bigEndian: entry.id.idiag_dport)
            ))
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
