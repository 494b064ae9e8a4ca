internal import Glibc
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Serves the status on one address or socket until graceful shutdown.
struct StatusServer: Sendable {
    /// A connection on which nothing is asked for so long is closed.
    private static let idleTimeout = TimeAmount.seconds(90)
    /// So many connections are open at most; others wait in the listener's backlog.
    private static let mostConnections = 128

    /// What is listened on, in words.
    let name: String
    let address: BindAddress
    let logger: Logger
    /// What is told.
    let routes: StatusRoutes
    /// What may be changed there; nil: nothing.
    var control: Control?
    /// Called once it listens.
    let whenListening: @Sendable () -> Void

    func run() async throws {
        let router = Router()
        routes.add(to: router)
        control?.addRoutes(to: router)
        let application = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: Self.idleTimeout)),
            configuration: ApplicationConfiguration(
                address: address, availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: { [whenListening] _ in whenListening() }, logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            let cure = error.errnoCode == EADDRNOTAVAIL ? "use an address this host has" : "set `status` to another"
            throw DirectorError(
                operation: "listen on \(name)", cause: String(cString: strerror(error.errnoCode)), cure: cure)
        }
    }
}
