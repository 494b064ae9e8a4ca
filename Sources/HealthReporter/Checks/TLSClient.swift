import ConfigurationFile
import NIOCore
import NIOSSL
import NetworkAddress
import Synchronization

/// How checks speak TLS: what is asked of the far end, and what is made of its certificate.
final class TLSClient: Sendable {
    let settings: AgentConfiguration.Check.TLS
    private let applicationProtocols: [String]
    private let errand = Errand()
    private let loaded = Mutex<Loaded?>(nil)

    /// What was read. Reading the system's certificates takes tens of milliseconds, so it is done once; a file that is named is
    /// read again when it has changed.
    private struct Loaded {
        var context: NIOSSLContext
        var authority: WatchedFiles?
        /// Why the file as it is now is not used.
        var warning: String?
    }

    /// - Parameter applicationProtocols: what is offered by ALPN (RFC 7301).
    init(_ settings: AgentConfiguration.Check.TLS, applicationProtocols: [String] = []) {
        self.settings = settings
        self.applicationProtocols = applicationProtocols
    }

    /// What NIOSSL makes of the settings. A certificate for the very address that is asked passes too, whatever its names.
    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification =
            !settings.isVerified ? .none : settings.serverName == nil ? .noHostnameVerification : .fullVerification
        if let authority = settings.authority { configuration.trustRoots = .file(authority) }
        configuration.applicationProtocols = applicationProtocols
        return configuration
    }

    /// The name asked for by SNI, which an address cannot be (RFC 6066 §3). An address is looked for in the certificate
    /// where it is the one that is asked.
    var indicatedName: String? {
        settings.serverName.flatMap { IPAddress($0) == nil ? $0.lowercased() : nil }
    }

    /// Gives `use` the settings as NIOSSL needs them, at once or on another thread. Files are read on a thread of their own,
    /// which may hang; what was read before is used for as long.
    func withContext(
        at now: WatchedFiles.Instant = .now, _ use: @escaping @Sendable (Result<NIOSSLContext, any Error>) -> Void
    ) {
        let before = loaded.withLock { $0 }
        if let before, before.authority?.isDue(at: now) != true { return use(.success(before.context)) }
        let obstacle = errand.begin({ Result { try self.load(after: before, at: now) } }, then: use)
        guard let obstacle else { return }
        use(before.map { .success($0.context) } ?? .failure(UnreadCertificates(cause: obstacle)))
    }

    /// Reads what has changed since `before` was read. Where that cannot be used, what was there before goes on.
    private func load(after before: Loaded?, at now: WatchedFiles.Instant) throws -> NIOSSLContext {
        var authority = before?.authority ?? settings.authority.map { WatchedFiles([$0], at: now) }
        let hasChanged = authority?.haveChanged(at: now) ?? false
        var next: Loaded
        if let before, !hasChanged {
            next = before
        } else {
            do {
                next = Loaded(context: try NIOSSLContext(configuration: configuration))
            } catch {
                let cause: any Error = settings.authority.map { UnusableAuthority(path: $0) } ?? error
                guard var before else { throw cause }
                before.warning = "\(cause); what it held before goes on to be used"
                next = before
            }
        }
        next.authority = authority
        loaded.withLock { $0 = next }
        return next.context
    }

    /// Why the file of authorities as it is now is not used, in words; nil: it is.
    var authorityWarning: String? { loaded.withLock { $0?.warning } }

    /// The warning that a certificate deserves, which ends at this time, or nil.
    func warning(ofCertificateEnding end: Timestamp?, now: Timestamp = .now()) -> String? {
        guard let end else { return nil }
        let ahead = settings.expiryWarning.components.seconds
        guard ahead > 0, end < now.adding(seconds: ahead) else { return nil }
        return "the certificate \(end < now ? "ended" : "ends") on \(end.day)"
    }
}

/// The certificates to trust were not read yet.
struct UnreadCertificates: Error, CustomStringConvertible {
    let cause: String

    var description: String { "the certificates to trust cannot be read: \(cause)" }
}

/// The file of certificates to trust cannot be used.
struct UnusableAuthority: Error, CustomStringConvertible {
    let path: String

    var description: String { "\(path) cannot be read, or is not certificates in PEM; correct `ca`" }
}

/// What is known of a connection once TLS is spoken on it.
struct Handshake: Sendable, Equatable {
    /// `TLS 1.3`.
    var version: String
    /// What was agreed on by ALPN.
    var applicationProtocol: String?
    var certificate: PeerCertificate?

    /// What was agreed on in this pipeline.
    init(_ pipeline: ChannelPipeline.SynchronousOperations, applicationProtocol: String?) {
        version =
            switch try? pipeline.nioSSL_tlsVersion() {
            case .tlsv13: "TLS 1.3"
            case .tlsv12: "TLS 1.2"
            case .tlsv11: "TLS 1.1"
            case .tlsv1: "TLS 1.0"
            default: "TLS"
            }
        self.applicationProtocol = applicationProtocol
        certificate = (try? pipeline.nioSSL_peerCertificate()).map(PeerCertificate.init)
    }
}

/// When a certificate is valid.
struct PeerCertificate: Sendable, Equatable {
    var start: Timestamp
    var end: Timestamp

    init(_ certificate: NIOSSLCertificate) {
        start = Timestamp(secondsSinceEpoch: Int64(certificate.notValidBefore))
        end = Timestamp(secondsSinceEpoch: Int64(certificate.notValidAfter))
    }
}

extension Timestamp {
    /// `YYYY-MM-DD`, in UTC.
    fileprivate var day: Substring { description.prefix { $0 != "T" } }
}

/// What is wrong with a TLS handshake, in words.
enum TLSWords {
    /// BoringSSL names its reasons in capitals: `…OPENSSL_internal:WRONG_VERSION_NUMBER at …`.
    static func words(for error: NIOSSLError) -> String {
        guard case .handshakeFailed(let cause) = error else {
            return error == .uncleanShutdown ? "the connection was closed during TLS" : "TLS: \(error)"
        }
        let text = "\(cause)"
        if let marker = text.firstRange(of: "OPENSSL_internal:") {
            let reason = text[marker.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return "TLS: \(reason.lowercased().replacing("_", with: " "))"
        }
        return "the connection was closed during the TLS handshake"
    }

    static func words(for error: NIOSSLExtraError) -> String {
        switch error {
        case .failedToValidateHostname: "the certificate is for another name"
        case .invalidSNIHostname, .serverHostnameImpossibleToMatch:
            "no certificate can have such a name; correct `server_name`"
        default: "TLS: \(error)"
        }
    }

    /// Whether the handshake failed because the certificate is not to be trusted.
    static func isMistrust(_ error: any Error) -> Bool {
        "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
    }

    /// Why a certificate is not trusted; BoringSSL does not tell.
    static func mistrust(of certificate: PeerCertificate?, now: Timestamp = .now()) -> String {
        if let certificate, certificate.end < now { return "the certificate ended on \(certificate.end.day)" }
        if let certificate, certificate.start > now { return "the certificate begins on \(certificate.start.day)" }
        return "the certificate is from nobody who is trusted here; name its authority with `ca`"
    }
}
