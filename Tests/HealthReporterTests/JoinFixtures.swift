import ConfigurationFile
import Glibc
import Logging
import NetworkAddress
import ServiceLifecycle
import Synchronization
import Testing

@testable import HealthReporter

/// A director as far as joining goes: its server on loopback, with a desk that notes who comes.
final class JoinableDirector: Sendable {
    /// What came in, in order.
    enum Visit: Sendable, Equatable {
        case join(JoinRequest, from: IPAddress)
        case leave(IPAddress?, from: IPAddress)
    }

    let port: UInt16
    let log = Box<[String]>([])
    let visits = Box<[Visit]>([])
    /// What a join is answered.
    let answer: Box<Result<JoinAnswer, JoinRefusal>>
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    private struct Running: Service {
        let server: JoinServer
        let desk: JoinServer.Desk
        func run() async throws { try await server.run(for: desk) }
    }

    static func joined(_ services: String..., lease: Int64 = 30) -> JoinAnswer {
        JoinAnswer(
            director: "rsdirector 0.1.0", leaseSeconds: lease,
            services: services.map { .init(name: $0, outcome: .joined) })
    }

    init(
        port: UInt16 = 0, token: AgentConfiguration.ReportAdmission.Token = .text(testToken),
        tls: AgentConfiguration.ReportAdmission.TLS? = nil, answer: JoinAnswer = JoinableDirector.joined("web")
    ) async throws {
        let (ports, told) = AsyncStream.makeStream(of: UInt16.self)
        let server = try JoinServer(
            listen: .init(address: address("127.0.0.1"), port: port), token: token, tls: tls,
            logger: Logger(label: "test") { [log] _ in CapturingLog(lines: log) }, whenListening: { told.yield($0) })
        self.answer = Box(.success(answer))
        let desk = JoinServer.Desk(
            join: { [visits, answer = self.answer] request, caller in
                visits.change { $0.append(.join(request, from: caller)) }
                return answer.value
            },
            leave: { [visits] claimed, caller in
                visits.change { $0.append(.leave(claimed, from: caller)) }
                return .success(Self.joined())
            })
        group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [Running(server: server, desk: desk)], logger: silent))
        let group = group
        task = Task.detached { try await group.run() }
        var all = ports.makeAsyncIterator()
        let next = await all.next()
        self.port = try #require(next)
    }

    var place: ConfigurationFile.SocketAddress { .init(address: address("127.0.0.1"), port: port) }

    /// One request, and all of its answer.
    func ask(
        _ method: String = "POST", _ path: String = "/v1/join", body: String = "", from source: String = "127.0.0.1",
        token: String? = testToken
    ) async throws -> String {
        let caller = try Caller127(to: port, from: source)
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        caller.send(
            "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(authorization)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return try #require(await caller.rest())
    }

    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
    }
}

let testToken = "0123456789abcdefSECRET"
