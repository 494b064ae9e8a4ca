import NIOCore
import NIOHTTP1

/// What came back for one HTTP request.
struct HTTPAnswer: Sendable, Equatable {
    var status: Int
    /// As much of it as was to be read.
    var body: ByteBuffer
}

/// Collects one answer behind the decoder of a connection, in bounded memory.
///
/// Instead of a client with its pools, deadlines and tasks: for one question on one connection these cost five times what
/// the question does, and checks are most of what an idle agent does.
final class HTTPAnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let longestBody: Int
    private let answer: EventLoopPromise<HTTPAnswer>
    private var status: Int?
    private var body = ByteBuffer()

    /// - Parameters:
    ///   - longestBody: After so many bytes of the body the rest of the answer is not waited for.
    ///   - answer: Succeeds with the answer; fails with what the connection broke with, or `ClosedWithoutAnswer`.
    init(longestBody: Int, answer: EventLoopPromise<HTTPAnswer>) {
        (self.longestBody, self.answer) = (longestBody, answer)
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

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(ClosedWithoutAnswer())
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.fail(error) }

    private func finish() {
        if let status { answer.succeed(HTTPAnswer(status: status, body: body)) }
    }
}

/// The far end hung up on us.
struct ClosedWithoutAnswer: Error {}
