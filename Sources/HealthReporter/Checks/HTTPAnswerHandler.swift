import NIOCore
import NIOHTTP1

/// Collects one answer behind the decoder of a connection, in bounded memory. That the connection breaks is told by who
/// comes behind it.
final class HTTPAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let longestBody: Int
    private let answered: (_ status: Int, _ body: ByteBuffer) -> Void
    private var status: Int?
    private var body = ByteBuffer()

    /// - Parameters:
    ///   - longestBody: after so many bytes of the body the rest of the answer is not waited for.
    ///   - answered: called with the answer, as much of its body as was to be read.
    init(longestBody: Int, answered: @escaping (_ status: Int, _ body: ByteBuffer) -> Void) {
        (self.longestBody, self.answered) = (longestBody, answered)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(var part):
            if var part = part.readSlice(length: min(part.readableBytes, longestBody - body.readableBytes)) {
                body.writeBuffer(&part)
            }
            if body.readableBytes >= longestBody { finish() }
        case .end: finish()
        }
    }

    private func finish() {
        if let status { answered(status, body) }
    }
}
