import ConfigurationFile
import Glibc
import NIOPosix
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

/// What comes over the wire by chance or by malice. How many inputs: RSLAB_FUZZ_INPUTS, a few by default; the same ones in
/// every run, so that a failure can be repeated.
@Suite("The HTTP edge under bad input", .serialized)
struct EdgeFuzzTests {
    private static var count: Int {
        getenv("RSLAB_FUZZ_INPUTS").flatMap { Int(String(cString: $0)) } ?? 2_000
    }

    @Test(
        "each input on a connection of its own is answered or hung up on in time, and good ones are answered after it")
    func connections() async throws {
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
        let failure = try await pool.runIfActive { Self.failure(of: Self.count, asking: place.port) }
        try await pool.shutdownGracefully()
        #expect(failure == nil)
        await group.triggerGracefulShutdown()
        try await task.value
    }

    @Test("a path and a query of any bytes are a question or are refused, in bounded words")
    func questions() {
        var random = FuzzRandom(state: 2)
        for _ in 0..<Self.count {
            let text = String(decoding: FuzzedRequest.make(&random), as: UTF8.self)
            // What the server takes for the target, or all of it.
            let target = text.split(separator: " ").dropFirst().first.map(String.init) ?? text
            let asked = random.below(4) == 0 ? text : target
            let parts = asked.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let question = Question(
                method: "GET", path: parts[0], query: parts.count > 1 ? parts[1] : nil, caller: .network(nil))
            #expect(((try? question.wait) ?? .zero) <= Question.longestWait)
            #expect(((try? question.director) ?? nil)?.utf8.count ?? 0 <= Question.longestName)
            #expect([200, 404, 503].contains((try? question.drainStatus) ?? 503))
        }
    }

    /// Sends so many inputs; what went wrong, with the input it went wrong with, or nil.
    private static func failure(of count: Int, asking port: UInt16) -> String? {
        var random = FuzzRandom(state: 1)
        for number in 0..<count {
            let input = FuzzedRequest.make(&random)
            let answer = exchange(input, with: port)
            let text = "input \(number), \(String(decoding: input.prefix(4_096), as: UTF8.self).debugDescription): "
            guard let answer else { return text + "no connection, or no end of it within 10 s" }
            guard answer.isEmpty || answer.starts(with: Array("HTTP/1.".utf8)) else {
                return text + "no HTTP came back"
            }
            guard number % 500 == 499 || number == count - 1 else { continue }
            let good = exchange(Array("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".utf8), with: port)
            guard good?.starts(with: Array("HTTP/1.1 200 ".utf8)) == true else {
                return text + "nothing works after it"
            }
        }
        return nil
    }

    /// What comes back for `input` on a connection that says no more after it; nil where there is none, or no end of it.
    private static func exchange(_ input: [UInt8], with port: UInt16) -> [UInt8]? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        // `struct sockaddr_in` of 127.0.0.1 (ip(7)), which more than one module here has.
        let place =
            withUnsafeBytes(of: UInt16(AF_INET), Array.init) + withUnsafeBytes(of: port.bigEndian, Array.init)
            + [127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
        let connected = place.withUnsafeBytes {
            connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard connected == 0 else { return nil }
        // Whether all of it is taken is up to the other end.
        send(descriptor, input, input.count, Int32(MSG_NOSIGNAL))
        shutdown(descriptor, Int32(SHUT_WR))
        var answer: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            let length = recv(descriptor, &room, room.count, 0)
            if length > 0 {
                answer += room[..<length]
            } else if length == 0 || errno == ECONNRESET {
                return answer
            } else {
                return nil
            }
        }
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

    static func make(_ random: inout FuzzRandom) -> [UInt8] {
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

/// SplitMix64.
private struct FuzzRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 to `bound` - 1.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}
