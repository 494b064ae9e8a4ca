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
    ///
    /// A handshake whose last ACK is awaited is a request socket in NEW_SYN_RECV (12), which the kernel shows to who asks for
    /// SYN_RECV, and as SYN_RECV (`inet_diag_dump_icsk`, net/ipv4/inet_diag.c). Asking for both
    /// does not depend on that.
    static let openStates: UInt32 = [1, 3, 4, 8, 9, 11, 12].reduce(0) { $0 | 1 << $1 }

    /// How many connections clients hold open to each of these, in their order: one look at the host's connections for all
    /// of them. A connection from one of the addresses to itself is this host asking itself, as a health check on the VIP
    /// does, and is not a client's; nor is one of its `checkers`.
    public static func clientConnections(to ends: [LocalEnds]) throws(NetlinkError) -> [Int] {
        let tally = ConnectionTally(of: ends)
        return try reduce(into: [Int](repeating: 0, count: ends.count), portFilter: PortFilter(ends)) {
            tally.count($1.connection, into: &$0)
        }
    }

    /// The ports of this host that open connections come to, as far as they pass `filter`.
    static func localPorts(through filter: PortFilter) throws(NetlinkError) -> Set<UInt16> {
        try reduce(into: [], portFilter: filter) { $0.insert($1.connection.localPort) }
    }

    /// Hands every open connection to `body`, which adds it to what began as `initial`. Equivalent to: `ss -tan`, both families;
    /// IPv4 connections of a dual-stack listener are listed as IPv6, as `::ffff:a.b.c.d`.
    ///
    /// The older of the two requests there are: it takes both families in one walk through the kernel's table, which costs as
    /// much as each of two (`inet_diag_dump_compat`, net/ipv4/inet_diag.c).
    ///
    /// - Parameter portFilter: what the kernel leaves out.
    static func reduce<Value>(
        into initial: Value, portFilter: PortFilter?, _ body: (inout Value, Listed) -> Void
    ) throws(NetlinkError) -> Value {
        let operation = "list the TCP connections"
        for _ in 0..<NetlinkSocket.dumpAttempts {
            // A fresh socket for each attempt: what is left of an interrupted dump cannot leak into the next.
            let socket = try NetlinkSocket(protocolNumber: NETLINK_SOCK_DIAG)
            var header = inet_diag_req()
            header.idiag_states = openStates
            var request = try NetlinkRequest(operation, type: TCPDIAG_GETSOCK, flags: NLM_F_DUMP, header: header)
            if let portFilter { request.put(Int(INET_DIAG_REQ_BYTECODE), portFilter.bytecode) }
            guard request.code >= 0 else { throw NetlinkError(operation, code: request.code) }
            var code = nl_send_auto(socket.handle, request.message)
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
            var value = initial
            code = withoutActuallyEscaping(body) { body in
                withUnsafeMutablePointer(to: &value) { value in
                    var visitor = Visitor { body(&value.pointee, $0) }
                    return withUnsafeMutablePointer(to: &visitor) { visitor in
                        nl_socket_modify_cb(socket.handle, NL_CB_VALID, NL_CB_CUSTOM, collect, visitor)
                        return nl_recvmsgs_default(socket.handle)
                    }
                }
            }
            if abs(code) == NLE_DUMP_INTR { continue }
            guard code >= 0 else { throw NetlinkError(operation, code: code) }
            return value
        }
        throw NetlinkError(operation, code: NLE_DUMP_INTR)
    }

    /// A connection, and what the kernel knows it by.
    struct Listed {
        let connection: TCPConnection
        let family: UInt8
        let identity: inet_diag_sockid
    }

    private struct Visitor {
        let visit: (Listed) -> Void
    }

    /// What libnl calls for each message of a dump.
    private typealias MessageCallback = @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32

    /// `argument` points to a `Visitor` that outlives the dump.
    private static let collect: MessageCallback = { message, argument in
        guard let message, let argument, let header = nlmsg_hdr(message),
            nlmsg_datalen(header) >= Int32(MemoryLayout<inet_diag_msg>.size), let data = nlmsg_data(header)
        else { return Int32(NL_SKIP.rawValue) }
        let entry = data.loadUnaligned(as: inet_diag_msg.self)
        let isIPv6 = Int32(entry.idiag_family) == AF_INET6
        let connection = TCPConnection(
            local: address(entry.id.idiag_src, isIPv6: isIPv6), localPort: UInt16(bigEndian: entry.id.idiag_sport),
            remote: address(entry.id.idiag_dst, isIPv6: isIPv6), remotePort: UInt16(bigEndian: entry.id.idiag_dport))
        argument.assumingMemoryBound(to: Visitor.self).pointee.visit(
            Listed(connection: connection, family: entry.idiag_family, identity: entry.id))
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
