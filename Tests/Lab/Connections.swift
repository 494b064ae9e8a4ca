internal import CLinux
internal import Glibc
public import NetworkAddress

/// Many TCP connections that are open and say nothing, until this value goes.
public final class Connections {
    private var descriptors: [Int32] = []

    /// Connects `count` times, in the calling thread's namespace.
    public init(_ count: Int, to address: IPv4Address, port: UInt16) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        for _ in 0..<count {
            // Not waited for: those that are not accepted stay in the backlog or on their way.
            let descriptor = socket(
                AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw LabError("socket: \(String(cString: strerror(errno)))") }
            descriptors.append(descriptor)
            guard
                SocketName.with(.v4(address), port: port, { connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS
            else {
                throw LabError("connect: \(String(cString: strerror(errno)))")
            }
        }
    }

    deinit { descriptors.forEach { close($0) } }
}
