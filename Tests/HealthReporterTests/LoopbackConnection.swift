import Glibc

/// A TCP connection to a port of 127.0.0.1 that blocks its thread: for who makes a million of them, one after the other.
final class LoopbackConnection {
    /// How long sending or reading may stand still, in seconds.
    static let patience = 10

    private let descriptor: CInt

    /// Connects; nil where it is refused, or not answered within `patience`.
    init?(to port: UInt16) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        // Each send is a segment of its own.
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        // `struct sockaddr_in` of 127.0.0.1 (ip(7)), which more than one module here has.
        let place =
            withUnsafeBytes(of: UInt16(AF_INET), Array.init) + withUnsafeBytes(of: port.bigEndian, Array.init)
            + [127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
        let connected = place.withUnsafeBytes {
            connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard connected == 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Sends what the other end takes of it.
    func send(_ bytes: ArraySlice<UInt8>) {
        _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
    }

    /// Says that nothing more is to come.
    func endInput() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Makes the end of this a reset, which throws away what is on its way (socket(7), SO_LINGER).
    func resetWhenClosed() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    /// What comes until the other end closes or resets the connection; nil where it does neither within `patience`.
    func rest() -> (bytes: [UInt8], wasReset: Bool)? {
        var bytes: [UInt8] = []
        while true {
            let length = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { room in
                let length = recv(descriptor, room.baseAddress, room.count, 0)
                if length > 0 { bytes += room[..<length] }
                return length
            }
            if length > 0 { continue }
            if length == 0 { return (bytes, false) }
            return errno == ECONNRESET ? (bytes, true) : nil
        }
    }
}
