import ConfigurationFile
import Logging
import NIOPosix

/// Counts connections without holding up anybody: what counts may block, so it runs on a thread made for that.
struct ConnectionCounter: Sendable {
    /// A service whose connections are counted: of TCP, for UDP has none.
    struct Counted: Sendable {
        let name: String
        let endpoints: LocalEndpoints

        /// Why its connections cannot be told from others; nil where they can. With all ports of this host's own addresses
        /// the host's other connections would be counted with its own, and a drain would never end.
        var obstacle: ReporterError? {
            guard !endpoints.isExclusive, endpoints.ports.isEmpty else { return nil }
            return ReporterError(
                .configuration, operation: "tell its connections from others",
                cause: "it has all ports of this host's own address",
                cure: "write a service of its own for each port")
        }
    }

    let services: [Counted]
    /// What counting failed with.
    let failures: FailureLog
    /// The count for each, in their order, of one look at the host's connections.
    var count: @Sendable ([LocalEndpoints]) throws -> [Int]
    /// What a drain needs beside the count; nil: it does without.
    var tools: DrainTools?

    /// How many are open now.
    ///
    /// - Throws: what counting failed with, or `ReporterError` where they cannot be told from others.
    func connections(of service: Counted) async throws -> Int {
        try await connections(of: [service])[0].get()
    }

    /// Ends those that are open to the service of that name, and returns how many it ended.
    ///
    /// - Throws: `ReporterError` where they cannot be told from others, or the kernel refuses.
    func cut(_ name: String) async throws(ReporterError) -> Int {
        guard let service = services.first(where: { $0.name == name }) else { return 0 }
        if let obstacle = service.obstacle { throw obstacle }
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
        return note(await connections(of: [service])[0], of: name)
    }

    /// How many are open now to each of these, in their order: one look at the host's connections for all of them.
    func connections(of services: [Counted]) async -> [Result<Int, any Error>] {
        let countable = services.filter { $0.obstacle == nil }
        var counts: [String: Result<Int, any Error>] = [:]
        if !countable.isEmpty {
            do {
                let found = try await NIOThreadPool.singleton.runIfActive { try count(countable.map(\.endpoints)) }
                for (service, count) in zip(countable, found) { counts[service.name] = .success(count) }
            } catch {
                for service in countable { counts[service.name] = .failure(error) }
            }
        }
        return services.map { service in service.obstacle.map { .failure($0) } ?? counts[service.name]! }
    }

    /// Counts again and again, at most once in `interval`, until the task is cancelled.
    func run(every interval: Duration, record: @Sendable ([String: Int?]) async -> Void) async {
        while !Task.isCancelled {
            let outcomes = await connections(of: services)
            if Task.isCancelled { return }
            var counts: [String: Int?] = [:]
            for (service, outcome) in zip(services, outcomes) {
                counts[service.name] = .some(note(outcome, of: service.name))
            }
            await record(counts)
            try? await EventLoopExecutor.shared.loop.sleep(for: interval)
        }
    }

    /// The count, or nil where there is none, which is logged.
    private func note(_ outcome: Result<Int, any Error>, of name: String) -> Int? {
        switch outcome {
        case .success(let count):
            failures.succeeded(name)
            return count
        case .failure(let error):
            failures.failed(name, "cannot count the connections of \(name): \(error)")
            return nil
        }
    }
}
