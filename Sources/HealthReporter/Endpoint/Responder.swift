import Glibc
import Hummingbird
import Logging
import NIOCore
import NetworkAddress

/// The edge between the HTTP server and `Endpoint`.
struct Responder: HTTPResponder {
    /// Where a request came in.
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = CoreRequestContextStorage(source: source)
            channel = source.channel
        }
    }

    /// The longest body of a change, in bytes.
    static let longestBody = 65_536

    let endpoint: Endpoint
    /// What guards the server; nil on the control socket, where changes are taken.
    let gate: Gate?
    let logger: Logger

    private var isControl: Bool { gate == nil }

    func respond(to request: Request, context: Context) async throws -> Response {
        var question = Question(
            method: request.method.rawValue, path: request.uri.path, query: request.uri.query,
            caller: isControl ? .control : .network(context.channel.remoteIPAddress))
        if let name = HTTPFields.Element.Name("endpoint-load-metrics-format") {
            question.loadMetricsFormat = request.headers[name]
        }
        if let name = HTTPFields.Element.Name(HAProxyServerState.header) {
            question.haproxyServerState = request.headers[name]
        }
        question.userAgent = request.headers[.userAgent]
        let response =
            if let refusal = await refusal(of: request, from: context.channel) {
                refusal.response(toHead: question.method == "HEAD")
            } else {
                try await respond(to: question, request, context)
            }
        gate?.counters.count(question.countedPath, response.status.code)
        return response
    }

    /// Why a request is not answered, whatever it asks; nil: it is.
    private func refusal(of request: Request, from channel: any Channel) async -> Answer? {
        guard let gate else { return nil }
        let address = channel.remoteIPAddress
        guard gate.caller(of: channel) != .stranger else {
            gate.refuseStranger(at: address)
            var answer = Answer.refusal(Admission.refusal(of: address), status: 403)
            answer.headers = [Answer.Header(name: "Connection", value: "close")]
            return answer
        }
        if let token = gate.token, !token.admits(request.headers[.authorization]) {
            let words = request.headers[.authorization] == nil ? "no token" : "wrong token"
            gate.refuseToken(words, of: gate.caller(of: channel), at: address)
            await endpoint.store.recordRefusal(of: address, words)
            var answer = Answer.refusal(
                "this agent asks for a token: send `Authorization: Bearer TOKEN` with the one of its configuration",
                status: 401)
            answer.headers = [Answer.Header(name: "WWW-Authenticate", value: "Bearer realm=\"rsagent\"")]
            return answer
        }
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard length <= RequestLimits.longestBody else {
            return .refusal("a request has no body here", status: 413)
        }
        return nil
    }

    private func respond(to question: Question, _ request: Request, _ context: Context) async throws -> Response {
        switch question.method {
        case "GET", "HEAD":
            return await answer(question, to: context.channel).response(toHead: question.method == "HEAD")
        case "POST" where question.path.count == 2 && question.path[0] == "v1":
            guard let change = Endpoint.Change(rawValue: String(question.path[1])) else { break }
            guard isControl else {
                return notAllowed("changes are made on the agent's control socket, by rsagent \(change.rawValue)")
            }
            return try await answer(change, request, context.channel).response(toHead: false)
        default: break
        }
        return notAllowed("\(question.method) is not for this path; the paths are \(Endpoint.paths)")
    }

    private func answer(_ question: Question, to caller: any Channel) async -> Answer {
        do {
            let answer = try await endpoint.answer(question) { since, limit throws(ReporterError) in
                try await hold(caller, since, limit)
            }
            return answer ?? .refusal("there is no such path; the paths are \(Endpoint.paths)", status: 404)
        } catch {
            return .refusal(error)
        }
    }

    /// Waits for a change, no longer than the caller does.
    private func hold(_ caller: any Channel, _ since: UInt64, _ limit: Duration) async throws(ReporterError) {
        let store = endpoint.store
        let waiting = Task(executorPreference: EventLoopExecutor.shared) { () -> Result<Void, ReporterError> in
            do throws(ReporterError) {
                return .success(try await store.wait(since: since, upTo: limit))
            } catch {
                return .failure(error)
            }
        }
        caller.whenHungUp { waiting.cancel() }
        let result = await withTaskCancellationHandler {
            await waiting.value
        } onCancel: {
            waiting.cancel()
        }
        caller.whenHungUp(nil)
        try result.get()
    }

    private func answer(_ change: Endpoint.Change, _ request: Request, _ channel: any Channel) async throws -> Answer {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.longestBody)
        } catch is NIOTooManyBytesError {
            return .refusal("the body is longer than \(Self.longestBody) bytes", status: 413)
        }
        return await endpoint.change(
            change, body: Array(body.readableBytesView), uid: await channel.peerUserID(), logger: logger)
    }

    private func notAllowed(_ text: String) -> Response {
        var answer = Answer.refusal(text, status: 405)
        answer.headers = [Answer.Header(name: "Allow", value: "GET, HEAD")]
        return answer.response(toHead: false)
    }
}

extension Channel {
    /// Calls `body` when the caller hangs up; nil: nothing any more.
    fileprivate func whenHungUp(_ body: (@Sendable () -> Void)?) {
        eventLoop.execute {
            guard let watch = try? self.pipeline.syncOperations.handler(type: HangUpWatch.self) else {
                // The connection is closed already, and its handlers are gone.
                body?()
                return
            }
            watch.whenHungUp(body)
        }
    }

    /// The user at the other end of a Unix socket; nil where the kernel does not tell.
    ///
    /// Equivalent to: `getsockopt(SO_PEERCRED)` (unix(7)). Needs no capability.
    fileprivate func peerUserID() async -> UInt32? {
        guard let provider = self as? any SocketOptionProvider else { return nil }
        let peerCredentials = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        let credentials: PeerCredentials? = try? await provider.unsafeGetSocketOption(
            level: .socket, name: peerCredentials
        ).get()
        return credentials?.uid
    }
}

/// What `SO_PEERCRED` fills in: `struct ucred` of unix(7).
private struct PeerCredentials: Sendable {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
}
