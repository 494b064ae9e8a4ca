import ConfigurationFile
import Glibc
import Logging
import NIOCore
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

/// An agent on loopback whose guard a test looks at.
struct GuardedAgent {
    let reporter: HealthReporter
    let port: UInt16
    let log: Box<[String]>
    private let folder = Folder()
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    init(
        admission: AgentConfiguration.ReportAdmission = .init(), directors: [String] = ["127.0.0.7"],
        services: [AgentConfiguration.Service] = [makeService()]
    ) async throws {
        let log = Box<[String]>([])
        self.log = log
        var configuration = makeConfiguration(in: folder, directors: directors, services: services)
        configuration.reportAdmission = admission
        reporter = try HealthReporter(
            configuration: configuration,
            // Every address of this host: what is not loopback's is a stranger's.
            listen: [ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: 0)], identity: somebody,
            countConnections: { $0.map { _ in 0 } }, logger: Logger(label: "test") { _ in CapturingLog(lines: log) })
        group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
        let group = group
        task = Task.detached { try await group.run() }
        port = try #require(try await reporter.waitUntilListening().first).port
        await reporter.report(setupProblems: [:])
    }

    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
    }
}

/// A plain TCP caller from an address of the test's choice, that blocks no longer than it is told to.
final class Caller127: Sendable {
    private let descriptor: CInt

    /// Connects from `source`; nil where it is refused.
    init(to port: UInt16, from source: String = "127.0.0.1") throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0, "a socket: \(String(cString: strerror(errno)))")
        let own = try NIOCore.SocketAddress(ipAddress: source, port: 0)
        // The port is picked with the connection: else 28,000 sockets would be all there are.
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_IP), 24, &on, socklen_t(MemoryLayout<CInt>.size))
        let bound = own.withSockAddr { bind(descriptor, $0, socklen_t($1)) }
        try #require(bound == 0, "\(source): \(String(cString: strerror(errno)))")
        let other = try NIOCore.SocketAddress(ipAddress: "127.0.0.1", port: Int(port))
        let connected = other.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
        try #require(connected == 0, "\(source) connects: \(String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL))
    }

    /// What comes until the other end closes, or `seconds` have passed without anything; nil then.
    func rest(within seconds: Int = 20) async -> String? {
        // On a thread of its own: what follows an actor's answer may run on the event loop that gave it, which must not block.
        await withCheckedContinuation { continuation in
            let reader = Reader { continuation.resume(returning: self.read(within: seconds)) }
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                {
                    Unmanaged<Reader>.fromOpaque($0!).takeRetainedValue().body(); return nil
                },
                Unmanaged.passRetained(reader).toOpaque())
            precondition(code == 0)
            pthread_detach(thread)
        }
    }

    private final class Reader: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private func read(within seconds: Int) -> String? {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &part, part.count, 0)
            if count < 0 { return errno == ECONNRESET ? String(decoding: all, as: UTF8.self) : nil }
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            all += part[..<count]
        }
    }

    /// Whether the other end has closed, without waiting.
    var isClosed: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, CInt(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || count < 0 && errno != EAGAIN
    }
}

/// A request as bytes; the server closes after it.
func request(_ path: String, _ headers: String...) -> String {
    "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers.map { "\($0)\r\n" }.joined() + "\r\n"
}

/// Runs a line in a shell; its status and what it wrote.
func shell(_ line: String) throws -> (status: CInt, output: String) {
    let pipe = try #require(popen("(\(line)) 2>&1", "r"))
    var output: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&part, 1, part.count, pipe), count > 0 { output += part[..<count] }
    return (pclose(pipe) >> 8 & 0xFF, String(decoding: output, as: UTF8.self))
}
