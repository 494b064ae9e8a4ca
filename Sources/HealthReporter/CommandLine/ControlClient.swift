import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Talks to the agent on this host over its control socket.
public struct ControlClient: Sendable {
    /// The socket.
    public let path: String

    /// How long an answer may take. The agent answers from memory; only a change waits for the disk.
    static let timeout = TimeAmount.seconds(10)
    /// The longest answer that is read, in bytes.
    static let longestAnswer = 16 * 1_024 * 1_024

    /// One for the whole program, never shut down. A socket that nobody listens on is an answer: the client shared by
    /// everybody would try again for ten seconds.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: timeout), decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Where the agent's socket is in the configuration's `run_dir`.
    public static func socketPath(inRunDirectory directory: String) -> String {
        directory.hasSuffix("/") ? "\(directory)control.sock" : "\(directory)/control.sock"
    }

    /// A client of the agent whose socket is at `path`. Nothing is connected yet.
    public init(socket path: String) {
        self.path = path
    }

    /// The report as it is now.
    ///
    /// - Throws: `ReporterError`, as every call here: no agent runs, the socket may not be used, or the agent refused.
    public func report() async throws(ReporterError) -> Report {
        try await ask("GET", "/v1/report")
    }

    /// The report as soon as its generation is not `generation` any more, or when `wait` is over.
    ///
    /// - Parameter wait: in whole milliseconds, well below ten seconds, which is what an answer may take.
    public func report(since generation: UInt64, wait: Duration) async throws(ReporterError) -> Report {
        try await ask("GET", "/v1/report", query: "?since=\(generation)&wait=\(Int(wait.roundedMilliseconds))ms")
    }

    /// One service as it is now, its connections counted for this answer.
    public func service(_ name: String) async throws(ReporterError) -> Report.Service {
        try await ask("GET", "/v1/services/\(name)")
    }

    /// Who polls, and what is taken out by hand.
    public func directors() async throws(ReporterError) -> ControlAnswer {
        try await ask("GET", "/v1/directors")
    }

    /// Asks for no new connections to these services, all of them where none is named.
    ///
    /// - Parameter ttl: after which time it ends by itself, in whole seconds, at least one; nil: only by `undrain`.
    public func drain(_ services: [String], reason: String, ttl: Duration?) async throws(ReporterError)
        -> ControlAnswer
    {
        let request = ControlRequest(services: services, reason: reason, ttlSeconds: ttl?.components.seconds)
        return try await ask("POST", "/v1/drain", request)
    }

    /// Gives these services back to their checks, all of them where none is named.
    public func undrain(_ services: [String]) async throws(ReporterError) -> ControlAnswer {
        try await ask("POST", "/v1/undrain", ControlRequest(services: services))
    }

    /// Takes these services down until `undrain`, all of them where none is named.
    public func maint(_ services: [String], reason: String) async throws(ReporterError) -> ControlAnswer {
        try await ask("POST", "/v1/maint", ControlRequest(services: services, reason: reason))
    }

    /// Sets the weight of a service by hand: 0 to 65535. Nil gives it back to the load rules.
    public func weight(_ service: String, _ weight: Int?) async throws(ReporterError) -> ControlAnswer {
        try await ask("POST", "/v1/weight", WeightRequest(service: service, weight: weight))
    }

    /// Ends what is open to these services, all of which are drained; returns how many connections it was.
    public func cut(_ services: [String]) async throws(ReporterError) -> Int {
        let answer: CutAnswer = try await ask("POST", "/v1/cut", ControlRequest(services: services))
        return answer.connections
    }

    private func ask<Value: Decodable>(
        _ method: String, _ resource: String, query: String = "", _ body: (any Encodable)? = nil
    ) async throws(ReporterError) -> Value {
        let place = "\(Self.encoded(path))\(Self.encoded(resource, keeping: "/"))\(query)"
        var request = HTTPClientRequest(url: "http+unix://\(place)")
        request.method = HTTPMethod(rawValue: method)
        // By the next call the agent may have been restarted.
        request.headers.add(name: "Connection", value: "close")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(JSON.encode(body))
        }
        let (status, answer): (UInt, [UInt8])
        do {
            let response = try await Self.client.execute(request, timeout: Self.timeout)
            status = response.status.code
            answer = Array(try await response.body.collect(upTo: Self.longestAnswer).readableBytesView)
        } catch {
            throw diagnosis(of: error)
        }
        guard status == 200 else {
            let refusal = try? JSON.decode(RefusalBody.self, from: answer, operation: "")
            throw ReporterError(
                status == 409 ? .conflict : .refused, operation: "\(method) \(resource)",
                cause: refusal?.error ?? "the agent answered with status \(status)")
        }
        return try JSON.decode(Value.self, from: answer, operation: "read the agent's answer to \(resource)")
    }

    /// Why nothing came back: looked up at the socket itself, which tells more than the failed connection.
    private func diagnosis(of error: any Error) -> ReporterError {
        let operation = "talk to rsagent"
        return switch ControlSocket.occupant(of: path) {
        case .nobody:
            ReporterError(
                .notRunning, operation: operation, cause: "rsagent is not running (no \(path))",
                cure: "start it with `systemctl start rsagent` or `rsagent run`")
        case .stale:
            ReporterError(
                .notRunning, operation: operation, cause: "rsagent is not running (nobody listens on \(path))",
                cure: "start it with `systemctl start rsagent` or `rsagent run`")
        case .denied:
            ReporterError(
                .permission, operation: operation, cause: "this user may not use \(path)",
                cure: "root may, and members of the group \(ControlSocket.group)")
        case .other(let cause):
            ReporterError(.notRunning, operation: operation, cause: "\(path): \(cause)")
        case .live:
            ReporterError(.unreachable, operation: operation, cause: "no answer on \(path) (\(error))")
        }
    }

    /// Percent-encoded (RFC 3986, 2.1), so that a path can stand where a host does.
    static func encoded(_ text: String, keeping kept: String = "") -> String {
        let hexadecimal = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            let scalar = Unicode.Scalar(byte)
            if scalar.isASCII,
                scalar.properties.isAlphabetic || ("0"..."9").contains(Character(scalar))
                    || "-._~".contains(Character(scalar)) || kept.contains(Character(scalar))
            {
                result.append(Character(scalar))
            } else {
                result.append("%")
                result.append(hexadecimal[Int(byte >> 4)])
                result.append(hexadecimal[Int(byte & 15)])
            }
        }
    }
}
