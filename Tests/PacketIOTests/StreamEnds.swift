internal import Glibc

/// The two ends of a TCP stream whose bytes each say where they belong.
enum StreamEnds {
    /// The byte at `offset` of the stream: neighbours differ, and so do the starts of successive segments.
    static func byte(at offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8 &* 7 &+ offset >> 16)
    }

    /// Accepts one connection on `port`, calling `ready` once clients may come, and returns how many bytes arrived,
    /// all as they should be.
    static func receive(port: UInt16, ready: () -> Void) throws -> Int {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        try check(withAddress(0, port) { bind(listener, $0, $1) }, "bind")
        try check(listen(listener, 1), "listen")
        ready()
        let connection = accept(listener, nil, nil)
        try check(connection, "accept")
        defer { close(connection) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var offset = 0
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            try check(CInt(clamping: count), "recv after \(offset) bytes")
            if count == 0 { return offset }
            for index in 0..<count where buffer[index] != byte(at: offset + index) {
                throw NetworkNamespace.Failure(description: "byte \(offset + index) is wrong")
            }
            offset += count
        }
    }

    /// Connects to `address` (host order) and sends `count` bytes.
    static func send(to address: UInt32, port: UInt16, count: Int) throws {
        let connection = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(connection) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try check(withAddress(address, port) { connect(connection, $0, $1) }, "connect")
        var offset = 0
        while offset < count {
            let chunk = (offset..<min(offset + 1 << 16, count)).map(byte(at:))
            let sent = Glibc.send(connection, chunk, chunk.count, CInt(MSG_NOSIGNAL))
            try check(CInt(clamping: sent), "send after \(offset) bytes")
            offset += sent
        }
    }

    private static func check(_ result: CInt, _ operation: String) throws {
        if result < 0 {
            throw NetworkNamespace.Failure(description: "\(operation): \(String(cString: strerror(errno)))")
        }
    }

    private static func withAddress(
        _ address: UInt32, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.bigEndian
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
