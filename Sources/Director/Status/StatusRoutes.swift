internal import HealthReporter
internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore

/// What is told over HTTP, on the control socket and where `status` says.
struct StatusRoutes: Sendable {
    let snapshot: @Sendable () async -> StatusSnapshot
    /// Nil: it is not told. It names clients: for root and the socket's group, not for whoever reaches a port.
    var connections: (@Sendable (ConnectionQuestion) async -> ConnectionList)?

    func add(to router: Router<BasicRequestContext>) {
        router.get("/") { _, _ in
            let page = StatusPage()
            var fields = HTTPFields()
            fields[.contentSecurityPolicy] = page.policy
            fields[.xContentTypeOptions] = "nosniff"
            return Self.answer(Array(page.html.utf8), "text/html; charset=utf-8", fields)
        }
        router.get("v1/status") { [snapshot] _, _ in Self.answer(await snapshot().json(), "application/json") }
        router.get("metrics") { [snapshot] _, _ in
            Self.answer(Array(await snapshot().metrics.utf8), Exposition.contentType)
        }
        guard let connections else { return }
        router.get("v1/connections") { request, _ in
            guard let question = ConnectionQuestion(request.uri.queryParameters) else {
                throw HTTPError(.badRequest, message: "limit is a number, order is newest or oldest")
            }
            return Self.answer(await connections(question).json(), "application/json")
        }
    }

    private static func answer(_ body: [UInt8], _ contentType: String, _ fields: HTTPFields = HTTPFields()) -> Response
    {
        var fields = fields
        fields[.contentType] = contentType
        fields[.cacheControl] = "no-store"
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension ConnectionQuestion {
    /// From a query; what it does not say is as usual. Nil: it says something that is no answer.
    fileprivate init?(_ query: FlatDictionary<Substring, Substring>) {
        self.init()
        if let text = query["limit"] {
            guard let limit = Int(text) else { return nil }
            self = ConnectionQuestion(limit: limit)
        }
        if let text = query["order"] {
            guard let order = Order(rawValue: String(text)) else { return nil }
            self.order = order
        }
    }
}
