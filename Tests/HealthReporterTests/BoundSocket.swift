import Glibc
import NIOCore

/// TCP sockets that have a port and do not listen yet.
enum BoundSocket {
    /// A socket on a port that the kernel picks, or nil where this host does not have the address.
    static func bind(to host: String) -> (descriptor: CInt, port: UInt16)? {
        guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return nil }
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, CInt(SOCK_STREAM.rawValue), 0)
        let isBound = address.withSockAddr { Glibc.bind(descriptor, $0, socklen_t($1)) } == 0
        var actual = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isKnown = withUnsafeMutablePointer(to: &actual) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) == 0 }
        }
        guard isBound, isKnown else {
            close(descriptor)
            return nil
        }
        // The port is at the same place in both families' addresses (ip(7), ipv6(7)).
        return (descriptor, UInt16(bigEndian: actual.sin6_port))
    }

    /// Whether this host has ::1.
    static var hasIPv6: Bool {
        guard let (descriptor, _) = bind(to: "::1") else { return false }
        close(descriptor)
        return true
    }
}
