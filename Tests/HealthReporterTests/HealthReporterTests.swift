import AsyncHTTPClient
import ConfigurationFile
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

@Suite("HealthReporter")
struct HealthReporterTests {
    static let director = address("127.0.0.1")

    /// An agent that runs, and everything a test needs to talk to it.
    struct Agent {
        let reporter: HealthReporter
        let group: ServiceGroup
        let task: Task<Void, any Error>
        let url: String
        let control: ControlClient
        let connections: Box<Int>

        /// Gives up at once where nobody listens.
        static let client: HTTPClient = {
            var configuration = HTTPClient.Configuration()
            configuration.connectionPool.retryConnectionEstablishment = false
            return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        }()

        func stop() async throws {
            await group.triggerGracefulShutdown()
            try await task.value
        }

        func get(_ path: String, method: String = "GET") async throws -> (
            status: Int, body: String, headers: [String: String]
        ) {
            var request = HTTPClientRequest(url: url + path)
            request.method = .init(rawValue: method)
            let response = try await Self.client.execute(request, timeout: .seconds(60))
            let body = String(buffer: try await response.body.collect(upTo: 1_048_576))
            let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
            return (Int(response.status.code), body, headers)
        }

        func report(_ query: String = "") async throws -> Report {
            try Report(json: Array(try await get("/v1/report\(query)").body.utf8))
        }
    }

    static func check(_ kind: AgentConfiguration.Check.Kind = .http(.init("/")))
        -> AgentConfiguration.Check
    {
        AgentConfiguration.Check(kind, interval: .milliseconds(100), timeout: .milliseconds(100), rise: 2, fall: 3)
    }

    func start(
        in folder: Folder, port: UInt16, checks: [AgentConfiguration.Check] = [check()],
        directors: [IPAddress] = [director], stopTimeout: Duration = .seconds(30), logger: Logger = silent
    ) async throws -> Agent {
        let configuration = AgentConfiguration(
            directors: directors, runDirectory: folder.path, stateDirectory: folder.path, stopTimeout: stopTimeout,
            services: [makeService(port: port, checks: checks)])
        let connections = Box(0)
        let reporter = try HealthReporter(
            configuration: configuration,
            listen: [ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: 0)], identity: somebody,
            countConnections: { $0.map { _ in connections.value } }, logger: logger)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
        let task = Task.detached { try await group.run() }
        let addresses = try await reporter.waitUntilListening()
        #expect(addresses.count == 1 && addresses[0].port != 0)
        return Agent(
            reporter: reporter, group: group, task: task, url: "http://\(addresses[0])",
            control: ControlClient(socket: "\(folder.path)/control.sock"), connections: connections)
    }

    @Test("a service goes up, down with its server, and up again")
    func upAndDown() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let agent = try await start(in: folder, port: server.port)
        #expect(try await agent.get("/livez").status == 200)
        #expect(try await agent.get("/readyz").status == 503)
        #expect(try await agent.report().services[0].reason == "setup not yet verified")
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        let up = try await agent.get("/health/web")
        #expect(up.body == "up\n")
        #expect(up.headers["x-rs-state"] == "up" && up.headers["x-rs-weight"] == "100")
        #expect(up.headers["cache-control"] == "no-store")
        #expect(try await agent.get("/readyz").body == "ready\n")

        server.behaviour.value = .answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        try await eventually("it is down") { try await agent.get("/health/web").status == 503 }
        #expect(try await agent.report().services[0].reason == "http /: 500, wanted 200")
        server.behaviour.value = .hang
        try await eventually("it hangs") {
            try await agent.report().services[0].reason == "http /: no answer within 100ms"
        }
        server.behaviour.value = CheckedServer.ok
        try await eventually("it is up again") { try await agent.get("/health/web").status == 200 }
        try await server.stop()
        try await eventually("it is gone") {
            try await agent.report().services[0].reason == "http /: connection refused"
        }
        try await agent.stop()
    }

    @Test("a check that hangs delays no other")
    func hangingCheck() async throws {
        let (folder, good, bad) = (Folder(), try await CheckedServer(), try await CheckedServer(.hang))
        let hanging = AgentConfiguration.Check(
            .http(.init("/")), port: bad.port, interval: .seconds(3_600),
            timeout: .seconds(3_600))
        let agent = try await start(in: folder, port: good.port, checks: [hanging, Self.check()])
        try await eventually("the other one passes") { try await agent.report().services[0].checks[1].ok }
        #expect(try await agent.report().services[0].checks[0].message == "not checked yet")
        try await agent.stop()
        try await good.stop()
        try await bad.stop()
    }

    @Test("a director that holds a request learns of a drain at once, and its next poll acknowledges it")
    func longPoll() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let agent = try await start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        let generation = try await agent.report("?director=lb1").generation
        let held = Task { try await agent.report("?since=\(generation)&wait=60s&director=lb1") }
        try await eventually("it is held") { await agent.reporter.store.waiterCount == 1 }

        let answer = try await agent.control.drain(["web"], reason: "kernel", ttl: nil)
        let report = try await held.value
        #expect(report.generation == answer.administered[0].generation)
        #expect(report.services[0].state == .draining)
        #expect(report.services[0].weight == 0)
        #expect(answer.administered[0].waitingFor == [Self.director])

        agent.connections.value = 2
        let next = Task { try await agent.report("?since=\(report.generation)&wait=60s&director=lb1") }
        try await eventually("it is acknowledged") {
            try await agent.control.directors().administered[0].waitingFor == []
        }
        let known = try await agent.control.directors().directors
        #expect(known.map(\.name) == ["lb1"])
        #expect(known.map(\.acknowledgedGeneration) == [report.generation])
        // The acknowledgement is what the next poll learns of: the reason has changed.
        #expect(try await next.value.services[0].reason == "drain: kernel")
        #expect(try await agent.control.service("web").connections == 2)
        agent.connections.value = 0
        try await agent.stop()
        try await server.stop()
    }

    @Test("drain --wait returns once the director knows and the last connection is closed")
    func drainWait() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let agent = try await start(in: folder, port: server.port)
        agent.connections.value = 1
        let answer = try await agent.control.drain([], reason: "", ttl: nil)
        let steps = Box<[DrainWait.Progress]>([])
        let wait = Task {
            try await DrainWait(for: answer, timeout: .seconds(60)).run(with: agent.control) { step, _, _ in
                steps.change { if $0.last != step { $0.append(step) } }
            }
        }
        try await eventually("it waits for the director") {
            steps.value.contains(.waitingForDirectors([Self.director]))
        }
        // Every answer within a second is of the same round.
        try await eventually("it waits for the connection") {
            let body = try await agent.get("/health/web?drain=404").body
            #expect(body == "down\n")
            return steps.value.contains(.waitingForConnections(1))
        }
        agent.connections.value = 0
        #expect(try await wait.value.outcome == .drained)
        #expect(steps.value.suffix(2) == [.holding, .done(.drained)])

        let second = try await agent.control.drain([], reason: "", ttl: .seconds(3_600))
        agent.connections.value = 1
        let interrupted = Task {
            try await DrainWait(for: second, timeout: .seconds(60)).run(with: agent.control) { _, _, _ in }
        }
        _ = try await agent.control.undrain(["web"])
        #expect(try await interrupted.value.outcome == .undrained)
        agent.connections.value = 0
        try await agent.stop()
        try await server.stop()
    }

    @Test("a drain and the generation survive a restart of the agent, and undrain ends it")
    func restart() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        var agent = try await start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        let generation = try await agent.control.drain(["web"], reason: "kernel", ttl: nil).generation
        try await agent.stop()
        #expect(access("\(folder.path)/control.sock", F_OK) != 0, "a stopped agent leaves no socket")

        agent = try await start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        #expect(try await agent.report().generation > generation)
        #expect(try await agent.get("/health/web").body.hasPrefix("drain"))
        #expect(try await agent.control.undrain([]).administered == [])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        try await agent.stop()
        try await server.stop()
    }

    @Test("a stopping agent tells who holds a request, and stops although one is held again")
    func stop() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let agent = try await start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        let held = Task {
            var reports: [Report] = []
            var since = try await agent.report().generation
            while let report = try? await agent.report("?since=\(since)&wait=60s") {
                reports.append(report)
                since = report.generation
            }
            return reports
        }
        try await eventually("it is held") { await agent.reporter.store.waiterCount == 1 }
        try await agent.stop()
        let farewell = try #require(try await held.value.first)
        #expect(farewell.services[0].state == .draining)
        #expect(farewell.services[0].weight == 0)
        #expect(farewell.services[0].reason == "agent stopping")
        #expect(try folder.file("admin.json").read() == nil)
        try await server.stop()
    }

    @Test("a stop waits for open connections as long as stop_timeout says, or until it is asked for again")
    func stopTimes() async throws {
        let lines = Box<[String]>([])
        let logger = Logger(label: "captured") { _ in CapturingLog(lines: lines) }
        for isHurried in [false, true] {
            let folder = Folder()
            let agent = try await start(
                in: folder, port: 9, checks: [], directors: [], stopTimeout: isHurried ? .seconds(3_600) : .seconds(1),
                logger: logger)
            agent.connections.value = 3
            let begin = ContinuousClock.now
            let stop = Task { try await agent.stop() }
            try await eventually("it waits") { lines.value.contains { $0.hasPrefix("waiting for 3 open connections") } }
            if isHurried { agent.reporter.hurry() }
            try await stop.value
            let last = isHurried ? "asked to stop again: 3" : "still open after 1.0 s"
            #expect(lines.value.contains { $0.contains(last) })
            #expect(isHurried || ContinuousClock.now - begin >= .seconds(1))
            lines.value = []
        }
    }

    /// A caller that writes its requests byte for byte. What it hears is complete when the agent closes.
    private func converse(with agent: Agent, _ text: String) async throws -> (channel: any Channel, heard: Box<String>)
    {
        let heard = Box("")
        let port = Int(agent.url.split(separator: ":").last!)!
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(heard: heard))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
        return (channel, heard)
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let heard: Box<String>
        init(heard: Box<String>) { self.heard = heard }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            heard.change { $0 += text }
        }
    }

    @Test("a caller of HTTP/1.0 sees the end of its answer, one of HTTP/1.1 may go on")
    func oldCaller() async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [])
        let old = try await converse(with: agent, "GET /livez HTTP/1.0\r\n\r\n")
        try await eventually("the end of the answer") { !old.channel.isActive }
        #expect(old.heard.value.hasSuffix("\r\n\r\nok\n"))

        let polite = try await converse(with: agent, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n")
        try await eventually("the end of the answer") { !polite.channel.isActive }

        let current = try await converse(with: agent, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        try await eventually("the first answer") { current.heard.value.hasSuffix("ok\n") }
        try await current.channel.writeAndFlush(ByteBuffer(string: "GET /weight/web HTTP/1.1\r\nHost: x\r\n\r\n")).get()
        try await eventually("the second answer") { current.heard.value.hasSuffix("\r\n\r\n0\n") }
        try await current.channel.close().get()
        try await agent.stop()
    }

    @Test("callers that have said half a request, or nothing, delay neither others nor the stop")
    func slowCallers() async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [], directors: [])
        var slow: [any Channel] = []
        for _ in 0..<50 {
            slow.append(try await converse(with: agent, "GET /v1/rep").channel)
            slow.append(
                try await converse(with: agent, "POST /v1/drain HTTP/1.1\r\nContent-Length: 9\r\n\r\n{").channel)
            slow.append(try await converse(with: agent, "").channel)
        }
        #expect(try await agent.get("/livez").status == 200)
        try await agent.stop()
        try await eventually("all are hung up on") { slow.allSatisfy { !$0.isActive } }
    }

    @Test("an operator's command that breaks off halfway does not hold up the stop")
    func halfAChange() async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [], directors: [])
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: agent.control.path).get()
        let text = "POST /v1/drain HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
        #expect(try await agent.get("/livez").status == 200)
        try await agent.stop()
        try await eventually("it is hung up on") { !channel.isActive }
        #expect(try folder.file("admin.json").read() == nil)
    }

    @Test("what is not HTTP is hung up on, and the agent goes on")
    func notHTTP() async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [])
        for text in ["\u{16}\u{3}\u{1}\r\n\r\n", "GET\r\n\r\n", String(repeating: "x", count: 200_000)] {
            let caller = try await converse(with: agent, text)
            try await eventually("it is hung up on") { !caller.channel.isActive }
        }
        #expect(try await agent.get("/livez").status == 200)
        try await agent.stop()
    }

    @Test("a caller that hangs up gives back its place")
    func hangUp() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let agent = try await start(in: folder, port: server.port, checks: [])
        let generation = try await agent.report().generation
        let held = Task { try await agent.report("?since=\(generation)&wait=60s") }
        try await eventually("it is held") { await agent.reporter.store.waiterCount == 1 }
        held.cancel()
        try await eventually("its place is free") { await agent.reporter.store.waiterCount == 0 }
        try await agent.stop()
        try await server.stop()
    }

    @Test(
        "what is not understood is refused over TCP with the reason",
        arguments: [
            ("GET", "/v1/report?since=x", 400, "`since=x` is not a generation"),
            ("GET", "/v1/report?since=1&wait=soon", 400, "`wait=soon` is not a duration"),
            ("GET", "/health/web?drain=2", 400, "`drain=2` is not 200, 404 or 503"),
            ("GET", "/health/wbe", 404, "known are web"), ("GET", "/v1/directors", 404, "no such path"),
            ("GET", "/nothing", 404, "/v1/report"), ("POST", "/v1/drain", 405, "control socket"),
            ("POST", "/v1/undrain", 405, "control socket"), ("POST", "/v1/maint", 405, "control socket"),
            ("DELETE", "/v1/report", 405, "DELETE is not for this path"), ("HEAD", "/health/wbe", 404, ""),
        ])
    func badRequests(method: String, path: String, status: Int, hint: String) async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [])
        let answer = try await agent.get(path, method: method)
        #expect(answer.status == status)
        #expect(answer.body.contains(hint))
        if method != "HEAD" { #expect(answer.body.hasPrefix(#"{"error":""#)) }
        #expect(try await agent.control.directors().administered == [])
        try await agent.stop()
    }

    @Test("a drain that cannot be written is answered with 500 and the reason, and nothing is drained")
    func diskFull() async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [])
        await agent.reporter.report(setupProblems: [:])
        folder.fillDisk(for: "admin.json")
        let error = await #expect(throws: ReporterError.self) {
            try await agent.control.drain([], reason: "", ttl: nil)
        }
        #expect(error?.kind == .refused)
        #expect(error?.description.contains("No space left on device") == true)
        #expect(try await agent.get("/health").status == 200)
        try await agent.stop()
    }

    @Test("the control socket is for its owner and its group only, and a live one is not taken over")
    func socket() async throws {
        let folder = Folder()
        // What an agent leaves that was killed.
        let dead = try await SocketFile.leaveStale(at: "\(folder.path)/control.sock")
        #expect(ControlSocket.occupant(of: dead) == .stale)
        let agent = try await start(in: folder, port: 9, checks: [])
        #expect(access("\(folder.path)/control.sock", F_OK) == 0)
        #expect(try SocketFile.mode(of: "\(folder.path)/control.sock") == "660")
        let error = await #expect(throws: ReporterError.self) {
            _ = try await start(in: folder, port: 9, checks: [])
        }
        #expect(error?.kind == .listen)
        #expect(error?.description.contains("\(folder.path)/control.sock") == true)
        #expect(error?.description.contains("another rsagent is running") == true)
        #expect(try await agent.control.report().host == "rs1", "the first one goes on")
        try await agent.stop()
    }

    @Test("who changes something is logged by the kernel's word, and what was refused too")
    func peer() async throws {
        let (folder, lines) = (Folder(), Box<[String]>([]))
        let logger = Logger(label: "test") { _ in CapturingLog(lines: lines) }
        let agent = try await start(in: folder, port: 9, checks: [], logger: logger)
        _ = try await agent.control.drain(["web"], reason: "kernel", ttl: nil)
        _ = try? await agent.control.maint(["wbe"], reason: "")
        #expect(lines.value.contains { $0.hasPrefix("drain web ") && $0.contains("uid=\(getuid()) ") })
        #expect(lines.value.contains { $0.hasPrefix("maint refused: ") && $0.contains("uid=\(getuid()) ") })
        try await agent.stop()
    }

    @Test("a cancelled agent ends, and its address is free again")
    func cancelled() async throws {
        let folder = Folder()
        let agent = try await start(in: folder, port: 9, checks: [])
        let held = Task {
            let generation = try await agent.report().generation
            return try await agent.report("?since=\(generation)&wait=60s")
        }
        try await eventually("it is held") { await agent.reporter.store.waiterCount == 1 }
        agent.task.cancel()
        _ = await agent.task.result
        _ = await held.result
        await #expect(throws: (any Error).self) { try await agent.get("/livez") }
        #expect(access("\(folder.path)/control.sock", F_OK) != 0)
    }

    @Test("an address that is taken is an error that names it")
    func taken() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder),
            listen: [ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: server.port)],
            identity: somebody, countConnections: { $0.map { _ in 0 } }, logger: silent)
        let error = await #expect(throws: ReporterError.self) { try await reporter.run() }
        #expect(error?.kind == .listen)
        #expect(error?.description.contains("listen on 127.0.0.1:\(server.port): Address already in use") == true)
        await #expect(throws: ReporterError.self) { try await reporter.waitUntilListening() }
        try await server.stop()
    }

    @Test("without an agent the client says so, and what to do")
    func notRunning() async throws {
        let folder = Folder()
        let missing = await #expect(throws: ReporterError.self) {
            try await ControlClient(socket: "\(folder.path)/control.sock").report()
        }
        #expect(missing?.kind == .notRunning)
        #expect(missing?.cause == "rsagent is not running (no \(folder.path)/control.sock)")
        #expect(missing?.cure.contains("systemctl start rsagent") == true)
        let dead = try await SocketFile.leaveStale(at: "\(folder.path)/control.sock")
        let stale = await #expect(throws: ReporterError.self) { try await ControlClient(socket: dead).directors() }
        #expect(stale?.cause == "rsagent is not running (nobody listens on \(dead))")
        let long = "/tmp/" + String(repeating: "x", count: 200)
        let error = await #expect(throws: ReporterError.self) { try await ControlClient(socket: long).report() }
        #expect(error?.description.contains("longer than 107 bytes") == true)
    }
}
