import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One address or socket that is listened on, until graceful shutdown.
struct Server: Service {
    /// A connection on which nothing is asked for so long is closed.
    static let idleTimeout = TimeAmount.seconds(90)
    /// So many connections are open at most; others wait in the listener's backlog. It keeps descriptors free for all else
    /// that the agent does.
    static let mostConnections = 512

    /// What is listened on, in words.
    let name: String
    let address: BindAddress
    let responder: Responder
    let logger: Logger
    /// Called once it listens.
    let whenListening: @Sendable (any Channel) async -> Void

    func run() async throws {
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionPersistence.Installer(), HangUpWatch()],
                    idleTimeout: Self.idleTimeout)),
            configuration: ApplicationConfiguration(
                address: address, availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: whenListening,
            logger: logger)
        do {
            try await application.run()
        } catch is UnixDomainSocketPathWrongType {
            throw ReporterError(
                .listen, operation: "listen on \(name)", cause: "what is there is not a socket", cure: "remove it")
        } catch let error as IOError {
            throw ReporterError(
                .listen, operation: "listen on \(name)", cause: String(cString: strerror(error.errnoCode)),
                cure: error.errnoCode == EADDRINUSE
                    ? "see who does with `ss -ltnp`, or set another `listen` in [report]"
                    : error.errnoCode == EADDRNOTAVAIL ? "the host does not have that address" : "")
        }
    }
}
