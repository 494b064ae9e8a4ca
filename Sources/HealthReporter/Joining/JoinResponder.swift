import Hummingbird
import NIOCore
import NetworkAddress
import Synchronization

/// The edge between the HTTP server and whoever decides on joins: what comes from anybody ends here.
final class JoinResponder: HTTPResponder {
    typealias Context = Responder.Context

    private let desk: JoinServer.Desk
    private let gate: Gate
    private let rate = Mutex(AskingRate(at: .now))

    init(desk: JoinServer.Desk, gate: Gate) {
        self.desk = desk
        self.gate = gate
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        let answer = await answer(to: request, from: context.channel)
        gate.counters.count(.other, answer.status)
        return answer.response(toHead: request.method == .head)
    }

    private func answer(to request: Request, from channel: any Channel) async -> Answer {
        guard let address = channel.remoteIPAddress else {
            return .refusal("it is not known where this comes from", status: 400)
        }
        if let refusal = refusal(of: request, from: address, caller: gate.caller(of: channel)) { return refusal }
        let question = Question(
            method: request.method.rawValue, path: request.uri.path, query: request.uri.query, caller: .network(address)
        )
        guard question.path.joined(separator: "/") == JoinRequest.path.dropFirst() else {
            return .refusal("there is no such path; the path is \(JoinRequest.path)", status: 404)
        }
        switch request.method {
        case .post: return await join(request, from: address)
        case .delete: return await leave(question, from: address)
        default:
            var answer = Answer.refusal("POST joins, and DELETE leaves", status: 405)
            answer.headers = [Answer.Header(name: "Allow", value: "POST, DELETE")]
            return answer
        }
    }

    /// Why a request is not answered, whatever it asks; nil: it is. The token is looked at before anything else of it, and nothing of
    /// what was shown is told to anybody.
    private func refusal(of request: Request, from address: IPAddress, caller: Caller) -> Answer? {
        guard rate.withLock({ $0.admits(address, at: .now) }) else {
            var answer = Answer.refusal("\(address) asks more than \(AskingRate.most) times in a second", status: 429)
            answer.headers = [Answer.Header(name: "Retry-After", value: "1")]
            return answer
        }
        // Without a token there is no such server: nobody may join then.
        guard gate.token?.admits(request.headers[.authorization]) == true else {
            let words = request.headers[.authorization] == nil ? "no token" : "wrong token"
            gate.refuseToken(words, of: caller, at: address)
            var answer = Answer.refusal(
                "\(words): send `Authorization: Bearer TOKEN` with the one of [join] in this director's file",
                status: 401)
            answer.headers = [Answer.Header(name: "WWW-Authenticate", value: "Bearer realm=\"rsdirector\"")]
            return answer
        }
        return nil
    }

    private func join(_ request: Request, from address: IPAddress) async -> Answer {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: RequestLimits.longestBody)
        } catch is NIOTooManyBytesError {
            return .refusal("the body is longer than \(RequestLimits.longestBody) bytes", status: 413)
        } catch {
            return .refusal("the body did not arrive whole", status: 400)
        }
        do throws(ReporterError) {
            let asked = try JSON.decode(JoinRequest.self, from: body.readableBytesView, operation: "read the join")
            return Self.answer(await desk.join(asked, address))
        } catch {
            return .refusal(error)
        }
    }

    private func leave(_ question: Question, from caller: IPAddress) async -> Answer {
        var address: IPAddress?
        if let text = question.query["address"] {
            guard let given = IPAddress(text) else {
                return .refusal("`address` in the query is not an IP address", status: 400)
            }
            address = given
        }
        return Self.answer(await desk.leave(address, caller))
    }

    private static func answer(_ result: Result<JoinAnswer, JoinRefusal>) -> Answer {
        switch result {
        case .success(let answer): .json(answer)
        case .failure(let refusal): .refusal(refusal.reason, status: refusal.status)
        }
    }
}
