internal import Glibc
internal import HealthReporter
internal import HummingbirdCore
internal import Lab
internal import Logging
internal import NIOCore
internal import NetworkAddress
internal import Synchronization
internal import Testing

@testable internal import Director

@Suite("the status over HTTP")
struct StatusServerTests {
    /// Markup where names and words from outside come.
    static let hostile = #"<img src=x onerror="document.title='taken'">"#

    static let snapshot: StatusSnapshot = {
        var snapshot = StatusSnapshotTests.snapshot([
            StatusSnapshotTests.server(11, weight: 300, active: 4, inactive: 2, state: .up),
            StatusSnapshotTests.server(12, weight: 0, active: 1, inactive: 0, state: .down, reason: hostile, mac: nil),
        ])
        snapshot.services[0].name = "web\(hostile)"
        return snapshot
    }()

    /// A server with these routes on a port of its own, while `body` runs with its address.
    static func serve<Result: Sendable>(
        _ routes: StatusRoutes, _ body: @escaping @Sendable (String) async throws -> Result
    ) async throws -> Result {
        let port = try freePort()
        return try await serve(routes, on: .hostname("127.0.0.1", port: port)) {
            try await body("http://127.0.0.1:\(port)")
        }
    }

    private static func serve<Result: Sendable>(
        _ routes: StatusRoutes, on address: BindAddress, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
        let server = StatusServer(
            name: "test", address: address, logger: logger, routes: routes,
            whenListening: { isListening.finish() })
        return try await server.running {
            for await _ in listening {}
            return try await body()
        }
    }

    @Test("rsdirector status gets all of it over the control socket")
    func client() async throws {
        let folder = try ScratchDirectory()
        let path = folder.path
        let routes = StatusRoutes(snapshot: { Self.snapshot }) { question in
            ConnectionList(total: question.limit + (question.order == .oldest ? 1000 : 0), connections: [])
        }
        try await Self.serve(routes, on: .unixDomainSocket(path: ControlSocket.path(inRunDirectory: path))) {
            let client = StatusClient(runDirectory: path)
            let status = try await client.status()
            #expect(status == Self.snapshot)
            let list = try await client.connections(.init(limit: 7, order: .oldest))
            #expect(list.total == 1007)
        }
        // One that does not tell it is a director of another version.
        try await Self.serve(
            StatusRoutes(snapshot: { Self.snapshot }),
            on: .unixDomainSocket(path: ControlSocket.path(inRunDirectory: path))
        ) {
            let error = await #expect(throws: DirectorError.self) {
                try await StatusClient(runDirectory: path).connections()
            }
            #expect(error?.description.contains("status 404; use the rsdirector of the version that runs") == true)
        }
    }

    /// A port of 127.0.0.1 that nobody listens on.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(done)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    static func ask(_ address: String) async throws -> String {
        try await Command.run(["curl", "--silent", "--include", "--max-time", "20", address]).output
    }

    @Test("status, metrics and page each come as what they are")
    func routes() async throws {
        try await Self.serve(StatusRoutes(snapshot: { Self.snapshot })) { address in
            let status = try await Self.ask("\(address)/v1/status")
            #expect(
                status.contains("Content-Type: application/json\r\n") && status.contains("Cache-Control: no-store\r\n"))
            let body = try #require(status.split(separator: "\r\n\r\n").last)
            let told = try StatusSnapshot(json: Array(body.utf8))
            #expect(told == Self.snapshot)
            let metrics = try await Self.ask("\(address)/metrics")
            #expect(metrics.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(metrics.hasSuffix(Self.snapshot.metrics))
            let page = try await Self.ask("\(address)/")
            #expect(page.contains("Content-Type: text/html; charset=utf-8\r\n"))
            #expect(page.contains("Content-Security-Policy: default-src 'none';"))
            #expect(try await Self.ask("\(address)/v1/connections").hasPrefix("HTTP/1.1 404 "), "not told here")
        }
    }

    @Test("connections are told as asked for, and a question that is none is refused")
    func connections() async throws {
        let routes = StatusRoutes(snapshot: { Self.snapshot }) { question in
            ConnectionList(total: question.limit, connections: [])
        }
        try await Self.serve(routes) { address in
            let seven = try await Self.ask("\(address)/v1/connections?limit=7&order=oldest")
            #expect(seven.contains(#""total":7"#))
            let usual = try await Self.ask("\(address)/v1/connections")
            #expect(usual.contains(#""total":1000"#))
            for query in ["limit=many", "order=best"] {
                let refusal = try await Self.ask("\(address)/v1/connections?\(query)")
                #expect(refusal.hasPrefix("HTTP/1.1 400 "), "\(query)")
            }
        }
    }

    @Test("each page has a nonce of its own, and its policy lets that alone run")
    func policy() {
        let (one, two) = (StatusPage(), StatusPage())
        #expect(one.nonce != two.nonce && one.nonce.count >= 16)
        #expect(one.policy.contains("script-src 'nonce-\(one.nonce)';"))
        #expect(one.html.contains("<script nonce=\"\(one.nonce)\">"))
        #expect(
            !one.html.contains("https:") && !one.html.contains("innerHTML"), "nothing is fetched, nothing is markup")
    }

    @Test(
        "a browser shows services, servers, states and reasons, draws rates and asks again by itself",
        .enabled(
            if: (try? Command.require("chromium-headless-shell --version")) != nil,
            "there is no chromium-headless-shell; make prerequisites brings it in"))
    func browser() async throws {
        let asked = Atomic(0)
        let routes = StatusRoutes(snapshot: {
            var snapshot = Self.snapshot
            let count = asked.add(1, ordering: .relaxed).newValue
            snapshot.services[0].rate.connections = UInt64(count * 10)
            snapshot.outbound = [StatusSnapshotTests.outbound]
            snapshot.services.append(snapshot.services[0])
            snapshot.services[1].name = "apology"
            var sorry = StatusSnapshotTests.server(99, weight: 1, active: 0, inactive: 0, state: .up)
            (sorry.sorry, sorry.agent) = (true, nil)
            snapshot.services[1].servers = [snapshot.services[0].servers[1], sorry]
            return snapshot
        })
        let folder = try ScratchDirectory()
        let path = folder.path
        // Its clock runs ahead as far as it may while nothing is under way: nine seconds pass in one.
        let document = try await Self.serve(routes) { address in
            let command = try await Command.run([
                "timeout", "90", "chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(path)",
                "--virtual-time-budget=9000", "--dump-dom", "\(address)/",
            ])
            guard command.status == 0 else { throw LabError("chromium: exit \(command.status): \(command.errors)") }
            return command.output
        }
        #expect(asked.load(ordering: .relaxed) >= 3, "asked again")
        let page = try #require(document.split(separator: "<script").first.map(String.init))
        let escaped = Self.hostile.replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        #expect(page.contains("<title>d1: rsdirector</title>"), "no markup from outside ran")
        #expect(page.contains("web\(escaped)") && page.contains("MAC not known; \(escaped)") && !page.contains("<img"))
        for text in [
            "rsdirector 0.1.0 on d1", "TCP 192.0.2.10:80 wrr", "10.0.0.11:80 dr", #"<span class="state up">up</span>"#,
            #"<span class="state down">down</span>"#, "noFlow 3", "12 connections remembered, room for 1,024",
            "Servers to the world", "203.0.113.5: 1024 to 65535", "10.0.0.0/24, 10.0.1.0/24",
            "apology on 192.0.2.10:80: too few servers are up, the sorry server answers", ">sorry server</td>",
        ] { #expect(page.contains(text), "\(text)") }
        // A line through three points at least, rising with the rate.
        let line = try #require(page.split(separator: "<polyline points=\"").dropFirst().first?.prefix { $0 != "\"" })
        let heights = line.split(separator: " ").compactMap { $0.split(separator: ",").last.flatMap { Double($0) } }
        #expect(heights.count >= 3 && heights == heights.sorted(by: >) && heights.first != heights.last)
    }
}
