import ConfigurationFile
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NetworkAddress

/// Keeps this server joined at one director: asks, asks again before the lease runs out, and leaves at the end.
///
/// Each time on a connection of its own, as checks do: once in ten seconds, a pool would only be idle.
struct Joiner: Sendable {
    /// How long that of a leave may: the agent is about to go.
    static let leaveTimeout = Duration.seconds(2)
    /// The longest answer that is read, in bytes.
    private static let longestAnswer = 256 << 10

    let join: AgentConfiguration.Join
    private let body: [UInt8]
    private let credentials: AgentCredentials
    private let tls: TLSClient?
    private let logger: Logger

    /// - Parameters:
    ///   - agentPort: where the report is served for that director.
    ///   - realPorts: with `forward = "nat"` the port here, by the names of services where it is not the VIP's.
    init(_ join: AgentConfiguration.Join, agentPort: UInt16, realPorts: [String: UInt16] = [:], logger: Logger) {
        self.join = join
        self.logger = logger
        body = JSON.encode(
            JoinRequest(
                services: join.services, address: join.address, agentPort: agentPort, weight: join.weight,
                realPorts: realPorts.filter { join.services.contains($0.key) }))
        credentials = AgentCredentials(.init(token: join.token), asking: "directors", logger: logger)
        // The certificate must be for the address itself: names are not looked up.
        tls =
            join.isOverTLS
            ? TLSClient(
                .init(serverName: "\(join.director.address)", isVerified: true, authority: join.authority),
                applicationProtocols: ["http/1.1"]) : nil
    }

    /// Joins, and renews the lease, until cancelled.
    ///
    /// - Parameter tell: called with how it stands whenever that became another.
    /// - Returns: whether the director ever took it, so that there is something to leave.
    func run(_ tell: @Sendable (JoinStatus) async -> Void) async -> Bool {
        var standing = JoinStanding(director: join.url)
        while !Task.isCancelled {
            // To its end also where this is cancelled: a join that is still under way must not overtake the leave.
            let limit = standing.timeout
            let outcome = await Task(executorPreference: EventLoopExecutor.shared) { await ask(within: limit) }.value
            if standing.take(outcome) {
                log(standing.status)
                await tell(standing.status)
            }
            try? await EventLoopExecutor.shared.loop.sleep(for: standing.pause(chance: .random(in: 0..<1)))
        }
        return standing.hasJoined
    }

    /// Asks once.
    func ask(within limit: Duration) async -> JoinOutcome {
        await answer(to: .POST, JoinRequest.path, body, within: limit)
    }

    /// Leaves. Where that fails the lease runs out by itself.
    func leave() async {
        let query = join.address.map { "?address=\($0)" } ?? ""
        switch await answer(to: .DELETE, JoinRequest.path + query, nil, within: Self.leaveTimeout) {
        case .answered: logger.notice("left \(join.url)")
        case .refused(let reason), .unreachable(let reason):
            logger.warning("could not leave \(join.url): \(reason); this server is taken out there with its lease")
        }
    }

    private func log(_ status: JoinStatus) {
        switch status.state {
        case .joining: break
        case .joined:
            let remark = status.reason.isEmpty ? "" : " (\(status.reason))"
            logger.notice("joined \(status.director) for \(status.services.joined(separator: ", "))\(remark)")
        case .refused: logger.warning("\(status.director) refuses this server: \(status.reason); asking again")
        case .unreachable: logger.warning("cannot join \(status.director): \(status.reason); asking again")
        }
    }
}

extension Joiner {
    /// An answer as it came in.
    struct Heard: Sendable {
        var status: Int
        var body: [UInt8]
    }

    private func answer(
        to method: HTTPMethod, _ uri: String, _ body: [UInt8]?, within limit: Duration
    ) async -> JoinOutcome {
        var headers: HTTPHeaders = [
            "Host": "\(join.director)", "Connection": "close", "User-Agent": "rsagent",
            "Content-Length": "\(body?.count ?? 0)",
        ]
        do throws(ReporterError) {
            guard let authorization = try credentials.current().authorization else { return .refused("no token") }
            headers.add(name: "Authorization", value: authorization)
        } catch {
            return .refused("this agent \(error)")
        }
        if body != nil { headers.add(name: "Content-Type", value: "application/json") }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
        let heard = Latest<Heard>()
        let conversation = Conversation(
            endpoint: join.director, tls: tls, timeout: limit, group: MultiThreadedEventLoopGroup.singleton)
        let outcome = await conversation.ask { open in
            let pipeline = open.channel.pipeline.syncOperations
            try pipeline.addHTTPClientHandlers(position: .before(open.last), leftOverBytesStrategy: .dropBytes)
            let listener = HTTPAnswerHandler(longestBody: Self.longestAnswer) { status, body in
                heard.value = Heard(status: status, body: Array(body.readableBytesView))
                open.answer.succeed(CheckAnswer(true, ""))
            }
            try pipeline.addHandler(listener, position: .before(open.last))
            open.channel.write(HTTPClientRequestPart.head(head), promise: nil)
            if let body {
                open.channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            }
            open.channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        }
        guard let heard = heard.value else { return .unreachable(outcome.message) }
        return Self.outcome(of: heard)
    }

    /// What an answer says.
    static func outcome(of heard: Heard) -> JoinOutcome {
        if heard.status == 200 {
            do throws(ReporterError) {
                return .answered(
                    try JSON.decode(JoinAnswer.self, from: heard.body, operation: "read the director's answer"))
            } catch {
                return .refused("what answers there is no director's [join]: \(printableLine(error.cause.utf8))")
            }
        }
        // Known words for what an operator meets most, whatever the director calls it.
        if heard.status == 401 { return .refused("wrong token") }
        return .refused(AgentWords.refusal(in: heard.body) ?? "it answers with status \(heard.status)")
    }
}
