import NIOCore
import NIOHTTP1

/// Says `Connection: close` for callers that mean it without saying so: those that speak HTTP/1.0 (RFC 9112, 9.3).
///
/// The server behind it does not see the version. It would keep the connection, and an old checker that reads until the
/// end of it would never see one.
final class ConnectionPersistence: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(var head) = unwrapInboundIn(data), !head.isKeepAlive {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            context.fireChannelRead(wrapInboundOut(.head(head)))
        } else {
            context.fireChannelRead(data)
        }
    }
}
