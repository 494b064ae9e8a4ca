import ConfigurationFile
import Fuzzing
import NIOPosix
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

/// What comes over the wire by chance or by malice.
@Suite("The HTTP edge under bad input", .serialized)
struct EdgeFuzzTests {
    @Test(
        "each input on a connection of its own is answered or hung up on in time, and good ones are answered after it")
    func connections() async throws {
        let run = FuzzRun(of: "the HTTP edge", usual: 2_000)
        let folder = Folder()
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder, directors: ["127.0.0.1"]),
            listen: [ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: 0)], identity: somebody,
            countConnections: { $0.map { _ in 0 } }, logger: silent)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
        let task = Task.detached { try await group.run() }
        let place = try #require(try await reporter.waitUntilListening().first)
        await reporter.report(setupProblems: [:])

        // Blocking calls, on a thread for them.
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let outcome = try await pool.runIfActive { Self.ask(run, at: place.port) }
        try await pool.shutdownGracefully()
        #expect(outcome.failure == nil)
        // The inputs are neither all wrong nor all right.
        #expect(outcome.good > run.count / 20 && outcome.refused > run.count / 20, "\(outcome)")
        run.tell("\(outcome.good) answered with 200, \(outcome.refused) refused, \(outcome.silent) hung up on")
        await group.triggerGracefulShutdown()
        try await task.value
    }

    @Test("a path and a query of any bytes are a question or are refused, in bounded words")
    func questions() {
        let run = FuzzRun(of: "paths and queries", usual: 2_000)
        var random = SplitMix(seed: run.seed)
        var refused = 0
        for _ in 0..<run.count {
            let text = String(decoding: FuzzedRequest.make(&random), as: UTF8.self)
            // What the server takes for the target, or all of it.
            let target = text.split(separator: " ").dropFirst().first.map(String.init) ?? text
            let asked = random.below(4) == 0 ? text : target
            let parts = asked.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let question = Question(
                method: "GET", path: parts[0], query: parts.count > 1 ? parts[1] : nil, caller: .network(nil))
            do {
                // Not #expect, which takes longer than the question.
                guard try question.wait <= Question.longestWait,
                    try question.director?.utf8.count ?? 0 <= Question.longestName,
                    [200, 404, 503].contains(try question.drainStatus)
                else {
                    Issue.record("taken as \(question): \(asked.debugDescription)")
                    continue
                }
            } catch {
                refused += 1
                if error.description.utf8.count > 1_000 { Issue.record("many words for \(asked.debugDescription)") }
            }
        }
        #expect(refused > run.count / 100 && refused < run.count / 2, "\(refused)")
        run.tell("\(refused) refused")
    }

    /// What became of a run's inputs.
    private struct Outcome {
        var good = 0
        var refused = 0
        /// What is not so much as a request may be hung up on without a word.
        var silent = 0
        /// What went wrong, with the input it went wrong with.
        var failure: String?
    }

    /// Sends so many inputs, up to the first that goes wrong.
    private static func ask(_ run: FuzzRun, at port: UInt16) -> Outcome {
        var random = SplitMix(seed: run.seed)
        var outcome = Outcome()
        let (anyHTTP, ok) = (Array("HTTP/1.".utf8), Array("HTTP/1.1 200 ".utf8))
        for number in 0..<run.count {
            let input = FuzzedRequest.make(&random)
            // Some in two parts, so that what is read ends anywhere.
            let cut = random.once(in: 4) ? random.below(input.count) : 0
            let answer = exchange(input, cut: cut, with: port)
            if answer?.starts(with: ok) == true {
                outcome.good += 1
            } else if answer?.isEmpty == true {
                outcome.silent += 1
            } else {
                outcome.refused += 1
            }
            var problem: String?
            if let answer {
                if !answer.isEmpty, !answer.starts(with: anyHTTP) { problem = "no HTTP came back" }
            } else {
                problem = "no connection, or no end of it within \(LoopbackConnection.patience) s"
            }
            if problem == nil, number % 500 == 499 || number == run.count - 1 {
                let good = exchange(Array("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".utf8), cut: 0, with: port)
                if good?.starts(with: ok) != true { problem = "nothing works after it" }
            }
            if let problem {
                let text = String(decoding: input.prefix(4_096), as: UTF8.self).debugDescription
                outcome.failure = "input \(number) cut at \(cut), \(text): \(problem)"
                return outcome
            }
        }
        return outcome
    }

    /// What comes back for `input` on a connection that says no more after it; nil where there is none, or no end of it.
    private static func exchange(_ input: [UInt8], cut: Int, with port: UInt16) -> [UInt8]? {
        guard let connection = LoopbackConnection(to: port) else { return nil }
        // Whether all of it is taken is up to the other end.
        if cut > 0 { connection.send(input.prefix(cut)) }
        connection.send(input.dropFirst(cut))
        connection.endInput()
        return connection.rest()?.bytes
    }
}

/// Requests that are nearly right, and some that are not at all.
private enum FuzzedRequest {
    private static let seeds = [
        "GET /v1/report HTTP/1.1\r\nHost: rs1\r\n\r\n",
        "GET /v1/report?since=1&wait=1ms&director=lb1 HTTP/1.1\r\nHost: rs1\r\nAuthorization: Bearer x\r\n\r\n",
        "GET /v1/report?since=0&wait=3h HTTP/1.1\r\nHost: rs1\r\n\r\n",
        "GET /health/web?drain=404 HTTP/1.0\r\nX-Haproxy-Server-State: UP 2/3\r\nConnection: keep-alive\r\n\r\n",
        "HEAD /weight/web HTTP/1.1\r\nHost: [::1]:9380\r\nendpoint-load-metrics: json\r\n\r\n",
        "GET /v1/services/web HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /readyz?verbose HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /v1/drain HTTP/1.1\r\nHost: a\r\nContent-Length: 23\r\n\r\n{\"services\":[\"web\"] }\r\n",
        "POST /v1/maint HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
            + "3\r\n{ }\r\n0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET http://rs1/%68ealth/%00%ff%zz?%3d=%26&&=;wait=99999999999999999999h HTTP/1.1\r\nHost: a\r\n"
            + "Upgrade: h2c\r\n\r\n",
    ].map { Array($0.utf8) }

    private static let words = [
        "\r\n", "\r", "\n", "\0", " ", "\t", ":", "?", "&", "=", "%", "%2", "/", "//", "..", "\u{e9}", "\u{202e}", "-1",
        "18446744073709551616", "9223372036854775807", "Content-Length: 5\r\n", "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "ffffffffffffffff\r\n", "HTTP/9.9",
        "Connection: upgrade\r\n", "Host: b\r\n", "\u{feff}",
    ].map { Array($0.utf8) }

    static func make(_ random: inout SplitMix) -> [UInt8] {
        if random.below(50) == 0 { return (0..<random.below(200)).map { _ in UInt8(random.below(256)) } }
        var bytes = seeds[random.below(seeds.count)]
        for _ in 0..<random.below(6) {
            let place = random.below(bytes.count + 1)
            let end = min(bytes.count, place + random.below(20))
            switch random.below(8) {
            case 0: bytes.replaceSubrange(place..<end, with: [])
            case 1: bytes.insert(contentsOf: words[random.below(words.count)], at: place)
            case 2: bytes.replaceSubrange(place..<end, with: words[random.below(words.count)])
            case 3 where place < bytes.count: bytes[place] ^= UInt8(1 << random.below(8))
            case 4 where place < bytes.count: bytes[place] = UInt8(random.below(256))
            case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 6: bytes.replaceSubrange(place..., with: seeds[random.below(seeds.count)].suffix(random.below(60)))
            case 7 where random.below(50) == 0:
                // More than a line, a header or all headers may hold.
                let word = words[random.below(words.count)] + [UInt8(ascii: "a")]
                bytes.insert(contentsOf: (0..<random.below(40_000)).flatMap { _ in word }, at: place)
            default: bytes.removeLast(min(bytes.count, random.below(10)))
            }
        }
        return bytes
    }
}
