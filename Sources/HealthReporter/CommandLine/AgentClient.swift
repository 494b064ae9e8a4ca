import AsyncHTTPClient
import ConfigurationFile
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks an agent on another host, over TCP: for the director's own health checks.
public struct AgentClient: Sendable {
    /// How to speak TLS to an agent; all of it may be left out, where `https` alone will do.
    public struct TLS: Sendable {
        /// The authorities that may have signed the agent's certificate; nil: the system's.
        public var authority: String?
        /// The certificate to show.
        public var certificate: String?
        /// Its private key.
        public var key: String?

        /// Whether any file is named.
        var isGiven: Bool { authority != nil || certificate != nil || key != nil }

        /// Files by their paths, in PEM.
        public init(authority: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.authority = authority
            self.certificate = certificate
            self.key = key
        }
    }

    /// The longest answer that is read, in bytes.
    private static let longestAnswer = 1 << 20

    private let url: String
    private let token: String?
    private let configuration: HTTPClient.Configuration

    /// A client of the agent at `url`, such as `http://10.0.0.11:9380`. Nothing is connected yet.
    ///
    /// - Throws: `ReporterError` where the URL is none, or is of plain HTTP, which has no use for TLS's files, or a file cannot
    ///   be used.
    public init(url: String, tokenFile: String? = nil, tls: TLS = TLS()) throws(ReporterError) {
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), !url.contains(where: \.isWhitespace) else {
            throw ReporterError(
                .badRequest, operation: "ask \(url)", cause: "that is not the URL of an agent",
                cure: "write http://ADDRESS:PORT or https://ADDRESS:PORT")
        }
        guard !tls.isGiven || url.hasPrefix("https://") else {
            throw ReporterError(
                .badRequest, operation: "ask \(url)",
                cause: "plain HTTP has no use for an authority, a certificate or a key",
                cure: "write https://ADDRESS:PORT, or leave --ca, --certificate and --key out")
        }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        token =
            if let tokenFile { String(decoding: try BearerToken.read(tokenFile), as: UTF8.self) } else { nil }
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.tlsConfiguration = try Self.configuration(of: tls)
        self.configuration = configuration
    }

    /// One service as it is now. It counts as a poll of this host's.
    ///
    /// - Throws: `ReporterError` where nothing has come within `limit`, or a refusal.
    public func service(_ name: String, within limit: Duration) async throws(ReporterError) -> Report.Service {
        let resource = "/v1/services/\(ControlClient.encoded(name))"
        var request = HTTPClientRequest(url: url + resource)
        request.headers.add(name: "Connection", value: "close")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let (status, body): (UInt, [UInt8])
        do {
            (status, body) = try await ask(request, within: limit)
        } catch {
            throw ReporterError(
                .unreachable, operation: "ask \(url)",
                cause: error is CancellationError ? "no answer within \(DurationText.text(for: limit))" : "\(error)")
        }
        guard status == 200 else {
            let refusal = try? JSON.decode(RefusalBody.self, from: body, operation: "")
            throw ReporterError(
                .refused, operation: "ask \(url)\(resource)",
                cause: refusal?.error ?? "the agent answered with status \(status)")
        }
        return try JSON.decode(Report.Service.self, from: body, operation: "read the agent's answer to \(resource)")
    }

    /// The whole answer within the limit: one that trickles is none.
    private func ask(_ request: HTTPClientRequest, within limit: Duration) async throws -> (UInt, [UInt8]) {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let answer = try await ask(request, by: client, within: limit)
            try? await client.shutdown()
            return answer
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func ask(_ request: HTTPClientRequest, by client: HTTPClient, within limit: Duration) async throws -> (
        UInt, [UInt8]
    ) {
        try await withThrowingTaskGroup(of: (UInt, [UInt8]).self) { group in
            group.addTask {
                let response = try await client.execute(request, timeout: TimeAmount(limit) + .seconds(1))
                return (
                    response.status.code,
                    Array(try await response.body.collect(upTo: Self.longestAnswer).readableBytesView)
                )
            }
            group.addTask {
                try await Task.sleep(for: limit)
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    /// How a client speaks TLS that trusts, and shows, what these files hold.
    static func configuration(of tls: TLS) throws(ReporterError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authority = tls.authority {
            configuration.trustRoots = .certificates(
                try TLSFile.certificates(authority, called: "the agents' authority"))
        }
        switch (tls.certificate, tls.key) {
        case (let certificate?, let key?):
            configuration.certificateChain = try TLSFile.certificates(certificate, called: "the certificate").map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try TLSFile.key(key))
        case (nil, nil): break
        case (let certificate, _):
            throw ReporterError(
                .badRequest, operation: "show a certificate",
                cause: certificate == nil
                    ? "there is a key without its certificate" : "there is a certificate without its key",
                cure: "name both")
        }
        return configuration
    }
}
