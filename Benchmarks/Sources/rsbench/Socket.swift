import CEpoll
import Glibc

/// An IPv4 address and a port.
struct Endpoint: CustomStringConvertible {
    let description: String
    private let address: sockaddr_in

    init(_ text: String) throws(Failure) {
        let parts = text.split(separator: ":")
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        guard parts.count == 2, let port = UInt16(parts[1]),
            inet_pton(AF_INET, String(parts[0]), &address.sin_addr) == 1
        else { throw Failure("\(text) is not ADDRESS:PORT") }
        address.sin_port = port.bigEndian
        self.address = address
        description = text
    }

    /// A connected socket that does not block.
    func connect() throws(Failure) -> Int32 {
        let descriptor = try open("connect to \(self)") { Glibc.connect($0, $1, $2) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// A socket that does not block, connected or about to be.
    func beginConnecting() throws(Failure) -> Int32 {
        try open("connect to \(self)") { descriptor, address, length in
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            let outcome = Glibc.connect(descriptor, address, length)
            return errno == EINPROGRESS ? 0 : outcome
        }
    }

    /// A socket that listens and does not block.
    func listen() throws(Failure) -> Int32 {
        let descriptor = try open("listen on \(self)") { descriptor, address, length in
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            return bind(descriptor, address, length)
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        guard Glibc.listen(descriptor, 1_024) == 0 else { throw .system("listen on \(self)") }
        return descriptor
    }

    private func open(
        _ operation: String, _ place: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(Failure) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system("make a socket") }
        let outcome = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                place(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard outcome == 0 else {
            let failure = Failure.system(operation)
            close(descriptor)
            throw failure
        }
        return descriptor
    }
}

/// epoll(7): which sockets can be read from.
final class Readiness {
    private let descriptor: Int32
    private var events = [epoll_event](repeating: epoll_event(), count: 256)

    init() { descriptor = epoll_create1(Int32(EPOLL_CLOEXEC)) }

    deinit { close(descriptor) }

    /// Watches `socket` from now on, until it is closed. It goes by the name `tag`.
    func add(_ socket: Int32, tag: Int) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = UInt64(tag)
        epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event)
    }

    /// Waits for so many milliseconds at most; -1: without an end.
    func wait(_ milliseconds: Int32) -> [Int] {
        told(epoll_wait(descriptor, &events, Int32(events.count), milliseconds))
    }

    /// Waits until then by `now()` at most, to within the kernel's timer slack (50 microseconds).
    func wait(until end: Int64) -> [Int] {
        let left = max(0, end - now())
        var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
        return told(epoll_pwait2(descriptor, &events, Int32(events.count), &time, nil))
    }

    private func told(_ count: Int32) -> [Int] {
        events.prefix(Int(max(0, count))).map { Int($0.data.u64) }
    }
}

/// Time that only goes forward, in nanoseconds.
func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
