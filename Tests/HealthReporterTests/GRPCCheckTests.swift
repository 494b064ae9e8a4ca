import ConfigurationFile
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Testing

@testable import HealthReporter

@Suite("gRPC check")
struct GRPCCheckTests {
    /// What a server does with a question.
    private enum Behaviour: Sendable {
        /// The status of each service by name; one that is not named is not found, by trailers alone.
        case health([String: UInt8])
        /// Takes the question, and says nothing.
        case silence
        /// Answers 200 and sends without end.
        case endless
        /// A message that is no HealthCheckResponse.
        case garbage
        /// Resets the stream.
        case reset
    }

    private final class HealthService: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        let behaviour: Behaviour
        let asked: Box<[HPACKHeaders]>
        private var question: [UInt8] = []

        init(_ behaviour: Behaviour, asked: Box<[HPACKHeaders]>) { (self.behaviour, self.asked) = (behaviour, asked) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let frame): asked.change { $0.append(frame.headers) }
            case .data(let frame):
                if case .byteBuffer(let bytes) = frame.data { question += bytes.readableBytesView }
                if frame.endStream { answer(context) }
            default: break
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            switch behaviour {
            case .silence: break
            case .health(let services):
                let name = String(decoding: question.dropFirst(7), as: UTF8.self)
                if let status = services[name] {
                    head(context)
                    write(context, [0, 0, 0, 0, 2, 8, status])
                    trailers(context, [("grpc-status", "0")])
                } else {
                    trailers(
                        context, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5")])
                }
            case .garbage:
                head(context)
                write(context, [0, 0, 0, 0, 9, 0xFF])
                trailers(context, [("grpc-status", "0")])
            case .endless:
                head(context)
                pour(context)
            case .reset:
                context.triggerUserOutboundEvent(HTTP2ErrorCode.refusedStream, promise: nil);
                context.close(promise: nil)
            }
        }

        private func head(_ context: ChannelHandlerContext) {
            let headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
            context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        }

        private func write(_ context: ChannelHandlerContext, _ bytes: [UInt8]) {
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes))))), promise: nil)
        }

        private func trailers(_ context: ChannelHandlerContext, _ fields: [(String, String)]) {
            context.writeAndFlush(
                wrapOutboundOut(.headers(.init(headers: HPACKHeaders(fields), endStream: true))), promise: nil)
        }

        private func pour(_ context: ChannelHandlerContext) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let part = ByteBuffer(repeating: 0, count: 1_024)
            context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(part))))).whenSuccess {
                bound.value.0.pour(bound.value.1)
            }
        }
    }

    private func withServer(
        _ behaviour: Behaviour, tls: NIOSSLContext? = nil, _ body: (UInt16, Box<[HPACKHeaders]>) async throws -> Void
    ) async throws {
        let asked = Box<[HPACKHeaders]>([])
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(HealthService(behaviour, asked: asked))
                        }
                    }
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        try await body(UInt16(try #require(server.localAddress?.port)), asked)
        try await server.close()
    }

    @Test("a service is asked for by its name, the server by none")
    func services() async throws {
        try await withServer(.health(["": 1, "pkg.Up": 1, "pkg.Down": 2])) { port, asked in
            for (service, ok, message) in [
                ("", true, "SERVING"), ("pkg.Up", true, "SERVING"), ("pkg.Down", false, "NOT_SERVING"),
                ("pkg.Gone", false, "grpc-status 5 (NOT_FOUND): the server knows no service \"pkg.Gone\""),
            ] {
                let outcome = await ask(.grpc(service: service, tls: nil), port: port)
                #expect(outcome.ok == ok)
                #expect(outcome.message == message)
            }
            let headers = try #require(asked.value.first)
            #expect(headers.first(name: ":path") == "/grpc.health.v1.Health/Check")
            #expect(headers.first(name: ":method") == "POST")
            #expect(headers.first(name: ":scheme") == "http")
            #expect(headers.first(name: ":authority") == "127.0.0.1:\(port)")
            #expect(headers.first(name: "te") == "trailers")
            #expect(headers.first(name: "content-type") == "application/grpc")
            #expect(headers.first(name: "grpc-timeout") == "10000m")
        }
    }

    @Test("over TLS it is HTTP/2 by ALPN, with the certificate's warning; a server that has none of it fails by name")
    func overTLS() async throws {
        let certificate = try Certificate(to: "2021-02-03")
        let kind = AgentConfiguration.Check.Kind.grpc(service: "", tls: .init(serverName: "www.example.net"))
        try await withServer(.health(["": 1]), tls: certificate.serverContext(applicationProtocols: ["h2"])) {
            port, asked in
            let outcome = await ask(kind, port: port)
            #expect(outcome.ok)
            #expect(outcome.message == "SERVING")
            #expect(outcome.warning == "the certificate ended on 2021-02-03")
            #expect(asked.value.first?.first(name: ":scheme") == "https")
            #expect(asked.value.first?.first(name: ":authority") == "www.example.net:\(port)")
        }
        try await withServer(.health(["": 1]), tls: certificate.serverContext()) { port, _ in
            let outcome = await ask(kind, port: port)
            #expect(!outcome.ok)
            #expect(outcome.message == "the server does not speak HTTP/2 over TLS (ALPN)")
        }
    }

    @Test("silence fails when the time is up, over TLS with what the certificate warns of")
    func silence() async throws {
        let tls = try Certificate(to: "2021-02-03").serverContext(applicationProtocols: ["h2"])
        for (context, settings) in [(nil, nil), (tls, AgentConfiguration.Check.TLS())] {
            try await withServer(.silence, tls: context) { port, asked in
                let outcome = await ask(.grpc(service: "", tls: settings), port: port, timeout: .seconds(1))
                #expect(!outcome.ok)
                #expect(outcome.message == "no answer within 1s")
                #expect(outcome.latency < .seconds(9))
                #expect(outcome.warning == (settings == nil ? nil : "the certificate ended on 2021-02-03"))
                #expect(asked.value.count == 1)
            }
        }
    }

    @Test("an answer without end, garbage and a reset fail, long before the time is up")
    func broken() async throws {
        for (behaviour, message) in [
            (Behaviour.endless, "not an answer to a health check: it is too long"),
            (.garbage, "not an answer to a health check: it cannot be read"),
        ] {
            try await withServer(behaviour) { port, _ in
                let outcome = await ask(.grpc(service: "", tls: nil), port: port)
                #expect(!outcome.ok)
                #expect(outcome.message == message)
            }
        }
        try await withServer(.reset) { port, _ in
            let first = await ask(.grpc(service: "", tls: nil), port: port)
            let second = await ask(.grpc(service: "", tls: nil), port: port)
            #expect(!first.ok)
            #expect(first.message == second.message)
            #expect(first.latency < .seconds(9))
        }
    }

    @Test("who does not speak HTTP/2 fails, and says so the same way each time")
    func notHTTP2() async throws {
        let behaviours: [CheckedServer.Behaviour] = [
            .greet("220 mail.example.net\r\n"), .greet("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
            .halfClose,
        ]
        for behaviour in behaviours {
            let server = try await CheckedServer(behaviour)
            let first = await ask(.grpc(service: "", tls: nil), port: server.port)
            let second = await ask(.grpc(service: "", tls: nil), port: server.port)
            #expect(!first.ok && !first.message.isEmpty)
            #expect(first.message == second.message)
            #expect(first.latency < .seconds(9))
            try await server.stop()
        }
        let server = try await CheckedServer()
        try await server.stop()
        #expect(await ask(.grpc(service: "", tls: nil), port: server.port).message == "connection refused")
    }
}
