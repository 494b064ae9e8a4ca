import ConfigurationFile
import NIOCore
import NIOHTTP1
import NIOPosix
import NetworkAddress

/// Whether `GET path` is answered with a wanted status. Redirects are answers, they are not followed.
struct HTTPChecker: Checker {
    /// How much of an answer is read: enough to see that it comes, and not what an endless one would fill memory with.
    static let longestBody = 65_536

    private let endpoint: ConfigurationFile.SocketAddress
    private let request: HTTPRequestHead
    private let wanted: [ClosedRange<Int>]
    private let timeout: Duration
    private let group: any EventLoopGroup

    /// - Parameter host: what the `Host` header says; nil: the address and the port, as a browser would.
    init(
        endpoint: ConfigurationFile.SocketAddress, path: String, host: String?, wanted: [ClosedRange<Int>],
        timeout: Duration, group: any EventLoopGroup
    ) {
        self.endpoint = endpoint
        self.wanted = wanted
        self.timeout = timeout
        self.group = group
        let authority = endpoint.port == 80 ? "\(endpoint)".dropLast(":80".count) : "\(endpoint)"[...]
        request = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: path,
            headers: ["Host": host ?? String(authority), "Connection": "close", "User-Agent": "rsagent-check"])
    }

    func ask() async -> CheckOutcome {
        let clock = ContinuousClock()
        let start = clock.now
        let loop = group.any()
        let promise = loop.makePromise(of: HTTPAnswer.self)
        let timer = loop.scheduleTask(in: TimeAmount(timeout)) { promise.fail(NoAnswerInTime()) }
        connect(on: loop, answer: promise)
        let ok: Bool
        let message: String
        do {
            // What is completed first counts; NIO ignores the rest.
            let answer = try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: {
                promise.fail(CancellationError())
            }
            (ok, message) = judge(answer)
        } catch {
            (ok, message) = (false, words(for: error, timeout: timeout))
        }
        timer.cancel()
        return CheckOutcome(ok: ok, message: message, latency: clock.now - start)
    }

    /// Asks on a connection that ends with the answer, however that ends.
    private func connect(on loop: any EventLoop, answer: EventLoopPromise<HTTPAnswer>) {
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(TimeAmount(timeout)).channelInitializer { channel in
            answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
            return channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                try pipeline.addHandler(HTTPAnswerHandler(longestBody: Self.longestBody, answer: answer))
            }
        }
        do {
            let address = try NIOCore.SocketAddress(ipAddress: "\(endpoint.address)", port: Int(endpoint.port))
            bootstrap.connect(to: address).whenComplete { [request] result in
                switch result {
                case .success(let channel):
                    channel.write(HTTPClientRequestPart.head(request), promise: nil)
                    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
                case .failure(let error): answer.fail(error)
                }
            }
        } catch {
            answer.fail(error)
        }
    }

    private func judge(_ answer: HTTPAnswer) -> (ok: Bool, message: String) {
        guard wanted.contains(where: { $0.contains(answer.status) }) else {
            let words = wanted.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            return (false, "\(answer.status), wanted \(words.joined(separator: " or "))")
        }
        return (true, "\(answer.status)")
    }

    func stop() async {}
}

/// The time was up.
struct NoAnswerInTime: Error {}
