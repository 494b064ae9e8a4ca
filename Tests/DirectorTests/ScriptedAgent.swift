internal import HealthReporter
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// What answers on a port of 127.0.0.1 where an agent, or a server, should: as a test wants it.
final class ScriptedAgent: Sendable {
    enum Behaviour: Sendable {
        /// Answers with this status and body.
        case answer(Int, [UInt8])
        /// Answers with a body that depends on how often it was asked.
        case news(@Sendable (Int) -> [UInt8])
        /// Takes the question, and says nothing.
        case hang
        /// Answers with a body of so many bytes.
        case flood(Int)
        /// Answers with a body of which a byte comes now and then.
        case trickle
    }

    private struct Seen {
        var questions = 0
        var bytes = 0
    }

    let port: UInt16
    private let channel: any Channel
    private let script: Mutex<Behaviour>
    private let seen = Mutex(Seen())

    init(_ behaviour: Behaviour) async throws {
        script = Mutex(behaviour)
        let owner = Mutex<ScriptedAgent?>(nil)
        let box = Owner(owner)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let agent = box.agent.withLock({ $0 }) else { throw ChannelError.ioOnClosedChannel }
                    try channel.pipeline.syncOperations.addHandler(Talker(agent))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = UInt16(channel.localAddress?.port ?? 0)
        box.agent.withLock { $0 = self }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var behaviour: Behaviour {
        get { script.withLock { $0 } }
        set { script.withLock { $0 = newValue } }
    }
    /// How many questions came.
    var questions: Int { seen.withLock { $0.questions } }
    /// How many bytes of floods were taken off its hands.
    var bytes: Int { seen.withLock { $0.bytes } }

    /// Stops listening: connections are refused from here on.
    func stop() async throws { try await channel.close().get() }

    private final class Owner: Sendable {
        let agent: Mutex<ScriptedAgent?>
        init(_ agent: consuming sending Mutex<ScriptedAgent?>) { self.agent = agent }
    }

    private final class Talker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let agent: ScriptedAgent
        private var received = ""

        init(_ agent: ScriptedAgent) { self.agent = agent }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            guard received.hasSuffix("\r\n\r\n") else { return }
            received = ""
            let number = agent.seen.withLock { seen in
                seen.questions += 1
                return seen.questions
            }
            switch agent.behaviour {
            case .hang: break
            case .answer(let status, let body): send(status, body, context)
            case .news(let body): send(200, body(number), context)
            case .flood(let count):
                head(200, length: count, context)
                pour(count, context)
            case .trickle:
                head(200, length: 1_000, context)
                drip(context)
            }
        }

        private func head(_ status: Int, length: Int, _ context: ChannelHandlerContext) {
            let text = "HTTP/1.1 \(status) X\r\nContent-Length: \(length)\r\n\r\n"
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }

        private func send(_ status: Int, _ body: [UInt8], _ context: ChannelHandlerContext) {
            head(status, length: body.count, context)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: body)), promise: nil)
        }

        private func pour(_ rest: Int, _ context: ChannelHandlerContext) {
            guard rest > 0 else { return }
            let part = ByteBuffer(repeating: UInt8(ascii: " "), count: min(rest, 65_536))
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(part)).whenSuccess {
                let (talker, context) = bound.value
                talker.agent.seen.withLock { $0.bytes += part.readableBytes }
                talker.pour(rest - part.readableBytes, context)
            }
        }

        private func drip(_ context: ChannelHandlerContext) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: " "))).whenSuccess {
                let (_, context) = bound.value
                context.eventLoop.scheduleTask(in: .milliseconds(100)) {
                    let (talker, context) = bound.value
                    talker.drip(context)
                }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
