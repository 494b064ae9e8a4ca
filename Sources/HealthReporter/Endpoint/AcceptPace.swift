import NIOCore

/// Accepts no new connections on a listener while `EvictionPace` says so.
final class AcceptPace: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = Never

    private let registry: ConnectionRegistry
    private var timer: Scheduled<Void>?

    init(_ registry: ConnectionRegistry) { self.registry = registry }

    func read(context: ChannelHandlerContext) {
        guard timer == nil else { return }
        guard let pause = registry.pause() else {
            context.read()
            return
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(pause)) {
            let (pace, context) = bound.value
            pace.timer = nil
            context.read()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }
}
