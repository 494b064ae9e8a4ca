import Hummingbird
import NIOCore

/// An answer to a request, before it is put on the wire.
struct Answer: Sendable, Equatable {
    var status: Int
    var contentType: String
    var body: [UInt8]
    var headers: [Header] = []

    struct Header: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// Words for people and for programs that read one line.
    static func text(_ text: String, status: Int = 200) -> Answer {
        Answer(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    static func json(_ value: some Encodable, status: Int = 200) -> Answer {
        Answer(status: status, contentType: "application/json", body: JSON.encode(value) + [UInt8(ascii: "\n")])
    }

    /// A refusal that tells what is wrong.
    static func refusal(_ error: ReporterError) -> Answer {
        let status =
            switch error.kind {
            case .badRequest, .malformed: 400
            case .unknownService: 404
            case .conflict: 409
            case .tooManyWaiters: 503
            default: 500
            }
        return refusal("\(error)", status: status)
    }

    static func refusal(_ text: String, status: Int) -> Answer {
        json(RefusalBody(error: text), status: status)
    }

    /// On the wire. Nothing of it may be cached: it is about now.
    func response(toHead: Bool) -> Response {
        var fields = HTTPFields()
        let all = [
            Header(name: "Content-Type", value: contentType), Header(name: "Cache-Control", value: "no-store"),
        ]
        for header in all + headers {
            if let name = HTTPFields.Element.Name(header.name) { fields[name] = header.value }
        }
        let response = Response(
            status: HTTPResponse.Status(code: status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        return toHead ? response.createHeadResponse() : response
    }
}
