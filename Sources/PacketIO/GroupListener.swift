internal import CLinux
internal import Glibc
internal import NetworkAddress

/// Membership in IPv6 groups in the eyes of the kernel: it tells the switches that listen for such reports, and answers their
/// queries (MLD, RFC 3810). A packet socket's membership reaches the card only.
///
/// It cannot be had where the interface has no IPv6, nor beyond the room for socket options (`net.core.optmem_max`); a switch
/// that passes on what it has no reports of, which most do, needs none. So nothing here is an error.
struct GroupListener: ~Copyable {
    private let index: Int
    private let socket: FileDescriptor

    /// Nil where this host has no IPv6 at all.
    init?(index: Int) {
        let raw = Glibc.socket(AF_INET6, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return nil }
        socket = FileDescriptor(adopting: raw)
        self.index = index
    }

    /// Equivalent to: a program on `INTERFACE` that listens to the group. Needs no capability.
    func join(_ group: IPv6Address) {
        var request = ipv6_mreq()
        withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) { $0.store(group, at: 0) }
        request.ipv6mr_interface = UInt32(index)
        let length = socklen_t(MemoryLayout<ipv6_mreq>.size)
        setsockopt(socket.rawValue, CInt(IPPROTO_IPV6), IPV6_JOIN_GROUP, &request, length)
    }
}
