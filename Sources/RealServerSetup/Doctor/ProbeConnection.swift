internal import CLinux
internal import Glibc
internal import NetworkAddress

/// One TCP connection, opened to see whether somebody answers.
enum ProbeConnection {
    /// How long an answer may take.
    static let patience = Duration.seconds(2)

    /// Connects from `source` to `destination`:`port` in the calling thread's namespace, and closes at once. Blocks for
    /// `patience` at most. Equivalent to: `nc -z -w 2 -s SOURCE DESTINATION PORT`.
    static func attempt(from source: IPAddress, to destination: IPAddress, port: UInt16) -> ProbeResult.Outcome {
        let family = destination.v4 != nil ? AF_INET : AF_INET6
        let descriptor = socket(
            family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .unsent(text(errno)) }
        defer { close(descriptor) }
        // Closed with a reset: else this host's end would wait for the last word of a client that is no more.
        var abrupt = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
        guard name(source, 0, { bind(descriptor, $0, $1) }) == 0 else {
            return .unsent("bind \(source): \(text(errno))")
        }
        let start = ContinuousClock.now
        if name(destination, port, { connect(descriptor, $0, $1) }) == 0 {
            return .answered(ContinuousClock.now - start)
        }
        guard errno == EINPROGRESS else { return outcome(errno) }
        while true {
            let left = patience - (ContinuousClock.now - start)
            guard left > .zero else { return .silent(patience) }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard poll(&waiting, 1, Int32(milliseconds + 1)) > 0 else { continue }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            return code == 0 ? .answered(ContinuousClock.now - start) : outcome(code)
        }
    }

    private static func outcome(_ code: Int32) -> ProbeResult.Outcome {
        switch code {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .silent(patience)
        case EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EPROTO, EACCES: .rejected(text(code))
        default: .unsent(text(code))
        }
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }

    private static func name<Value>(
        _ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        switch address {
        case .v4(let address):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = address.rawValue.bigEndian
            return pass(&name, body)
        case .v6(let address):
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) { bytes in
                bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return pass(&name, body)
        }
    }

    private static func pass<Name, Value>(
        _ name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Name>.size)) }
        }
    }
}
