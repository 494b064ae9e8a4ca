internal import CLinux
internal import CNetlink
internal import Glibc
public import NetworkAddress
internal import Synchronization

/// Looks for listeners of the network namespace of the thread that made it, again and again on one socket (sock_diag(7)).
/// May be used from any thread. Needs no capability.
public final class ListenerProbe: Sendable {
    private let socket: Mutex<NetlinkSocket>

    /// Connects to socket diagnostics.
    public init() throws(NetlinkError) {
        let socket = try NetlinkSocket(protocolNumber: NETLINK_SOCK_DIAG)
        // One message per answer: an acknowledgement behind it would be taken for the answer to the next question.
        nl_socket_disable_auto_ack(socket.handle)
        self.socket = Mutex(socket)
    }

    /// Whether a SYN to `address`:`port` would find a listener on this host, bound to the address or to all of them.
    /// One look-up in the kernel's table, whatever the number of sockets (`inet_diag_find_one_icsk`, net/ipv4/inet_diag.c).
    /// Equivalent to: `ss -tln 'src ADDRESS and sport PORT'`, wildcards included.
    public func hasTCPListener(_ address: IPAddress, port: UInt16) throws(NetlinkError) -> Bool {
        let operation = "look for a listener on \(address) port \(port)"
        var request = inet_diag_req_v2()
        request.sdiag_family = UInt8(address.v4 != nil ? AF_INET : AF_INET6)
        request.sdiag_protocol = UInt8(IPPROTO_TCP)
        request.idiag_states = UInt32.max
        request.id.idiag_sport = port.bigEndian
        switch address {
        case .v4(let address): request.id.idiag_src.0 = address.rawValue.bigEndian
        case .v6(let address):
            let word = { (half: UInt64, shift: UInt64) in UInt32(truncatingIfNeeded: half >> shift).bigEndian }
            request.id.idiag_src = (
                word(address.high, 32), word(address.high, 0), word(address.low, 32), word(address.low, 0)
            )
        }
        // INET_DIAG_NOCOOKIE: any socket that matches.
        request.id.idiag_cookie = (UInt32.max, UInt32.max)
        let outcome = socket.withLock { socket -> Int32 in
            let sent = nl_send_simple(
                socket.handle, Int32(SOCK_DIAG_BY_FAMILY), 0, &request, MemoryLayout.size(ofValue: request))
            return sent < 0 ? sent : nl_recvmsgs_default(socket.handle)
        }
        if abs(outcome) == NLE_OBJ_NOTFOUND { return false }
        guard outcome >= 0 else { throw NetlinkError(operation, code: outcome) }
        return true
    }
}
