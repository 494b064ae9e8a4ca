import NIOCore

/// Notices that the caller of a request that is being held has gone, or will send nothing more.
///
/// The server keeps the other half of such a connection open, so that a caller may say all it has to say before it reads:
/// without this, each caller that went away would hold its place until its time is up.
final class HangUpWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// Made when the handler gets an event loop, which is before any request.
    private var promise: EventLoopPromise<Void>!

    /// Succeeds when the caller has hung up.
    var hangUp: EventLoopFuture<Void> { promise.futureResult }

    func handlerAdded(context: ChannelHandlerContext) {
        promise = context.eventLoop.makePromise()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        promise.succeed()
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.succeed()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { promise.succeed() }
        context.fireUserInboundEventTriggered(event)
    }
}
