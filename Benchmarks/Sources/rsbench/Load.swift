import Glibc

/// Asks one path on kept-open connections and measures how long each answer takes.
///
/// The connections take turns, and one that is hung up on while nothing is asked on it is made anew, as RFC 9112 (9.3.1) wants it of
/// whoever keeps connections.
///
/// Without a rate each connection asks again as soon as it is answered: that shows how many answers there are at most, and
/// the time of each is mostly spent waiting for the others. With a rate questions fall due evenly in time and are measured from
/// when they were due: one that has to wait for a free connection has waited.
struct Load {
    let endpoint: Endpoint
    let path: String
    let connections: Int
    let seconds: Int
    let rate: Int?

    /// An answer that is not there by then does not come.
    private static let patience: Int64 = 5_000_000_000

    func run() throws(Failure) -> String {
        let request = HTTPConnection.request(path, of: endpoint)
        let readiness = Readiness()
        var callers: [HTTPConnection] = []
        // Since when each waits for an answer.
        var askedAt: [Int64?] = []
        for index in 0..<connections {
            let caller = try HTTPConnection(to: endpoint)
            readiness.add(caller.descriptor, tag: index)
            // At once, as directors do: who connects and says nothing is the first to make way.
            guard caller.ask(request) else { throw .system("ask \(endpoint)") }
            callers.append(caller)
            askedAt.append(now())
        }
        var free: [Int] = []
        var times: [Int32] = []
        times.reserveCapacity(seconds * 50_000)
        var (failures, renewals) = (0, 0)
        var bytes = 0
        var room = [UInt8](repeating: 0, count: 65_536)

        let start = now()
        let end = start + Int64(seconds) * 1_000_000_000
        var asked = 0
        var latest = start
        while true {
            let time = now()
            // When the next question falls due that there is a connection for, or it is looked whether any answer still comes.
            var next = time + 100_000_000
            while time < end, let caller = free.first {
                var due = time
                if let rate {
                    due = start + Int64(asked) * 1_000_000_000 / Int64(rate)
                    guard due <= time else {
                        next = min(next, due)
                        break
                    }
                }
                free.removeFirst()
                if !callers[caller].ask(request) {
                    callers[caller] = try renewed(callers[caller], in: readiness, tag: caller)
                    renewals += 1
                    guard callers[caller].ask(request) else { throw .system("ask \(endpoint)") }
                }
                askedAt[caller] = due
                asked += 1
            }
            if time >= end, free.count == connections { break }
            for caller in readiness.wait(until: next) {
                let reading = callers[caller].read(through: &room)
                if case .partial = reading { continue }
                guard let began = askedAt[caller] else {
                    callers[caller] = try renewed(callers[caller], in: readiness, tag: caller)
                    renewals += 1
                    continue
                }
                latest = now()
                if case .whole(200, let body) = reading {
                    times.append(Int32(clamping: (latest - began) / 1_000))
                    bytes = body.count
                } else {
                    failures += 1
                    if case .broken = reading {
                        callers[caller] = try renewed(callers[caller], in: readiness, tag: caller)
                    }
                }
                askedAt[caller] = nil
                free.append(caller)
            }
            guard time - latest < Self.patience else {
                throw Failure("\(connections - free.count) questions without an answer for 5 s")
            }
        }
        let speed = Double(times.count) / (Double(latest - start) / 1e9)
        return """
            \(Int(speed)) answers/s of \(bytes) bytes on \(connections) connections in \(seconds) s\
            \(rate.map { ", \($0)/s wanted" } ?? ""): \(Distribution(microseconds: times)), \(failures) failed, \
            \(renewals) idle connections made anew
            """
    }

    private func renewed(
        _ caller: HTTPConnection, in readiness: Readiness, tag: Int
    ) throws(Failure) -> HTTPConnection {
        close(caller.descriptor)
        let connection = try HTTPConnection(to: endpoint)
        readiness.add(connection.descriptor, tag: tag)
        return connection
    }
}
