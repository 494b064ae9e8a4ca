import AsyncHTTPClient
import ConfigurationFile
import NIOCore
import NIOHTTP1
import NetworkAddress

/// Whether `GET path` is answered with a wanted status. Redirects are answers, they are not followed.
struct HTTPChecker: Checker {
    /// How much of an answer is read: enough to see that it comes, and not what an endless one would fill memory with.
    static let longestBody = 65_536

    private let url: String
    private let host: String?
    private let wanted: [ClosedRange<Int>]
    private let timeout: Duration
    private let client: HTTPClient

    /// - Parameter host: what the `Host` header says; nil: the address and the port, as a browser would.
    init(
        endpoint: ConfigurationFile.SocketAddress, path: String, host: String?, wanted: [ClosedRange<Int>], timeout: Duration,
        group: any EventLoopGroup
    ) {
        url = "http://\(endpoint)\(path)"
        self.host = host
        self.wanted = wanted
        self.timeout = timeout
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: TimeAmount(timeout)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.maximumUsesPerConnection = 1
        // One refused connection is one answer. A connection that comes too late is not kept for the next question.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .milliseconds(1)
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    func ask() async -> CheckOutcome {
        await measured(timeout: timeout) {
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "Connection", value: "close")
            request.headers.add(name: "User-Agent", value: "rsagent-check")
            if let host { request.headers.add(name: "Host", value: host) }
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            var read = 0
            for try await part in response.body {
                read += part.readableBytes
                if read >= Self.longestBody { break }
            }
            let status = Int(response.status.code)
            guard wanted.contains(where: { $0.contains(status) }) else {
                let words = wanted.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
                return (false, "\(status), wanted \(words.joined(separator: " or "))")
            }
            return (true, "\(status)")
        }
    }

    func stop() async {
        // It fails only where it was stopped before.
        try? await client.shutdown()
    }
}
