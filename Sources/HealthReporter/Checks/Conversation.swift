import ConfigurationFile
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// A TCP connection for one question, over TLS where that is asked for. It ends with the question, however that ends.
struct Conversation: Sendable {
    let endpoint: ConfigurationFile.SocketAddress
    /// nil: plain.
    var tls: TLSClient?
    let timeout: Duration
    let group: any EventLoopGroup

    /// Connects, talks and waits for the answer. The warning that the certificate deserves is added to it.
    ///
    /// - Parameter talk: what is done once there is a connection, on its event loop.
    func ask(_ talk: @escaping @Sendable (OpenConversation) throws -> Void) async -> CheckOutcome {
        let loop = group.next()
        let certificateEnd = Latest<Timestamp>()
        var outcome = await asked(timeout: timeout, on: loop) { answer in
            guard let tls else { return connect(over: nil, on: loop, certificateEnd, answer, talk) }
            tls.withContext { context in
                switch context {
                case .success(let context): connect(over: context, on: loop, certificateEnd, answer, talk)
                case .failure(let error): answer.fail(error)
                }
            }
        }
        outcome.warning = tls?.warning(ofCertificateEnding: certificateEnd.value) ?? tls?.authorityWarning
        return outcome
    }

    private func connect(
        over context: NIOSSLContext?, on loop: any EventLoop, _ certificateEnd: Latest<Timestamp>,
        _ answer: EventLoopPromise<CheckAnswer>, _ talk: @escaping @Sendable (OpenConversation) throws -> Void
    ) {
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(TimeAmount(timeout))
            .channelInitializer { [tls] channel in
                // Whether the far end likes to be hung up on is not what is asked.
                answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context, let tls {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: tls.indicatedName))
                    }
                    try pipeline.addHandler(
                        ConversationHandler(
                            isPlain: tls == nil, certificateEnd: certificateEnd, answer: answer, talk: talk))
                }
            }
        do {
            let address = try NIOCore.SocketAddress(ipAddress: "\(endpoint.address)", port: Int(endpoint.port))
            bootstrap.connect(to: address).whenFailure { answer.fail($0) }
        } catch {
            answer.fail(error)
        }
    }
}

/// A connection on which something can be said.
struct OpenConversation {
    let channel: any Channel
    /// nil: it is plain.
    let handshake: Handshake?
    let answer: EventLoopPromise<CheckAnswer>
    /// The last of the pipeline, which fails the promise when the connection breaks: whoever speaks a protocol puts it
    /// before this.
    let last: any ChannelHandler
}

/// Begins to talk once the connection is open, and notices when it breaks.
private final class ConversationHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let isPlain: Bool
    private let certificateEnd: Latest<Timestamp>
    private let answer: EventLoopPromise<CheckAnswer>
    private let talk: (OpenConversation) throws -> Void

    init(
        isPlain: Bool, certificateEnd: Latest<Timestamp>, answer: EventLoopPromise<CheckAnswer>,
        talk: @escaping (OpenConversation) throws -> Void
    ) {
        (self.isPlain, self.certificateEnd) = (isPlain, certificateEnd)
        (self.answer, self.talk) = (answer, talk)
    }

    func channelActive(context: ChannelHandlerContext) {
        if isPlain { begin(context, handshake: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let applicationProtocol) = event else { return }
        let handshake = Handshake(context.pipeline.syncOperations, applicationProtocol: applicationProtocol)
        certificateEnd.value = handshake.certificate?.end
        begin(context, handshake: handshake)
    }

    private func begin(_ context: ChannelHandlerContext, handshake: Handshake?) {
        do {
            try talk(OpenConversation(channel: context.channel, handshake: handshake, answer: answer, last: self))
        } catch {
            answer.fail(error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if TLSWords.isMistrust(error) {
            // The handshake failed after the certificate was shown.
            let certificate = (try? context.pipeline.syncOperations.nioSSL_peerCertificate()).map(PeerCertificate.init)
            answer.succeed(CheckAnswer(false, TLSWords.mistrust(of: certificate)))
        } else {
            answer.fail(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(ClosedWithoutAnswer())
    }
}

/// Whether a TCP connection is accepted.
struct TCPChecker: Checker {
    let conversation: Conversation

    func ask() async -> CheckOutcome {
        await conversation.ask { $0.answer.succeed(CheckAnswer(true, "connected")) }
    }
}

/// Whether a TLS handshake succeeds.
struct TLSChecker: Checker {
    let conversation: Conversation

    func ask() async -> CheckOutcome {
        await conversation.ask { open in
            open.answer.succeed(CheckAnswer(true, open.handshake?.version ?? "connected"))
        }
    }
}
