internal import FoundationEssentials
internal import Hummingbird
internal import NIOCore

extension Control {
    private static let longestBody = 64 << 10

    /// Adds what may be asked for on the control socket, and nowhere else: `POST /v1/servers/add`, `set`, `remove`, `drain`
    /// and `undrain` with a `ServerRequest`, and `POST /v1/reload`.
    func addRoutes(to router: Router<some RequestContext>) {
        for deed in Deed.allCases {
            router.post("v1/servers/\(deed.rawValue)") { request, _ in
                await Self.response {
                    let body = try await request.body.collect(upTo: Self.longestBody)
                    return try await perform(deed, try Self.request(in: Array(body.readableBytesView)))
                }
            }
        }
        router.post("v1/reload") { _, _ in await Self.response { try await reload() } }
    }

    /// What a body asks for. Unknown keys are refused: a misspelt one would be left out of account.
    static func request(in body: [UInt8]) throws(ControlRefusal) -> ServerRequest {
        let known = ["service", "address", "weight", "port", "agent"]
        do {
            let decoder = JSONDecoder()
            let keys = try decoder.decode([String: AnyValue].self, from: Data(body)).keys
            if let unknown = keys.sorted().first(where: { !known.contains($0) }) {
                throw ControlRefusal(
                    .invalid, operation: "read the request", cause: "`\(unknown)` is not known here",
                    cure: "known are \(known.joined(separator: ", "))")
            }
            return try decoder.decode(ServerRequest.self, from: Data(body))
        } catch let refusal as ControlRefusal {
            throw refusal
        } catch {
            throw ControlRefusal(
                .invalid, operation: "read the request", cause: "the body is not what it should be: \(error)",
                cure: #"send {"service":"web","address":"10.0.0.14"}"#)
        }
    }

    /// Any value of JSON.
    private struct AnyValue: Decodable {
        init(from decoder: any Decoder) {}
    }

    private static func response(_ body: () async throws -> ControlAnswer) async -> Response {
        do {
            return answer(.ok, try await body())
        } catch let refusal as ControlRefusal {
            return answer(.init(code: refusal.kind.rawValue), ControlError(error: refusal.error.description))
        } catch is NIOTooManyBytesError {
            return answer(.contentTooLarge, ControlError(error: "the body is longer than \(longestBody) bytes"))
        } catch {
            return answer(.badRequest, ControlError(error: "\(error)"))
        }
    }

    private static func answer(_ status: HTTPResponse.Status, _ value: some Encodable) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(value) else { preconditionFailure("an answer of text has no JSON form") }
        var fields = HTTPFields()
        fields[.contentType] = "application/json"
        fields[.cacheControl] = "no-store"
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}
