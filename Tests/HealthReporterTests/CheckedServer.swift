import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Testing

@testable import HealthReporter

/// A real server on 127.0.0.1 that is checked, and behaves as a test wants.
final class CheckedServer: Sendable {
    enum Behaviour: Sendable {
        /// Answers each request with these bytes, and closes.
        case answer(String)
        /// Answers with these bytes, and keeps the connection.
        case answerAndHang(String)
        /// Accepts, and says nothing.
        case hang
        /// Sends a body that never ends.
        case endless
        /// Sends a header that never ends.
        case endlessHeader
        /// Says that it will say no more as soon as it is connected to, and listens on.
        case halfClose
        /// Speaks first, and keeps the connection.
        case greet(String)
    }

    static let ok = Behaviour.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    let behaviour: Box<Behaviour>
    /// What was asked, each request's head as it came.
    let requests: Box<[String]>
    /// Over TLS: the name each connection asked for (SNI); empty: none.
    let serverNames: Box<[String]>
    /// How many connections were accepted.
    let accepted: Box<Int>
    /// How many connections ended.
    let hungUp: Box<Int>
    let port: UInt16
    private let channel: any Channel

    /// The same socket once more: keeps the port ours when the server has stopped, or another test would get it.
    private let reserved: CInt

    /// - Parameter tls: over TLS, as this context says; nil: plain.
    init(
        _ behaviour: Behaviour = CheckedServer.ok, host: String = "127.0.0.1", tls: NIOSSLContext? = nil
    ) async throws {
        let (box, requests, accepted) = (Box(behaviour), Box<[String]>([]), Box(0))
        let (serverNames, hungUp) = (Box<[String]>([]), Box(0))
        self.hungUp = hungUp
        (self.behaviour, self.requests, self.accepted, self.serverNames) = (box, requests, accepted, serverNames)
        let (descriptor, port) = try #require(BoundSocket.bind(to: host))
        (reserved, self.port) = (dup(descriptor), port)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                accepted.change { $0 += 1 }
                channel.closeFuture.whenComplete { _ in hungUp.change { $0 += 1 } }
                return channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let name = ByteToMessageHandler(
                            SNIHandler { result in
                                if case .hostname(let name) = result {
                                    serverNames.change { $0.append(name) }
                                } else {
                                    serverNames.change { $0.append("") }
                                }
                                return channel.eventLoop.makeSucceededVoidFuture()
                            })
                        try channel.pipeline.syncOperations.addHandler(name)
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(Talker(behaviour: box, requests: requests))
                }
            }
            .withBoundSocket(descriptor).get()
    }

    deinit { close(reserved) }

    /// Stops listening: from here on a connection is refused.
    func stop() async throws {
        try await channel.close().get()
        // Undoes listen(2), and leaves the port bound.
        #expect(shutdown(reserved, CInt(SHUT_RD)) == 0)
    }

    private final class Talker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let behaviour: Box<Behaviour>
        let requests: Box<[String]>
        private var received = ""

        init(behaviour: Box<Behaviour>, requests: Box<[String]>) {
            (self.behaviour, self.requests) = (behaviour, requests)
        }

        func channelActive(context: ChannelHandlerContext) {
            switch behaviour.value {
            case .halfClose: context.close(mode: .output, promise: nil)
            case .greet(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            default: break
            }
            context.fireChannelActive()
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            // Half a connection is none once the far end is gone, but for who says little itself.
            if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            guard received.hasSuffix("\r\n\r\n") else { return }
            requests.change { $0.append(received) }
            switch behaviour.value {
            case .hang, .halfClose, .greet: return
            case .answer(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                context.close(promise: nil)
            case .answerAndHang(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .endless:
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n")), promise: nil)
                pour(context)
            case .endlessHeader:
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 OK\r\nX: ")), promise: nil)
                pour(context)
            }
        }

        private func pour(_ context: ChannelHandlerContext) {
            let part = ByteBuffer(repeating: UInt8(ascii: "x"), count: 16_384)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(part)).whenSuccess { bound.value.0.pour(bound.value.1) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
