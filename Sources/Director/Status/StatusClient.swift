internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// Asks the director that runs on this host for its status.
public struct StatusClient: Sendable {
    private static let timeout = TimeAmount.seconds(10)
    private static let longestAnswer = 64 << 20

    private let path: String

    /// A client of the director with this `run_dir`. Nothing is connected yet.
    public init(runDirectory: String) {
        path = ControlSocket.path(inRunDirectory: runDirectory)
    }

    /// The status as it is now.
    ///
    /// - Throws: `DirectorError` where no director runs, or its socket may not be used.
    public func status() async throws(DirectorError) -> StatusSnapshot {
        try StatusSnapshot(json: await get("v1/status"))
    }

    /// What the flow tables hold.
    ///
    /// - Throws: `DirectorError` where no director runs, or its socket may not be used.
    public func connections(_ question: ConnectionQuestion = ConnectionQuestion()) async throws(DirectorError)
        -> ConnectionList
    {
        let query = "limit=\(question.limit)&order=\(question.order.rawValue)"
        return try ConnectionList(json: await get("v1/connections?\(query)"))
    }

    private func get(_ target: String) async throws(DirectorError) -> [UInt8] {
        // Looked up first: a client that cannot connect tries on until its time is up.
        let occupant = ControlSocket.occupant(of: path)
        if occupant != .alive { throw Self.diagnosis(occupant, of: path) }
        // A connection that is not kept needs no client that is shut down in time.
        var request = HTTPClientRequest(url: "http+unix://\(path.percentEncoded)/\(target)")
        request.headers.add(name: "Connection", value: "close")
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
            guard response.status == .ok else { throw UnexpectedAnswer(status: response.status.code) }
            return Array(try await response.body.collect(upTo: Self.longestAnswer).readableBytesView)
        } catch {
            throw Self.diagnosis(ControlSocket.occupant(of: path), of: path, error)
        }
    }

    /// Why nothing came back: the socket itself tells more than the failed connection.
    static func diagnosis(
        _ occupant: ControlSocket.Occupant, of path: String, _ error: (any Error)? = nil
    ) -> DirectorError {
        let operation = "talk to rsdirector"
        let cure = "start it with `systemctl start rsdirector` or `rsdirector run`"
        return switch occupant {
        case .nobody: DirectorError(operation: operation, cause: "it is not running (no \(path))", cure: cure)
        case .dead:
            DirectorError(operation: operation, cause: "it is not running (nobody listens on \(path))", cure: cure)
        case .alive:
            DirectorError(operation: operation, cause: "no answer on \(path)" + (error.map { ": \($0)" } ?? ""))
        case .other(let cause): DirectorError(operation: operation, cause: cause, cure: "root may use \(path)")
        }
    }
}

/// An answer that is none to the question.
private struct UnexpectedAnswer: Error, CustomStringConvertible {
    let status: UInt

    var description: String { "status \(status); use the rsdirector of the version that runs" }
}
