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
        var actual = [UInt8](repeating: 0, count: 128)
        var size = socklen_t(actual.count)
        let isKnown = actual.withUnsafeMutableBytes {
            getsockname(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, &size) == 0
        }
        guard isBound, isKnown else {
            close(descriptor)
            return nil
        }
        // The port is at the same place in both families' addresses (ip(7), ipv6(7)).
        return (descriptor, UInt16(actual[2]) << 8 | UInt16(actual[3]))
    }

    /// Whether this host has ::1.
    static var hasIPv6: Bool {
        guard let (descriptor, _) = bind(to: "::1") else { return false }
        close(descriptor)
        return true
    }
}
