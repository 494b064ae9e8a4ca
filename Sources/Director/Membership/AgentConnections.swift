internal import AsyncHTTPClient
internal import ConfigurationFile
internal import HealthReporter
internal import Logging
internal import Synchronization

/// What all that poll agents share: the connections, and what agents are shown, which is read once for all that show the same.
final class AgentConnections: Sendable {
    /// Asks. How TLS is spoken comes with each request: a certificate that changed takes effect with the next one, on a
    /// connection of its own, and no other agent's connection ends for it.
    let client: HTTPClient
    private let credentials = Mutex<[DirectorConfiguration.AgentAccess: AgentCredentials]>([:])
    private let logger: Logger

    /// Connects to nobody yet. To be shut down.
    init(logger: Logger) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: AgentPoller.connectTimeout),
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        // A refusal is an answer: it is counted, not retried behind our back.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.logger = logger
    }

    /// What agents with this access are shown.
    func credentials(_ access: DirectorConfiguration.AgentAccess) -> AgentCredentials {
        credentials.withLock { known in
            if let found = known[access] { return found }
            let made = AgentCredentials(access, logger: logger)
            known[access] = made
            return made
        }
    }

    /// Ends all connections; nothing may be asked any more.
    func shutdown() async { try? await client.shutdown() }
}
