import Glibc

/// Holds connections on which nothing is asked, and others on which a question never ends; one that is closed is made anew.
struct Siege {
    let endpoint: Endpoint
    let idle: Int
    let slow: Int

    func run() throws(Failure) {
        let readiness = Readiness()
        var sockets: [Int32] = []
        for index in 0..<idle + slow {
            sockets.append(-1)
            renew(&sockets[index], tag: index, readiness)
        }
        print("\(sockets.count { $0 >= 0 }) connections held")
        fflush(nil)
        var room = [UInt8](repeating: 0, count: 4_096)
        var nextByte = now()
        while true {
            for tag in readiness.wait(100) where read(sockets[tag], &room, room.count) <= 0 {
                close(sockets[tag])
                sockets[tag] = -1
            }
            guard now() >= nextByte else { continue }
            nextByte += 1_000_000_000
            for index in sockets.indices {
                if sockets[index] < 0 { renew(&sockets[index], tag: index, readiness) }
                // The slow ones send one letter of a header a second.
                if index >= idle, sockets[index] >= 0 { _ = write(sockets[index], "a", 1) }
            }
        }
    }

    private func renew(_ socket: inout Int32, tag: Int, _ readiness: Readiness) {
        guard let descriptor = try? endpoint.connect() else { return }
        socket = descriptor
        readiness.add(descriptor, tag: tag)
        if tag >= idle {
            let start = Array("GET /v1/report HTTP/1.1\r\nHost: \(endpoint)\r\nX-Slow: ".utf8)
            _ = write(descriptor, start, start.count)
        }
    }
}
