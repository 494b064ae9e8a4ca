internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

/// Has the director that runs on this host change something.
public struct ControlClient: Sendable {
    /// What is done to a server of a service.
    public enum Deed: String, CaseIterable, Sendable {
        /// Add it to the service.
        case add
        /// Give it another weight or port.
        case set
        /// Take it out of the service: packets of its connections are then dropped, or taken for new ones (`removed_connections`).
        case remove
        /// Give it no new connections; those it has go on.
        case drain
        /// End that.
        case undrain
    }

    /// The packet engine is asked to confirm each change, and does it between two batches of packets.
    private static let timeout = TimeAmount.seconds(30)
    private static let longestAnswer = 64 << 20

    private let runDirectory: String

    /// A client of the director with this `run_dir`. Nothing is connected yet.
    public init(runDirectory: String) {
        self.runDirectory = runDirectory
    }

    /// Does it, and returns once it is in force.
    ///
    /// - Throws: `DirectorError` where no director runs, its socket may not be used, or it refused; nothing was changed then.
    public func perform(_ deed: Deed, _ request: ServerRequest) async throws(DirectorError) -> ControlAnswer {
        let encoder = JSONEncoder()
        guard let body = try? encoder.encode(request) else { preconditionFailure("a request of text has no JSON form") }
        return try await post("/v1/servers/\(deed.rawValue)", Array(body))
    }

    /// Has the director read its file again.
    ///
    /// - Throws: `DirectorError` as above; with a file that is wrong, the configuration in force stays.
    public func reload() async throws(DirectorError) -> ControlAnswer {
        try await post("/v1/reload", [])
    }

    private func post(_ resource: String, _ body: [UInt8]) async throws(DirectorError) -> ControlAnswer {
        let path = ControlSocket.path(inRunDirectory: runDirectory)
        // Looked up first: a client that cannot connect tries on until its time is up.
        let occupant = ControlSocket.occupant(of: path)
        if occupant != .alive { throw StatusClient.diagnosis(occupant, of: path) }
        var request = HTTPClientRequest(url: "http+unix://\(path.percentEncoded)\(resource)")
        request.method = .POST
        request.headers.add(name: "Connection", value: "close")
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body)
        let (status, answer): (UInt, Data)
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
            status = response.status.code
            answer = Data(try await response.body.collect(upTo: Self.longestAnswer).readableBytesView)
        } catch {
            throw StatusClient.diagnosis(ControlSocket.occupant(of: path), of: path, error)
        }
        if status == 200, let result = try? JSONDecoder().decode(ControlAnswer.self, from: answer) { return result }
        let refusal = try? JSONDecoder().decode(ControlError.self, from: answer)
        throw DirectorError(
            operation: "have rsdirector do that", cause: refusal?.error ?? "it answered with status \(status)",
            cure: refusal == nil ? "use the rsdirector of the version that runs" : "")
    }
}
