import ConfigurationFile
import Logging
import NIOPosix

/// Counts connections without holding up anybody: what counts may block, so it runs on a thread made for that.
struct ConnectionCounter: Sendable {
    /// A service whose connections are counted.
    struct Counted: Sendable {
        let name: String
        let endpoints: LocalEndpoints
    }

    let services: [Counted]
    let logger: Logger
    let count: @Sendable (LocalEndpoints) throws -> Int
    /// What a drain needs beside the count; nil: it does without.
    var tools: DrainTools?

    /// How many are open now.
    ///
    /// - Throws: what counting failed with, or `ReporterError` where the service has all ports of this host's own addresses:
    ///   the host's other connections would be counted with its own, and a drain would never end.
    func connections(of service: Counted) async throws -> Int {
        try service.requireOwnConnections()
        return try await NIOThreadPool.singleton.runIfActive { try count(service.endpoints) }
    }

    /// Ends those that are open to the service of that name, and returns how many it ended.
    ///
    /// - Throws: `ReporterError` where they cannot be told from others, or the kernel refuses.
    func cut(_ name: String) async throws(ReporterError) -> Int {
        guard let service = services.first(where: { $0.name == name }) else { return 0 }
        try service.requireOwnConnections()
        let operation = "end the connections of \(name)"
        guard let tools else {
            throw ReporterError(.configuration, operation: operation, cause: "nothing here can")
        }
        do {
            return try await NIOThreadPool.singleton.runIfActive { try tools.cut(service.endpoints) }
        } catch {
            throw ReporterError(
                .configuration, operation: operation, cause: "\(error)",
                cure: "stop the service itself, which ends them too")
        }
    }

    /// How many are open now; nil where they could not be counted, which is logged, or no service has that name.
    func connections(of name: String) async -> Int? {
        guard let service = services.first(where: { $0.name == name }) else { return nil }
        do {
            return try await connections(of: service)
        } catch {
            logger.warning("cannot count the connections of \(name): \(error)")
            return nil
        }
    }

    /// Counts again and again, at most once in `interval`, until the task is cancelled. A failure is logged when it
    /// begins, not each time.
    func run(every interval: Duration, record: @Sendable (String, Int?) async -> Void) async {
        var failing: Set<String> = []
        while !Task.isCancelled {
            for service in services {
                do {
                    await record(service.name, try await connections(of: service))
                    failing.remove(service.name)
                } catch {
                    if Task.isCancelled { return }
                    await record(service.name, nil)
                    if failing.insert(service.name).inserted {
                        logger.warning("cannot count the connections of \(service.name): \(error)")
                    }
                }
            }
            try? await Task.sleep(for: interval)
        }
    }
}

extension ConnectionCounter.Counted {
    /// Whether the service's connections can be told from the host's others.
    var hasOwnConnections: Bool { endpoints.isExclusive || !endpoints.ports.isEmpty }

    fileprivate func requireOwnConnections() throws(ReporterError) {
        guard hasOwnConnections else {
            throw ReporterError(
                .configuration, operation: "tell its connections from others",
                cause: "it has all ports of this host's own address",
                cure: "write a service of its own for each port")
        }
    }
}
