import NIOCore
import NIOHTTP1

/// Holds one TCP connection to its limits in time and size: `RequestPace` on a real channel, and nothing an outsider sends
/// grows a buffer.
///
/// Two handlers share it. This one stands in front of the decoder, where bytes come in; `Parts` behind it, where it shows what they
/// were.
final class RequestLimits: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The longest head of a request, in bytes. The decoder has no limit of its own for the path.
    static let longestHead = 8_192
    /// The longest body of a request over TCP, in bytes. None has a meaning there.
    static let longestBody = 8_192

    private let ticket: ConnectionRegistry.Ticket
    private let registry: ConnectionRegistry
    private let counters: EndpointCounters
    private var pace = RequestPace(at: .now)
    private var wasIdle = true
    /// What came in of a head that is not complete yet.
    private var headBytes = 0
    private var bodyBytes = 0
    private var isInBody = false
    private var isClosing = false
    private var timer: Scheduled<Void>?
    private var timerDeadline: RequestPace.Instant?

    init(_ ticket: ConnectionRegistry.Ticket, registry: ConnectionRegistry, counters: EndpointCounters) {
        (self.ticket, self.registry, self.counters) = (ticket, registry, counters)
    }

    func channelActive(context: ChannelHandlerContext) {
        review(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        var bytes = unwrapInboundIn(data)
        pace.receive(at: .now)
        while bytes.readableBytes > 0, !isClosing {
            guard !isInBody else {
                context.fireChannelRead(wrapInboundOut(bytes))
                break
            }
            // What completes a head is behind the decoder when this returns.
            let room = Self.longestHead - headBytes
            guard let part = bytes.readSlice(length: min(bytes.readableBytes, room)) else { break }
            headBytes += part.readableBytes
            context.fireChannelRead(wrapInboundOut(part))
            if headBytes >= Self.longestHead, !isClosing { refuse(context) }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        review(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pace.setReading(context.channel.isWritable, at: .now)
        review(context)
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    /// Says that the head is too long (RFC 6585, 5), whatever of it is the path, and closes.
    private func refuse(_ context: ChannelHandlerContext) {
        counters.count(.other, 431)
        let text = "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: written)
        // What is still coming would make the kernel reset the connection, and the answer might be lost: only our end closes
        // now, the rest when the caller's does, or with the time.
        let channel = context.channel
        written.futureResult.whenComplete { _ in channel.close(mode: .output, promise: nil) }
        isClosing = true
        pace.beginAnswering()
        pace.endRequest()
        pace.endAnswering(isLast: true, at: .now)
        counters.count(.tooLarge, of: ticket.caller)
        review(context)
    }

    private func review(_ context: ChannelHandlerContext) {
        if wasIdle != pace.isIdle {
            wasIdle = pace.isIdle
            registry.setIdle(wasIdle, ticket)
        }
        guard let deadline = pace.deadline else { return }
        // One that comes too early looks again: a connection that is busy costs no timers.
        if let timerDeadline, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        let remaining = max(.zero, deadline - .now)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(remaining)) {
            let (limits, context) = bound.value
            limits.timerDeadline = nil
            guard let deadline = limits.pace.deadline else { return }
            guard deadline > .now else {
                limits.counters.count(.tooSlow, of: limits.ticket.caller)
                context.close(promise: nil)
                return
            }
            limits.review(context)
        }
    }

    /// The half behind the decoder.
    final class Parts: ChannelDuplexHandler, RemovableChannelHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias InboundOut = HTTPServerRequestPart
        typealias OutboundIn = HTTPServerResponsePart
        typealias OutboundOut = HTTPServerResponsePart

        private let limits: RequestLimits
        /// Whether the request that is being answered is the last one.
        private var isLast = false

        init(_ limits: RequestLimits) { self.limits = limits }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(var head):
                limits.pace.beginAnswering()
                (limits.isInBody, limits.bodyBytes) = (true, 0)
                // A stranger has nothing else to ask.
                if limits.ticket.caller == .stranger { head.headers.replaceOrAdd(name: "Connection", value: "close") }
                isLast = isLast || !head.isKeepAlive
                context.fireChannelRead(wrapInboundOut(.head(head)))
            case .body(let part):
                limits.bodyBytes += part.readableBytes
                guard limits.bodyBytes <= RequestLimits.longestBody else {
                    guard !limits.isClosing else { return }
                    limits.isClosing = true
                    limits.counters.count(.tooLarge, of: limits.ticket.caller)
                    context.close(promise: nil)
                    return
                }
                context.fireChannelRead(data)
            case .end:
                limits.pace.endRequest()
                (limits.isInBody, limits.headBytes) = (false, 0)
                context.fireChannelRead(data)
            }
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let part = unwrapOutboundIn(data)
            context.write(data, promise: promise)
            guard case .end = part else { return }
            limits.pace.endAnswering(isLast: isLast, at: .now)
            limits.review(context)
        }
    }
}
