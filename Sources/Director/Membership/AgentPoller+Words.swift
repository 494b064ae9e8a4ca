internal import AsyncHTTPClient
internal import Glibc
internal import HealthReporter
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

// Why a poll brought nothing, in an operator's words: the same words for the same cause, or each poll would be news.
extension AgentPoller {
    /// An answer that is no report.
    ///
    /// - Parameter showsToken: whether a token was sent.
    static func refusal(_ status: UInt, _ body: [UInt8], showsToken: Bool) -> String {
        let said = AgentWords.refusal(in: body)
        switch status {
        case 401 where showsToken: return "it refuses this director: wrong token"
        case 401: return "it refuses this director: it asks for a token, and none is configured here; set `token_file`"
        case 403: return "it refuses this director: \(said ?? "this director's address is not in its `directors`")"
        default: return "it answers with status \(status)" + (said.map { ": \($0)" } ?? "")
        }
    }

    /// An error of the connection.
    func words(_ error: any Error) async -> String {
        if let refused = error as? NIOConnectionError {
            if let failure = refused.connectionErrors.first { return await words(failure.error) }
            return "no address for \(refused.host)"
        }
        if isOverTLS, let words = await AgentWords.tls(error, with: agent) { return words }
        if let failure = error as? IOError { return String(cString: strerror(failure.errnoCode)) }
        if error is HTTPParserError { return "what answers there does not speak HTTP" }
        switch error as? HTTPClientError {
        case .connectTimeout: return "no connection within \(Self.connectTimeout.nanoseconds / 1_000_000_000) s"
        case .deadlineExceeded, .readTimeout: return "no answer in time"
        case .remoteConnectionClosed: return "it closed the connection"
        default: return "\(error)"
        }
    }
}
