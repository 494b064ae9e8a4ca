import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// A connection to an HTTP server, with what guards it: room, TLS, limits, and `ConnectionPersistence`.
struct GuardedChannel: ServerChildChannel {
    let base: HTTP1Channel
    /// Nil on the control socket, which the file's mode guards.
    let gate: Gate?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        var limits: RequestLimits?
        if let gate {
            let caller = gate.caller(of: channel)
            if let ticket = gate.registry.admit(channel, of: caller, from: channel.remoteIPAddress) {
                limits = RequestLimits(ticket, registry: gate.registry, counters: gate.counters)
            } else {
                // Once it is set up: one whose setup fails would take the listener with it.
                channel.eventLoop.execute { channel.close(promise: nil) }
            }
        }
        let operations = channel.pipeline.syncOperations
        return channel.eventLoop.makeCompletedFuture {
            if let limits {
                if let tls = gate?.tls { try operations.addHandler(NIOSSLServerHandler(context: tls.context())) }
                try operations.addHandler(limits)
            }
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }.flatMapThrowing { value in
            // Right behind the decoder, where the version is still known.
            let operations = channel.pipeline.syncOperations
            let decoder = try operations.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let handlers: [any ChannelHandler] =
                [ConnectionPersistence()]
                + ((try? operations.handler(type: RequestLimits.self)).map { [RequestLimits.Parts($0)] } ?? [])
            try operations.addHandlers(handlers, position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// Keeps a listener listening: an accept(2) that fails, for want of descriptors or because the caller has gone, is no reason to
/// stop, and the server would (its stream of connections ends with the first error).
final class AcceptErrors: ChannelInboundHandler, Sendable {
    typealias InboundIn = NIOAny

    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// How often it is told, in seconds: a host without descriptors has enough to do.
    private static let pause: Int64 = 60
    private let lastTold = Mutex<ContinuousClock.Instant?>(nil)

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isNews = lastTold.withLock { last in
            guard last.map({ .now - $0 >= .seconds(Self.pause) }) ?? true else { return false }
            last = .now
            return true
        }
        if isNews { logger.warning("a connection could not be accepted: \(error)") }
        // To who comes next and accepts nothing for a while: else the same would be tried again at once, for ever.
        if error is IOError { context.fireErrorCaught(error) }
    }
}
