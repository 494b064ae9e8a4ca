internal import Lab
internal import ServiceLifecycle

@testable internal import Director

extension StatusServer {
    private struct Running: Service {
        let server: StatusServer

        func run() async throws { try await server.run() }
    }

    /// Runs the server while `body` does, and ends it as the director's end does: gracefully. (To cancel it while a connection
    /// comes in is fatal in NIO.)
    func running<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: Running(server: self), successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await services.run()
                return nil
            }
            group.addTask {
                do {
                    let result = try await body()
                    await services.triggerGracefulShutdown()
                    return result
                } catch {
                    await services.triggerGracefulShutdown()
                    throw error
                }
            }
            var outcome: Result?
            while let result = try await group.next() { outcome = outcome ?? result }
            guard let outcome else { throw LabError("the server ended") }
            return outcome
        }
    }
}
