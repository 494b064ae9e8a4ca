import ConfigurationFile
import NIOCore
import NIOPosix
import Testing

@testable import HealthReporter

@Suite("UDP check")
struct UDPCheckTests {
    /// Answers each datagram with these, from where it was asked or from elsewhere.
    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        let answers: [String]
        let asked: Box<[String]>
        /// Answers in its place.
        let stranger: (any Channel)?

        init(_ answers: [String], asked: Box<[String]>, stranger: (any Channel)?) {
            (self.answers, self.asked, self.stranger) = (answers, asked, stranger)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let question = unwrapInboundIn(data)
            asked.change { $0.append(String(buffer: question.data)) }
            for answer in answers {
                let datagram = AddressedEnvelope(
                    remoteAddress: question.remoteAddress, data: ByteBuffer(string: answer))
                if let stranger {
                    stranger.writeAndFlush(datagram, promise: nil)
                } else {
                    context.writeAndFlush(wrapOutboundOut(datagram), promise: nil)
                }
            }
        }
    }

    /// Runs `body` with the port of a server that answers so, and what it was asked.
    private func withServer(
        _ answers: [String], host: String = "127.0.0.1", byStranger: Bool = false,
        _ body: (UInt16, Box<[String]>) async throws -> Void
    ) async throws {
        let asked = Box<[String]>([])
        let bootstrap = DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let stranger = byStranger ? try await bootstrap.bind(host: host, port: 0).get() : nil
        let server = try await bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Answering(answers, asked: asked, stranger: stranger))
            }
        }.bind(host: host, port: 0).get()
        try await body(UInt16(try #require(server.localAddress?.port)), asked)
        try await server.close()
        try await stranger?.close()
    }

    @Test("an answer passes, and what was sent is what was configured")
    func passes() async throws {
        try await withServer(["pong"]) { port, asked in
            let outcome = await ask(.udp(send: "ping\u{0}\r\n", expect: nil), port: port)
            #expect(outcome.ok)
            #expect(outcome.message == "answered")
            #expect(asked.value == ["ping\u{0}\r\n"])
            #expect(await ask(.udp(send: "", expect: "on"), port: port).ok)
        }
    }

    @Test("the wanted answer may come after others", arguments: [("pong", true), ("peng", false)])
    func expected(expect: String, ok: Bool) async throws {
        try await withServer(["late", "a pong b"]) { port, _ in
            let outcome = await ask(
                .udp(send: "ping", expect: expect), port: port, timeout: ok ? .seconds(10) : .milliseconds(300))
            #expect(outcome.ok == ok)
            #expect(outcome.message == (ok ? "answered" : "answered, but without \"peng\""))
        }
    }

    @Test("an answer of the largest size is read whole")
    func large() async throws {
        try await withServer([String(repeating: "x", count: 65_503) + "pong"]) { port, _ in
            #expect(await ask(.udp(send: "ping", expect: "pong"), port: port).ok)
        }
    }

    @Test("no answer fails when the time is up")
    func silent() async throws {
        try await withServer([]) { port, _ in
            let outcome = await ask(.udp(send: "ping", expect: nil), port: port, timeout: .milliseconds(100))
            #expect(!outcome.ok)
            #expect(outcome.message == "no answer within 100ms")
            #expect(outcome.latency < .seconds(8))
        }
    }

    @Test("what comes from somebody else is no answer")
    func stranger() async throws {
        try await withServer(["pong"], byStranger: true) { port, asked in
            let outcome = await ask(.udp(send: "ping", expect: nil), port: port, timeout: .milliseconds(300))
            #expect(asked.value == ["ping"])
            #expect(outcome.message == "no answer within 300ms")
        }
    }

    @Test("a closed port fails at once")
    func closed() async throws {
        var closed: UInt16 = 0
        try await withServer([]) { port, _ in closed = port }
        let outcome = await ask(.udp(send: "ping", expect: nil), port: closed)
        #expect(!outcome.ok)
        #expect(outcome.message == "connection refused")
        #expect(outcome.latency < .seconds(9), "the kernel tells, not the timeout")
    }

    @Test("a VIP may be of IPv6", .enabled(if: BoundSocket.hasIPv6, "this host has no ::1"))
    func ipv6() async throws {
        try await withServer(["pong"], host: "::1") { port, _ in
            #expect(await ask(.udp(send: "ping", expect: "pong"), host: "::1", port: port).ok)
        }
    }
}
