import Glibc

/// Holds connections on which nothing is asked, others on which a question never ends, and others on which rubbish or too long a
/// question is said once a second; one that is closed is made anew within a second.
struct Siege {
    let endpoint: Endpoint
    let idle: Int
    let slow: Int
    let rude: Int

    /// Neither is HTTP that is answered with anything but a refusal: a request line without a path, and one that is too long.
    private static let rudeness = [
        Array("GET\r\n\r\n".utf8), Array("GET /".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 16_384),
    ]

    private struct Besieger {
        var socket: Int32 = -1
        /// Whether its question has begun.
        var hasBegun = false
    }

    func run() {
        let readiness = Readiness()
        let beginning = Array("GET /v1/report HTTP/1.1\r\nHost: \(endpoint)\r\nX-Slow: ".utf8)
        var besiegers = [Besieger](repeating: Besieger(), count: idle + slow + rude)
        var room = [UInt8](repeating: 0, count: 4_096)
        var next = now()
        var round = 0
        while true {
            if now() >= next {
                next = now() + 1_000_000_000
                for index in besiegers.indices {
                    if besiegers[index].socket < 0, let socket = try? endpoint.beginConnecting() {
                        besiegers[index] = Besieger(socket: socket)
                        readiness.add(socket, tag: index)
                    }
                    guard index >= idle, besiegers[index].socket >= 0 else { continue }
                    // The slow ones say one more letter of a header a second.
                    let words =
                        index >= idle + slow
                        ? Self.rudeness[index % 2] : besiegers[index].hasBegun ? [UInt8(ascii: "a")] : beginning
                    if write(besiegers[index].socket, words, words.count) == words.count {
                        besiegers[index].hasBegun = true
                    }
                }
                round += 1
                if round == 3 { report(besiegers.count { $0.socket >= 0 }) }
            }
            for tag in readiness.wait(100) where besiegers[tag].socket >= 0 {
                let count = read(besiegers[tag].socket, &room, room.count)
                if count > 0 || count < 0 && errno == EAGAIN { continue }
                close(besiegers[tag].socket)
                besiegers[tag] = Besieger()
            }
        }
    }

    private func report(_ count: Int) {
        print("\(count) connections are made or being made")
        fflush(nil)
    }
}
