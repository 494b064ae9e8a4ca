import Glibc

/// The service that the agent checks: it answers whatever is sent with 200 and hangs up.
struct CheckedServer {
    private static let answer = Array(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nok\n".utf8)

    private let listeners: [Int32]

    init(at endpoints: [Endpoint]) throws(Failure) {
        listeners = try endpoints.map { endpoint throws(Failure) in try endpoint.listen() }
    }

    /// Serves without an end.
    func run() {
        let readiness = Readiness()
        for listener in listeners { readiness.add(listener, tag: Int(listener)) }
        var room = [UInt8](repeating: 0, count: 4_096)
        while true {
            for tag in readiness.wait(-1) {
                let socket = Int32(tag)
                if listeners.contains(socket) {
                    let caller = accept(socket, nil, nil)
                    if caller >= 0 { readiness.add(caller, tag: Int(caller)) }
                } else {
                    if read(socket, &room, room.count) > 0 { _ = write(socket, Self.answer, Self.answer.count) }
                    close(socket)
                }
            }
        }
    }
}
