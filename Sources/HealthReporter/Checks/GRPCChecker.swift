import ConfigurationFile
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOSSL

/// Whether `grpc.health.v1.Health/Check` says SERVING (github.com/grpc/grpc, doc/health-checking.md), over HTTP/2: with
/// prior knowledge, or over TLS where it must be agreed on by ALPN.
///
/// The two messages are so small that they are written and read by hand; see `GRPCHealthAnswer`.
struct GRPCChecker: Checker {
    /// Empty: the server as a whole.
    let service: String
    let conversation: Conversation

    func ask() async -> CheckOutcome {
        await conversation.ask { [service, conversation] open in
            guard open.handshake == nil || open.handshake?.applicationProtocol == "h2" else {
                open.answer.succeed(CheckAnswer(false, "the server does not speak HTTP/2 over TLS (ALPN)"))
                return
            }
            let http2 = NIOHTTP2Handler(mode: .client, eventLoop: open.channel.eventLoop) { pushed in pushed.close() }
            try open.channel.pipeline.syncOperations.addHandler(http2, position: .before(open.last))
            let question = Question(service: service, conversation: conversation, answer: open.answer)
            try http2.syncMultiplexer().createStreamChannel { stream in
                stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(question.handler) }
            }.whenFailure { [answer = open.answer] in answer.fail($0) }
        }
    }

    /// What is asked on a stream.
    private struct Question: Sendable {
        let service: String
        let conversation: Conversation
        let answer: EventLoopPromise<CheckAnswer>

        var handler: StreamHandler { StreamHandler(self) }

        var headers: HPACKHeaders {
            let milliseconds = max(1, Int(conversation.timeout.roundedMilliseconds))
            return [
                ":method": "POST", ":scheme": conversation.tls == nil ? "http" : "https",
                ":path": "/grpc.health.v1.Health/Check",
                ":authority": (conversation.tls?.indicatedName).map { "\($0):\(conversation.endpoint.port)" }
                    ?? "\(conversation.endpoint)",
                "te": "trailers", "content-type": "application/grpc", "user-agent": "rsagent-check",
                "grpc-timeout": milliseconds < 100_000_000 ? "\(milliseconds)m" : "\(milliseconds / 1_000)S",
            ]
        }
    }

    private final class StreamHandler: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        private let question: Question
        private var received = GRPCHealthAnswer()

        init(_ question: Question) { self.question = question }

        func channelActive(context: ChannelHandlerContext) {
            let request = ByteBuffer(bytes: GRPCHealthAnswer.request(service: question.service))
            context.write(wrapOutboundOut(.headers(.init(headers: question.headers))), promise: nil)
            context.writeAndFlush(
                wrapOutboundOut(.data(.init(data: .byteBuffer(request), endStream: true))), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let isEnd: Bool
            switch unwrapInboundIn(data) {
            case .headers(let frame):
                received.receive(fields: frame.headers.map { ($0.name, $0.value) })
                isEnd = frame.endStream
            case .data(let frame):
                if case .byteBuffer(let bytes) = frame.data { received.receive(bytes.readableBytesView) }
                isEnd = frame.endStream
            default: return
            }
            if let verdict = received.verdict(isComplete: isEnd, of: question.service) {
                question.answer.succeed(verdict)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { question.answer.fail(error) }

        func channelInactive(context: ChannelHandlerContext) { question.answer.fail(ClosedWithoutAnswer()) }
    }
}
