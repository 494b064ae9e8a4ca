package import ConfigurationFile
package import Logging
package import NIOSSL
import Synchronization

/// What a director shows agents, and whom it trusts to vouch for them, from files that are read again when they change.
///
/// A file that is no good when it is first needed is an error until it is good; one that becomes no good later is logged, and
/// what was read before goes on to be used.
package final class AgentCredentials: Sendable {
    /// What the files hold.
    package struct Content: Sendable {
        /// The value of `Authorization`; nil: it is not sent.
        package var authorization: String?
        /// For agents over TLS: who vouches for them, and the director's own certificate.
        package var tls: TLSConfiguration
    }

    private struct State {
        var content: Result<Content, ReporterError>
        var files: WatchedFiles
    }

    private let access: DirectorConfiguration.AgentAccess
    /// Who is asked, in the words of the log.
    private let asked: String
    private let state: Mutex<State>
    private let logger: Logger

    /// Reads the files for the first time. `asked`: who is shown it, in the words of the log.
    package init(_ access: DirectorConfiguration.AgentAccess, asking asked: String = "agents", logger: Logger) {
        self.asked = asked
        self.access = access
        self.logger = logger
        // Before they are read, so that a change in between is seen.
        let files = WatchedFiles(Self.paths(of: access))
        state = Mutex(State(content: Result { () throws(ReporterError) in try Self.read(access) }, files: files))
    }

    /// What to show now. The files are looked at once a second at most.
    ///
    /// - Throws: `ReporterError` that names the file that cannot be used.
    package func current() throws(ReporterError) -> Content { try current(at: .now) }

    func current(at now: WatchedFiles.Instant) throws(ReporterError) -> Content {
        try state.withLock { state in
            // What failed is tried again even so: who may read a file changes without the file.
            let hasFailed = if case .failure = state.content { true } else { false }
            guard state.files.haveChanged(at: now) || hasFailed else { return state.content }
            do throws(ReporterError) {
                state.content = .success(try Self.read(access))
                logger.notice("\(state.files.paths.joined(separator: ", ")): read again, for \(asked)")
            } catch {
                if hasFailed {
                    state.content = .failure(error)
                } else {
                    logger.error("\(error); what was read before goes on to be used")
                }
            }
            return state.content
        }.get()
    }

    private static func paths(of access: DirectorConfiguration.AgentAccess) -> [String] {
        var token: String?
        if case .file(let path) = access.token { token = path }
        return [token, access.authority, access.certificate?.file, access.certificate?.key].compactMap(\.self)
    }

    private static func read(_ access: DirectorConfiguration.AgentAccess) throws(ReporterError) -> Content {
        let token: String? =
            switch access.token {
            case .text(let text): text
            case .file(let path): String(decoding: try BearerToken.read(path), as: UTF8.self)
            case nil: nil
            }
        let tls = AgentClient.TLS(
            authority: access.authority, certificate: access.certificate?.file, key: access.certificate?.key)
        return Content(
            authorization: token.map { "Bearer \($0)" }, tls: try AgentClient.configuration(of: tls))
    }
}
