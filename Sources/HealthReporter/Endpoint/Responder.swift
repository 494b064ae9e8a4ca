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
    /// Whether this is the control socket, where changes are taken.
    let isControl: Bool
    let logger: Logger

    func respond(to request: Request, context: Context) async throws -> Response {
        let question = Question(
            method: request.method.rawValue, path: request.uri.path, query: request.uri.query,
            caller: isControl ? .control : .network(context.channel.remoteIPAddress))
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
        let waiting = Task { () -> Result<Void, ReporterError> in
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
    /// The caller's address, an IPv4 caller's as IPv4 also where it came in on an IPv6 socket.
    fileprivate var remoteIPAddress: IPAddress? {
        guard let text = remoteAddress?.ipAddress else { return nil }
        // A link-local address carries its interface, as in `fe80::1%eth0`.
        return IPAddress(text.prefix { $0 != "%" })?.unmapped
    }

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
