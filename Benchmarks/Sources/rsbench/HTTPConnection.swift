import Glibc

/// A kept-open connection on which one question after the other is asked.
struct HTTPConnection {
    let descriptor: Int32
    private var received: [UInt8] = []

    init(to endpoint: Endpoint) throws(Failure) {
        descriptor = try endpoint.connect()
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether it could be sent.
    func ask(_ request: [UInt8]) -> Bool { write(descriptor, request, request.count) == request.count }

    /// What came of reading what is there.
    enum Reading {
        /// The rest is yet to come.
        case partial
        case whole(status: Int, body: ArraySlice<UInt8>)
        /// The other end hung up, or what it says is no answer.
        case broken
    }

    /// Reads what is there.
    mutating func read(through room: inout [UInt8]) -> Reading {
        while true {
            let count = Glibc.read(descriptor, &room, room.count)
            if count < 0 { return errno == EAGAIN ? take() : .broken }
            if count == 0 { return .broken }
            received += room[..<count]
            if count < room.count { return take() }
        }
    }

    private mutating func take() -> Reading {
        guard let end = Self.end(ofHead: received) else { return .partial }
        let head = String(decoding: received[..<end], as: UTF8.self).lowercased()
        let fields = head.split(whereSeparator: \.isNewline)
        guard let status = fields.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
            let field = fields.first(where: { $0.hasPrefix("content-length:") }),
            let length = Int(field.dropFirst(15).filter { $0 != " " })
        else { return .broken }
        guard received.count >= end + length else { return .partial }
        let body = received[end..<end + length]
        received = []
        return .whole(status: status, body: body)
    }

    /// Where the empty line behind the head ends.
    private static func end(ofHead bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count
        where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 && bytes[index - 3] == 13 {
            return index + 1
        }
        return nil
    }

    /// A question for `path`.
    static func request(_ path: String, of endpoint: Endpoint) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(endpoint)\r\n\r\n".utf8)
    }
}
