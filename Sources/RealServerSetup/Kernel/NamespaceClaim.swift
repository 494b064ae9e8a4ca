internal import CLinux
internal import Glibc

/// The right to change this network namespace: one rsagent at a time.
///
/// It is a Unix socket bound to an abstract name (unix(7)). Abstract names belong to the network namespace, so the claim
/// holds exactly as far as the changes reach, leaves no file, and is gone with the process however it ended. Whoever finds
/// it taken connects to it to learn the holder's pid (SO_PEERCRED). Nobody accepts: each who asks takes a place in the
/// backlog, and once that is full the pid is no longer told.
public final class NamespaceClaim: Sendable {
    private static let name = "rsagent"
    private let descriptor: Int32

    /// Takes the claim, or throws `SetupError.namespaceTaken`. Needs no capability.
    public init() throws(SetupError) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw File.failure("open", "a Unix socket") }
        guard Self.withAddress({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, SOMAXCONN) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EADDRINUSE else { throw File.failure("bind", "@\(Self.name)", code) }
            let holder = Self.holder()
            throw .namespaceTaken(pid: holder?.pid, user: holder?.uid)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func holder() -> (pid: Int32, uid: UInt32)? {
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard withAddress({ connect(descriptor, $0, $1) }) == 0 else { return nil }
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        guard clinux_peer_credentials(descriptor, &pid, &uid, &gid) == 0, pid > 0 else { return nil }
        return (pid, uid)
    }

    private static func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The name begins after a NUL byte; its length is part of the address.
        withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: Array(name.utf8)) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
