internal import CLinux
internal import Glibc

/// A network namespace without a name, which lives as long as this value, and no longer than the process: with it go the
/// devices in it and what is at the other end of their wires, also after `kill -9`.
struct ScratchNamespace: ~Copyable {
    /// What it is known by to netlink (`IFLA_NET_NS_FD`).
    let descriptor: Int32

    /// Makes one, in which only `lo` is, down. The calling thread stays where it is. Equivalent to: `ip netns add`.
    /// Needs CAP_SYS_ADMIN.
    init() throws(SetupError) {
        guard Capability.hasSystemAdministration else { throw .missingCapability("CAP_SYS_ADMIN") }
        let errand = NamespaceErrand(namespace: nil) {}
        try errand.run()
        descriptor = errand.opened
    }

    deinit { close(descriptor) }

    /// Runs `body` on a thread of its own that is in the namespace, and waits for it.
    borrowing func run<Value>(_ body: @escaping @Sendable () throws(SetupError) -> Value) throws(SetupError) -> Value {
        let outcome = Outcome<Value>()
        let errand = NamespaceErrand(namespace: descriptor) {
            do throws(SetupError) {
                outcome.result = .success(try body())
            } catch {
                outcome.result = .failure(error)
            }
        }
        try errand.run()
        guard let result = outcome.result else { throw NamespaceErrand.failure("enter", 0) }
        return try result.get()
    }
}

/// Written by one thread, read by another after pthread_join.
private final class Outcome<Value>: @unchecked Sendable {
    var result: Result<Value, SetupError>?
}

/// Something to be done in a namespace. Its thread writes it, the one that waits reads it afterwards: never both at once.
private final class NamespaceErrand: @unchecked Sendable {
    /// Where; nil: in a new one.
    let namespace: Int32?
    let body: @Sendable () -> Void
    /// The descriptor of a new one.
    var opened: Int32 = -1
    /// errno, where it was not reached.
    var code: Int32 = 0

    init(namespace: Int32?, _ body: @escaping @Sendable () -> Void) {
        self.namespace = namespace
        self.body = body
    }

    func run() throws(SetupError) {
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runNamespaceErrand, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else { throw Self.failure("start a thread in", code) }
        pthread_join(thread, nil)
        guard self.code == 0 else { throw Self.failure(namespace == nil ? "make" : "enter", self.code) }
    }

    static func failure(_ operation: String, _ code: Int32) -> SetupError {
        .file(operation: operation, path: "a scratch network namespace", reason: String(cString: strerror(code)))
    }

    func carryOut() {
        guard (namespace.map(clinux_enter_network) ?? clinux_unshare_network()) == 0 else {
            code = errno
            return
        }
        if namespace == nil {
            opened = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
            guard opened >= 0 else {
                code = errno
                return
            }
        }
        body()
    }
}

private func runNamespaceErrand(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<NamespaceErrand>.fromOpaque(argument).takeRetainedValue().carryOut()
    return nil
}
