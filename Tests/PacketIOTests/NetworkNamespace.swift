internal import CLinux
internal import Glibc
internal import Synchronization
internal import Testing

/// A thread in a network namespace of its own, which vanishes with the thread: what a test does to interfaces there,
/// nobody else sees.
///
/// ```
///   PacketIOTests process ── thread A: its own netns ── veth ── thread B: its own netns
/// ```
final class NetworkNamespace: @unchecked Sendable {
    /// Whether this process may make network namespaces (CAP_SYS_ADMIN): otherwise the tests that need one are skipped.
    static let isPermitted: Bool = {
        let allowed = Mutex(false)
        try? run { allowed.withLock { $0 = true } }
        return allowed.withLock { $0 }
    }()

    static let skipReason: Testing.Comment = "needs CAP_SYS_ADMIN to make network namespaces: run as root"

    /// Why something could not be set up.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    fileprivate let body: @Sendable () throws -> Void
    fileprivate var outcome: Result<Void, any Error> = .success(())
    private var thread = pthread_t()

    private init(_ body: @escaping @Sendable () throws -> Void) {
        self.body = body
    }

    /// Starts `body` on a thread in a new namespace.
    static func start(_ body: @escaping @Sendable () throws -> Void) throws -> NetworkNamespace {
        let namespace = NetworkNamespace(body)
        let retained = Unmanaged.passRetained(namespace)
        // A top-level function: a closure literal here dies with SIGILL.
        let status = pthread_create(&namespace.thread, nil, networkNamespaceMain, retained.toOpaque())
        guard status == 0 else {
            retained.release()
            throw Failure(description: "pthread_create: \(String(cString: strerror(status)))")
        }
        return namespace
    }

    /// Waits for the thread to end and throws what `body` threw.
    func join() throws {
        pthread_join(thread, nil)
        try outcome.get()
    }

    /// Runs `body` in a new namespace and waits for it.
    static func run(_ body: @escaping @Sendable () throws -> Void) throws {
        try start(body).join()
    }

    /// The calling thread's ID: what `ip link set … netns` takes to mean the thread's namespace.
    static var threadID: String {
        get throws {
            var buffer = [CChar](repeating: 0, count: 64)
            let length = readlink("/proc/thread-self", &buffer, buffer.count - 1)
            guard length > 0 else { throw Failure(description: "readlink /proc/thread-self") }
            let path = String(decoding: buffer[0..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
            return path.split(separator: "/").last.map(String.init) ?? ""
        }
    }

    /// Turns IPv6 off for interfaces to come: then nothing but the tests' own frames is on the wire.
    static func quiet() throws {
        try sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
    }

    /// Runs a command in the calling thread's namespace.
    static func sh(_ command: String) throws {
        guard system(command) == 0 else { throw Failure(description: "failed: \(command)") }
    }
}

private func networkNamespaceMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let namespace = Unmanaged<NetworkNamespace>.fromOpaque(argument).takeRetainedValue()
    guard clinux_unshare_network() == 0 else {
        namespace.outcome = .failure(
            NetworkNamespace.Failure(description: "unshare: \(String(cString: strerror(errno)))"))
        return nil
    }
    namespace.outcome = Result { try namespace.body() }
    return nil
}
