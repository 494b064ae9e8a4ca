import AsyncHTTPClient
import CLinux
import ConfigurationFile
import NIOCore
import NIOHTTP1
import NIOSSL
import NetworkAddress
import Synchronization

/// Whether a request is answered as wanted. Redirects are answers, they are not followed.
struct HTTPChecker: Checker {
    /// How much of an answer is read: enough to see that it comes, and not what an endless one would fill memory with.
    static let longestBody = 65_536

    private let http: AgentConfiguration.Check.HTTP
    private let url: String
    private let host: String
    private let timeout: Duration
    private let client: HTTPClient
    /// Over TLS: how, and a handshake that says why when none succeeds.
    private let tls: (client: TLSClient, checker: TLSChecker)?
    /// Over TLS: when the certificate ends that was shown last.
    private let certificateEnd = Latest<Timestamp>()

    init(
        _ http: AgentConfiguration.Check.HTTP, endpoint: ConfigurationFile.SocketAddress, timeout: Duration,
        group: any EventLoopGroup
    ) {
        self.http = http
        self.timeout = timeout
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: TimeAmount(timeout)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.maximumUsesPerConnection = 1
        // One refused connection is one answer. A connection that comes too late is not kept for the next question.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .milliseconds(1)

        var authority = "\(endpoint)"
        if let settings = http.tls {
            let tlsClient = TLSClient(settings, applicationProtocols: ["http/1.1"])
            tls = (
                tlsClient,
                TLSChecker(
                    conversation: Conversation(endpoint: endpoint, tls: tlsClient, timeout: timeout, group: group))
            )
            configuration.tlsConfiguration = tlsClient.configuration
            if let name = tlsClient.indicatedName {
                // The name is for the handshake; where it is asked is not looked up.
                authority = "\(name):\(endpoint.port)"
                configuration.dnsOverride = [name: "\(endpoint.address)"]
            }
            // Called for each connection once TLS is spoken on it: the one place where its certificate is to be had.
            configuration.http1_1ConnectionDebugInitializer = { [certificateEnd] channel in
                channel.nioSSL_peerCertificate().map { certificate in
                    certificateEnd.value = certificate.map { PeerCertificate($0).end }
                }
            }
        } else {
            tls = nil
        }
        url = "\(http.tls == nil ? "http" : "https")://\(authority)\(http.path)"
        host = http.host ?? authority.withoutPort(http.tls == nil ? 80 : 443)
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    func ask() async -> CheckOutcome {
        certificateEnd.value = nil
        var outcome = await measured(timeout: timeout) {
            do {
                return try await answer()
            } catch let error where TLSWords.isMistrust(error) || TLSWords.isUnusableAuthority(error) {
                // The client does not say what is wrong with a certificate, nor which file it cannot read.
                let outcome = await tls?.checker.ask()
                guard let outcome, !outcome.ok else { throw error }
                return CheckAnswer(false, outcome.message)
            }
        }
        outcome.warning = tls?.client.warning(ofCertificateEnding: certificateEnd.value)
        return outcome
    }

    private func answer() async throws -> CheckAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: http.method)
        request.headers.add(name: "Host", value: host)
        request.headers.add(name: "Connection", value: "close")
        for header in http.headers { request.headers.add(name: header.name, value: header.value) }
        if !request.headers.contains(name: "User-Agent") {
            request.headers.add(name: "User-Agent", value: "rsagent-check")
        }
        let response = try await client.execute(request, timeout: TimeAmount(timeout))
        var body = ByteBuffer()
        var read = 0
        for try await part in response.body {
            if http.body != nil { body.writeImmutableBuffer(part.prefix(Self.longestBody - read)) }
            read += part.readableBytes
            if read >= Self.longestBody { break }
        }
        let status = Int(response.status.code)
        guard http.status.contains(where: { $0.contains(status) }) else {
            let wanted = http.status.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            return CheckAnswer(false, "\(status), wanted \(wanted.joined(separator: " or "))")
        }
        if let text = http.body, !body.contains(text) {
            return CheckAnswer(false, "\(status), but \"\(printableLine(text.utf8))\" is not in the body")
        }
        return CheckAnswer(true, "\(status)")
    }

    func stop() async {
        // It fails only where it was stopped before.
        try? await client.shutdown()
    }
}

/// What was seen last, by whichever thread.
final class Latest<Value: Sendable>: Sendable {
    private let mutex = Mutex<Value?>(nil)

    var value: Value? {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }
}

extension ByteBuffer {
    /// At most so many bytes of it.
    fileprivate func prefix(_ count: Int) -> ByteBuffer {
        getSlice(at: readerIndex, length: Swift.min(readableBytes, count)) ?? ByteBuffer()
    }

    /// Whether these bytes are in it, next to one another.
    func contains(_ text: String) -> Bool {
        withUnsafeReadableBytes { bytes in
            var text = text
            return text.withUTF8 { clinux_contains(bytes.baseAddress, bytes.count, $0.baseAddress, $0.count) != 0 }
        }
    }
}

extension String {
    /// An authority without its port where that is the scheme's own (RFC 9110 §4.2.3).
    fileprivate func withoutPort(_ standard: Int) -> String {
        hasSuffix(":\(standard)") ? String(dropLast("\(standard)".count + 1)) : self
    }
}
