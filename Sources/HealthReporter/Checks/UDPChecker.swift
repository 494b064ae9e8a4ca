import ConfigurationFile
import NIOCore
import NIOPosix

/// Whether a datagram is answered. The socket is connected, so that nobody else can answer, and the kernel tells at once
/// when the port is closed (ICMP port unreachable, udp(7)).
struct UDPChecker: Checker {
    /// The longest datagram there is.
    private static let longestDatagram = 65_535

    let endpoint: ConfigurationFile.SocketAddress
    let send: String
    let expect: String?
    let timeout: Duration
    let group: any EventLoopGroup

    func ask() async -> CheckOutcome {
        let loop = group.next()
        let hasOther = Latest<Bool>()
        let late: @Sendable () -> CheckAnswer = {
            guard let expect, hasOther.value == true else { return .late(timeout) }
            return CheckAnswer(false, "answered, but without \"\(printableLine(expect.utf8))\"")
        }
        return await asked(timeout: timeout, on: loop, late: late) { answer in
            do {
                let address = try NIOCore.SocketAddress(ipAddress: "\(endpoint.address)", port: Int(endpoint.port))
                DatagramBootstrap(group: loop)
                    .channelOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.longestDatagram)
                    )
                    .channelInitializer { channel in
                        answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
                        return channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(
                                Listener(expect: expect, answer: answer) { hasOther.value = true })
                        }
                    }
                    .connect(to: address)
                    .whenComplete { result in
                        switch result {
                        case .success(let channel):
                            let datagram = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(string: send))
                            channel.writeAndFlush(datagram).whenFailure { answer.fail($0) }
                        case .failure(let error): answer.fail(error)
                        }
                    }
            } catch {
                answer.fail(error)
            }
        }
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let expect: String?
        private let answer: EventLoopPromise<CheckAnswer>
        private let onOther: () -> Void

        init(expect: String?, answer: EventLoopPromise<CheckAnswer>, onOther: @escaping () -> Void) {
            (self.expect, self.answer, self.onOther) = (expect, answer, onOther)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if let expect, !unwrapInboundIn(data).data.contains(expect) {
                // A late answer to an earlier question, say: the right one may follow.
                onOther()
            } else {
                answer.succeed(CheckAnswer(true, "answered"))
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.fail(error) }

        func channelInactive(context: ChannelHandlerContext) { answer.fail(ClosedWithoutAnswer()) }
    }
}
