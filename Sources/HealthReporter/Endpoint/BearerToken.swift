import ConfigurationFile
import Logging
import Synchronization

/// The secret callers show as `Authorization: Bearer TOKEN` (RFC 6750, 2.1).
final class BearerToken: Sendable {
    /// The shortest token, in characters: what is shorter can be guessed.
    static let shortest = 16
    /// The longest token file, in bytes.
    private static let longestFile = 4_096

    private struct State {
        var token: [UInt8]
        var files: WatchedFiles?
    }

    private let state: Mutex<State>
    private let logger: Logger

    /// - Throws: `ReporterError` where the file cannot be read, or holds no token.
    init(_ token: AgentConfiguration.ReportAdmission.Token, logger: Logger) throws(ReporterError) {
        self.logger = logger
        switch token {
        case .text(let text): state = Mutex(State(token: Array(text.utf8)))
        case .file(let path):
            let files = WatchedFiles([path])
            state = Mutex(State(token: try Self.read(path), files: files))
        }
    }

    /// Whether `authorization`, the header's value, shows the token; the file is read again if it has changed.
    func admits(_ authorization: String?, at now: WatchedFiles.Instant = .now) -> Bool {
        let token = current(at: now)
        guard let authorization else { return false }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return Self.areEqual(Array(parts[1].utf8.drop { $0 == UInt8(ascii: " ") }), token)
    }

    /// Compares in a time that depends on the shown text alone, so that it cannot be found out byte by byte.
    static func areEqual(_ shown: [UInt8], _ token: [UInt8]) -> Bool {
        var difference = shown.count ^ token.count
        for index in shown.indices {
            difference |= Int(shown[index] ^ (token.isEmpty ? 0 : token[index % token.count]))
        }
        return difference == 0
    }

    private func current(at now: WatchedFiles.Instant) -> [UInt8] {
        state.withLock { state in
            guard state.files?.haveChanged(at: now) == true, let path = state.files?.paths.first else {
                return state.token
            }
            do throws(ReporterError) {
                state.token = try Self.read(path)
                logger.notice("the token in \(path) is another one now")
            } catch {
                logger.error("\(error); the token from before goes on to be asked for")
            }
            return state.token
        }
    }

    /// The first line of a file.
    static func read(_ path: String) throws(ReporterError) -> [UInt8] {
        let content = try WatchedFiles.read(path, upTo: longestFile, called: "the token file")
        let line = Array(content.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
        guard line.count >= shortest, line.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ReporterError(
                .malformed, operation: "read the token file \(path)",
                cause: "its first line is not \(shortest) printable characters or more without spaces",
                cure: "write one, such as `openssl rand -hex 32` prints")
        }
        return line
    }
}
