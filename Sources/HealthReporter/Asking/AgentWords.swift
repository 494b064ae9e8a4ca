import ConfigurationFile
import NIOCore
import NIOPosix
import NIOSSL
import NetworkAddress

/// Why an agent could not be asked, in an operator's words.
package enum AgentWords {
    /// How long a certificate is waited for that is looked at once more.
    private static let limit = Duration.seconds(1)

    /// What an agent says of itself where it refuses to answer, as one line; nil: nothing that can be read.
    package static func refusal(in body: [UInt8]) -> String? {
        guard let refusal = try? JSON.decode(RefusalBody.self, from: body, operation: "") else { return nil }
        let line = printableLine(refusal.error.utf8.prefix(1_000), upTo: 300)
        return line.isEmpty ? nil : line
    }

    /// What is wrong with TLS; nil: the error is of something else. A certificate that is not trusted is looked at on a
    /// connection of its own: BoringSSL does not tell what is wrong with it.
    ///
    /// - Parameter agent: `https://HOST:PORT`.
    package static func tls(_ error: any Error, with agent: String) async -> String? {
        if TLSWords.isMistrust(error) { return TLSWords.mistrust(of: await certificate(of: agent)) }
        if let refusal = alert(in: "\(error)") { return refusal }
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return "its certificate is for another name or address than that in \(agent)"
        case let error as NIOSSLExtraError: return TLSWords.words(for: error)
        case let error as NIOSSLError:
            let words = TLSWords.words(for: error)
            return words == "TLS: wrong version number" ? "what answers there does not speak TLS" : words
        default: return error is BoringSSLError ? "TLS: \(error)" : nil
        }
    }

    /// What the agent has against the director's certificate, by the alert it sent (RFC 8446 §6.2); nil: it sent none of these.
    private static func alert(in text: String) -> String? {
        let own = "this director's certificate"
        let alerts = [
            ("ALERT_CERTIFICATE_REQUIRED", "it asks for a certificate of this director: set `certificate` and `key`"),
            ("ALERT_UNKNOWN_CA", "\(own) is not of the authority in its `client_ca`"),
            ("ALERT_CERTIFICATE_EXPIRED", "\(own) has ended, it says"),
            ("ALERT_CERTIFICATE_UNKNOWN", "it does not take \(own)"),
            ("ALERT_BAD_CERTIFICATE", "it does not take \(own)"),
        ]
        return alerts.first { text.contains($0.0) }?.1
    }

    /// When the certificate is valid that is shown there, whoever vouches for it; nil: it could not be had.
    private static func certificate(of agent: String) async -> PeerCertificate? {
        guard let endpoint = await endpoint(agent.dropFirst("https://".count)) else { return nil }
        let certificate = Latest<PeerCertificate>()
        _ = await Conversation(
            endpoint: endpoint, tls: TLSClient(.init()), timeout: limit, group: MultiThreadedEventLoopGroup.singleton
        ).ask { open in
            certificate.value = open.handshake?.certificate
            open.answer.succeed(CheckAnswer(true, ""))
        }
        return certificate.value
    }

    /// Where `HOST:PORT` is; nil: nobody knows that name.
    private static func endpoint(_ authority: Substring) async -> ConfigurationFile.SocketAddress? {
        if let endpoint = ConfigurationFile.SocketAddress(authority) { return endpoint }
        let parts = authority.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        let host = String(parts[0])
        let found = try? await NIOThreadPool.singleton.runIfActive {
            try NIOCore.SocketAddress.makeAddressResolvingHost(host, port: Int(port))
        }
        return (found?.ipAddress).flatMap { IPAddress($0) }.map { .init(address: $0, port: port) }
    }
}
