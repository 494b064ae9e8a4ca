internal import AsyncHTTPClient
internal import ConfigurationFile
internal import HealthReporter
internal import NIOCore
internal import NIOHTTP1

/// Asks one agent for its report again and again, by the long poll: an answer comes when something changed.
///
/// `since` acknowledges a generation, and agents end their drains by it: it is sent only once the engine acts on that
/// generation, and never by a director that has just lost sight of the agent.
struct AgentPoller: Sendable {
    /// How long the agent may hold a poll, in seconds. Short, so that a host that fell silent is noticed: with `fall` = 3 it
    /// is down after one poll that was held and two that were not answered, in 6 to 8 s.
    static let wait = 2
    /// How much longer than that an answer may take, in seconds.
    static let grace = 2
    /// How long an answer may take that the agent need not hold, in seconds.
    static let promptLimit = 2
    /// Polls that fail begin at least this far apart: with `fall` = 3, a host that refuses is down in about 3 s.
    static let retryInterval = Duration.seconds(1)
    /// Polls begin at least this far apart even where the agent has news all the time.
    static let shortestInterval = Duration.milliseconds(20)
    /// How long a connection to the agent may take to be made.
    static let connectTimeout = TimeAmount.seconds(1)
    /// The longest report that is read, in bytes.
    static let longestReport = 1 << 20

    /// `http://HOST:PORT` or `https://HOST:PORT`.
    let agent: String
    /// What this director calls itself.
    let director: String
    let connections: AgentConnections
    let credentials: AgentCredentials
    let board: MembershipBoard

    /// - Parameter access: what the agent is shown, and who must vouch for it.
    init(
        agent: String, access: DirectorConfiguration.AgentAccess, director: String, connections: AgentConnections,
        board: MembershipBoard
    ) {
        self.agent = agent
        self.director = director
        self.connections = connections
        self.board = board
        credentials = connections.credentials(access)
    }

    /// Why a poll brought no report.
    struct Miss: Error {
        var reason: String
    }

    /// Polls until cancelled.
    func run() async {
        let clock = ContinuousClock()
        var generation: UInt64?
        while !Task.isCancelled {
            let start = clock.now
            let isNews: Bool
            do {
                let report = try await poll(since: generation)
                isNews = report.generation != generation
                await board.receive(report, from: agent)
                generation = report.generation
            } catch {
                guard !Task.isCancelled else { return }
                await board.missPoll(of: agent, reason: (error as? Miss)?.reason ?? "\(error)")
                generation = nil
                isNews = false
            }
            // An agent that does not hold the poll must not be asked in a tight loop.
            let interval = isNews ? Self.shortestInterval : Self.retryInterval
            try? await clock.sleep(until: start + interval)
        }
    }

    /// Where the next report is.
    static func url(_ agent: String, since generation: UInt64?, director: String) -> String {
        let name = "director=\(director.percentEncoded)"
        guard let generation else { return "\(agent)/v1/report?\(name)" }
        return "\(agent)/v1/report?since=\(generation)&wait=\(wait)s&\(name)"
    }

    /// Asks once.
    ///
    /// - Throws: `Miss` where no report came.
    func poll(since generation: UInt64?) async throws -> Report {
        var request = HTTPClientRequest(url: Self.url(agent, since: generation, director: director))
        do throws(ReporterError) {
            let content = try credentials.current()
            if let authorization = content.authorization {
                request.headers.add(name: "Authorization", value: authorization)
            }
            if isOverTLS { request.tlsConfiguration = content.tls }
        } catch {
            throw Miss(reason: "this director \(error)")
        }
        let limit = generation == nil ? Self.promptLimit : Self.wait + Self.grace
        return try await withThrowingTaskGroup(of: Report.self) { [request] group in
            // The whole answer within the limit: a body that trickles is silence too.
            group.addTask { try await answer(to: request, within: limit) }
            group.addTask {
                try await Task.sleep(for: .seconds(limit))
                throw Miss(reason: "no answer within \(limit) s")
            }
            defer { group.cancelAll() }
            guard let report = try await group.next() else { throw CancellationError() }
            return report
        }
    }

    var isOverTLS: Bool { agent.hasPrefix("https://") }

    private func answer(to request: HTTPClientRequest, within limit: Int) async throws -> Report {
        let (status, body): (UInt, [UInt8])
        do {
            // The client's own limit ends with the headers: it is there only to be the later one.
            let response = try await connections.client.execute(request, timeout: .seconds(Int64(limit) + 1))
            status = response.status.code
            // Whatever it says of itself, no more is taken in than this.
            body = Array(try await response.body.collect(upTo: Self.longestReport).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Miss(reason: "its answer is longer than \(Self.longestReport) bytes")
        } catch {
            throw Miss(reason: await words(error))
        }
        guard status == 200 else {
            throw Miss(
                reason: Self.refusal(status, body, showsToken: request.headers.contains(name: "Authorization")))
        }
        do {
            return try Report(json: body).bounded
        } catch {
            throw Miss(reason: "its report cannot be read: \(error.cause)")
        }
    }
}
