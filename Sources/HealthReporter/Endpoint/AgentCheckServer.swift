import ConfigurationFile
import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import ServiceLifecycle

/// HAProxy's agent-check for one service: every connection gets its line at once, and is closed.
struct AgentCheckServer: Service {
    /// How long a caller may leave its end open after it was answered.
    static let lingering = TimeAmount.seconds(1)
    /// How much is read of what a caller sends (`agent-send`), in bytes; none of it means anything.
    static let mostInput = 4_096

    let service: String
    let address: ConfigurationFile.SocketAddress
    let store: ReportStore
    let gate: Gate
    let logger: Logger
    /// Called once it listens, with what it listens on.
    let whenListening: @Sendable (any Channel) async -> Void

    func run() async throws {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [logger, gate] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        AcceptPace(gate.registry), AcceptErrors(logger: logger),
                        AcceptBackoffHandler(shouldForwardIOErrorCaught: false),
                    ])
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AgentCheckAnswerer(server: self))
                }
            }
        let listener: any Channel
        do {
            listener = try await bootstrap.bind(host: "\(address.address)", port: Int(address.port)).get()
        } catch let error as IOError {
            throw ReporterError(listening: "\(address)", error, key: "`agent_check` of service \(service)")
        }
        await whenListening(listener)
        await cancelWhenGracefulShutdown {
            try? await withTaskCancellationHandler {
                try await listener.closeFuture.get()
            } onCancel: {
                listener.close(promise: nil)
            }
        }
    }

    /// The line for a caller at `address`, which counts as a poll of it.
    fileprivate func line(for address: IPAddress?) async -> String {
        gate.counters.countAgentCheck(of: service)
        await store.recordTold(address, of: [service], by: PlainQuestion("agent-check"))
        guard let current = try? await store.service(named: service) else { return "" }
        return AgentCheckLine.line(for: current)
    }
}

/// Answers one connection.
private final class AgentCheckAnswerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: AgentCheckServer
    private var input = 0
    private var isAnswered = false
    private var callerHasEnded = false

    init(server: AgentCheckServer) { self.server = server }

    func channelActive(context: ChannelHandlerContext) {
        let (channel, gate) = (context.channel, server.gate)
        let address = channel.remoteIPAddress
        let caller = gate.caller(of: channel)
        guard caller != .stranger else {
            // No line: HAProxy changes nothing then.
            gate.refuseStranger(at: address)
            context.close(promise: nil)
            return
        }
        guard gate.registry.admit(channel, of: caller, from: address) != nil else {
            context.close(promise: nil)
            return
        }
        let promise = context.eventLoop.makePromise(of: String.self)
        _ = Task(executorPreference: EventLoopExecutor.shared) { [server] in
            promise.succeed(await server.line(for: address))
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.whenSuccess { line in
            let (answerer, context) = bound.value
            context.writeAndFlush(answerer.wrapOutboundOut(ByteBuffer(string: line))).whenComplete { _ in
                bound.value.0.finish(bound.value.1)
            }
        }
    }

    /// Says that this was all. To close at once would reset the connection where something the caller sent is unread, and the line
    /// might be lost.
    private func finish(_ context: ChannelHandlerContext) {
        isAnswered = true
        guard !callerHasEnded else {
            context.close(promise: nil)
            return
        }
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        let timer = context.eventLoop.scheduleTask(in: AgentCheckServer.lingering) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in timer.cancel() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input += unwrapInboundIn(data).readableBytes
        if input > AgentCheckServer.mostInput { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            callerHasEnded = true
            if isAnswered { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
