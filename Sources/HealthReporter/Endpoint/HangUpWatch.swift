import NIOCore

/// Notices that the caller of a request that is being held has gone, or will send nothing more.
///
/// The server keeps the other half of such a connection open, so that a caller may say all it has to say before it reads:
/// without this, each caller that went away would hold its place until its time is up.
final class HangUpWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private var hasHungUp = false
    /// Only one request of a connection is answered at a time, so there is one to tell at most.
    private var tell: (@Sendable () -> Void)?

    /// Calls `body` when the caller hangs up, or now if it has; instead of what was to be called before. To be called on
    /// the connection's event loop.
    func whenHungUp(_ body: (@Sendable () -> Void)?) {
        if hasHungUp {
            body?()
        } else {
            tell = body
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        hangUp()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { hangUp() }
        context.fireUserInboundEventTriggered(event)
    }

    private func hangUp() {
        hasHungUp = true
        tell?()
        tell = nil
    }
}
