import ConfigurationFile
import Logging
import NIOSSL
import Synchronization

/// The server's half of TLS, from files that are read again when they change: a new certificate takes effect with the next
/// connection, and one that is no good does not.
final class ServerTLS: Sendable {
    private struct State {
        var context: NIOSSLContext
        var files: WatchedFiles
    }

    private let configuration: AgentConfiguration.ReportAdmission.TLS
    private let state: Mutex<State>
    private let logger: Logger

    /// - Throws: `ReporterError` that names the file that cannot be used.
    init(_ configuration: AgentConfiguration.ReportAdmission.TLS, logger: Logger) throws(ReporterError) {
        self.configuration = configuration
        self.logger = logger
        let files = WatchedFiles(
            [configuration.certificate, configuration.key] + (configuration.clientAuthority.map { [$0] } ?? []))
        state = Mutex(State(context: try Self.load(configuration), files: files))
    }

    /// For the next connection. While one of several files has been replaced and the others not yet, the old ones are used: a
    /// certificate without its key is none.
    func context(at now: WatchedFiles.Instant = .now) -> NIOSSLContext {
        state.withLock { state in
            guard state.files.haveChanged(at: now) else { return state.context }
            do throws(ReporterError) {
                state.context = try Self.load(configuration)
                logger.notice("\(configuration.certificate) was read again")
            } catch {
                logger.error("\(error); what was read before goes on to be used")
            }
            return state.context
        }
    }

    private static func load(_ files: AgentConfiguration.ReportAdmission.TLS) throws(ReporterError) -> NIOSSLContext {
        let chain = try TLSFile.certificates(files.certificate, called: "the certificate")
        let key = try TLSFile.key(files.key)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        if let authority = files.clientAuthority {
            tls.trustRoots = .certificates(try TLSFile.certificates(authority, called: "the callers' authority"))
            // What the certificate says of its host is for the caller to know: that it is of the authority is enough.
            tls.certificateVerification = .noHostnameVerification
        }
        return try TLSFile.context(tls, certificate: files.certificate, key: files.key)
    }
}

/// PEM files, with errors that name them.
enum TLSFile {
    /// The longest file, in bytes.
    private static let longest = 1 << 20

    static func certificates(_ path: String, called what: String) throws(ReporterError) -> [NIOSSLCertificate] {
        let bytes = try WatchedFiles.read(path, upTo: longest, called: what)
        let certificates = (try? NIOSSLCertificate.fromPEMBytes(bytes)) ?? []
        guard !certificates.isEmpty else {
            throw ReporterError(
                .malformed, operation: "read \(what) \(path)", cause: "there is no certificate in PEM in it")
        }
        return certificates
    }

    static func key(_ path: String) throws(ReporterError) -> NIOSSLPrivateKey {
        let bytes = try WatchedFiles.read(path, upTo: longest, called: "the private key")
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw ReporterError(
                .malformed, operation: "read the private key \(path)",
                cause: "there is no private key in PEM in it, or it wants a passphrase")
        }
    }

    static func context(
        _ tls: TLSConfiguration, certificate: String, key: String
    ) throws(ReporterError) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: tls)
        } catch {
            throw ReporterError(
                .malformed, operation: "use the certificate \(certificate) with the key \(key)", cause: "\(error)",
                cure: "see that they belong together")
        }
    }
}
