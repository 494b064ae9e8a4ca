import ConfigurationFile
import Glibc
import Logging
import NetworkAddress
import Synchronization
import Testing

@testable import HealthReporter

/// A folder of its own for each test, removed with everything in it at the end.
final class Folder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/health-reporter-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                unlink("\(path)/\(name)")
            }
            closedir(directory)
        }
        rmdir(path)
    }

    func file(_ name: String) -> StateFile { StateFile(name, in: path) }

    func write(_ text: String, to name: String) throws {
        try file(name).write(Array(text.utf8))
    }

    /// Makes writing to `name` fail as on a full disk: what is written beside it first goes to /dev/full.
    func fillDisk(for name: String) {
        #expect(symlink("/dev/full", "\(path)/\(name).new") == 0)
    }

    /// Makes every attempt to write to `name` fail until `unblock`: a folder is in the way of what is written beside it.
    func block(_ name: String) {
        #expect(mkdir("\(path)/\(name).new", 0o700) == 0)
    }

    func unblock(_ name: String) {
        #expect(rmdir("\(path)/\(name).new") == 0)
    }

    func emptyDisk(for name: String) {
        unlink("\(path)/\(name).new")
    }
}

/// Waits until `condition` holds; a test fails where it does not within the deadline.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
}

/// A value several tasks change.
final class Box<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }

    func change(_ body: (inout sending Value) -> Void) { mutex.withLock { body(&$0) } }
}

let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
let somebody = HealthReporter.Identity(agent: "rsagent 0.1.0", host: "rs1", boot: "b007")
let noon = Timestamp("2026-11-22T12:00:00Z")!

func address(_ text: String) -> IPAddress { IPAddress(text)! }

func makeService(
    _ name: String = "web", vip: String = "127.0.0.1", port: UInt16 = 80, checks: [AgentConfiguration.Check] = []
) -> AgentConfiguration.Service {
    AgentConfiguration.Service(name: name, vips: [address(vip)], ports: [port], checks: checks)
}

/// A service whose director translates addresses, so that its packets end on this host's own.
func makeTranslatedService(
    _ name: String = "web", vips: [String] = ["192.0.2.10"], ports: [UInt16] = [80], realPort: UInt16? = nil,
    checks: [AgentConfiguration.Check] = []
) -> AgentConfiguration.Service {
    AgentConfiguration.Service(
        name: name, vips: vips.map(address), ports: ports, forward: .nat, realPort: realPort, checks: checks)
}

func makeTargets(of service: AgentConfiguration.Service, ownAddresses: [String] = []) throws -> [CheckTarget] {
    try CheckTarget.all(of: service, at: LocalEndpoints(of: service, ownAddresses: ownAddresses.map(address)))
}

func makeCounter(
    _ services: [AgentConfiguration.Service], ownAddresses: [String] = [],
    count: @escaping @Sendable (LocalEndpoints) throws -> Int
) throws -> ConnectionCounter {
    let counted = try services.map { service in
        ConnectionCounter.Counted(
            name: service.name, endpoints: try LocalEndpoints(of: service, ownAddresses: ownAddresses.map(address)))
    }
    return ConnectionCounter(services: counted, failures: FailureLog(silent)) { try $0.map(count) }
}

func makeConfiguration(
    in folder: Folder, directors: [String] = [], services: [AgentConfiguration.Service] = [makeService()]
) -> AgentConfiguration {
    AgentConfiguration(
        directors: directors.map(address), runDirectory: folder.path, stateDirectory: folder.path, services: services)
}

func makeStore(
    in folder: Folder, directors: [String] = [], services: [AgentConfiguration.Service] = [makeService()],
    now: Timestamp = noon, instant: DirectorPresence.Instant = .now, logger: Logger = silent,
    onDirectors: (@Sendable ([IPAddress]) -> Void)? = nil
) throws -> ReportStore {
    try ReportStore(
        configuration: makeConfiguration(in: folder, directors: directors, services: services), identity: somebody,
        onDirectors: onDirectors, logger: logger, now: now, instant: instant)
}

func outcome(_ ok: Bool, _ message: String? = nil) -> CheckOutcome {
    CheckOutcome(ok: ok, message: message ?? (ok ? "200" : "connection refused"), latency: .milliseconds(1))
}
