internal import Glibc

/// One director per network namespace: two would answer for one VIP and replace each other's packet filter table.
///
/// An abstract Unix socket (unix(7)) belongs to the network namespace, needs no file, and is gone with its process, however
/// that ended.
struct NamespaceLock: ~Copyable {
    private static let name = "rsdirector"
    private let descriptor: CInt

    /// Takes the lock.
    ///
    /// - Throws: `DirectorError` where another director has it.
    init() throws(DirectorError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A name that begins with a zero byte is abstract.
        withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: Self.name.utf8) }
        let length = MemoryLayout<sa_family_t>.size + 1 + Self.name.utf8.count
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) }
        }
        guard bound == 0 else {
            let cause =
                errno == EADDRINUSE
                ? "another rsdirector runs in this network namespace" : DirectorError.words(errno)
            if descriptor >= 0 { close(descriptor) }
            throw DirectorError(
                operation: "start", cause: cause,
                cure: "stop it first, or start this one in a network namespace of its own")
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }
}
