internal import CLinux
internal import Glibc

/// A UDP socket on every address of a host, IPv4 and IPv6, that takes in what is delivered there.
public final class UDPListener: Sendable {
    private let descriptor: Int32

    /// Opens the socket in the host's namespace. Needs CAP_SYS_ADMIN, to enter it.
    public init(on host: LabHost, port: UInt16) throws {
        let errand = Opening(namespace: "/run/netns/\(host.namespace)", port: port)
        // A thread of its own: one that has entered a namespace never comes back to the pool.
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runOpening, Unmanaged.passRetained(errand).toOpaque())
        guard code == 0 else { throw LabError("pthread_create: \(String(cString: strerror(code)))") }
        pthread_join(thread, nil)
        guard errand.descriptor >= 0 else {
            throw LabError("UDP port \(port) of \(host.name): \(String(cString: strerror(errand.failure)))")
        }
        descriptor = errand.descriptor
    }

    deinit { close(descriptor) }

    /// The datagrams that have come since the last call, as text.
    public func texts() -> [String] {
        var texts: [String] = []
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return texts }
            texts.append(String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        }
    }
}

/// Written by its thread, read after pthread_join: never both at once.
private final class Opening: @unchecked Sendable {
    let namespace: String
    let port: UInt16
    var descriptor: Int32 = -1
    var failure: Int32 = 0

    init(namespace: String, port: UInt16) {
        self.namespace = namespace
        self.port = port
    }

    func open() {
        let entrance = Glibc.open(namespace, O_RDONLY | O_CLOEXEC)
        defer { if entrance >= 0 { close(entrance) } }
        guard entrance >= 0, clinux_enter_network(entrance) == 0 else { return failure = errno }
        let opened = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard opened >= 0 else { return failure = errno }
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        let isBound = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(opened, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
        guard isBound else {
            failure = errno
            close(opened)
            return
        }
        descriptor = opened
    }
}

private func runOpening(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<Opening>.fromOpaque(argument).takeRetainedValue().open()
    return nil
}
