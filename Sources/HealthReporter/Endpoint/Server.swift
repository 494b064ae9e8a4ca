import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One address or socket that is listened on, until graceful shutdown.
struct Server<Answering: HTTPResponder>: Service
where Answering.Context: InitializableFromSource<ApplicationRequestContextSource> {
    /// A connection on which nothing is asked for so long is closed; over TCP see `RequestPace`.
    private static var idleTimeout: TimeAmount { .seconds(90) }
    /// So many connections are open on the control socket at most; others wait in the listener's backlog. Over TCP see
    /// `ConnectionTable`. Both keep descriptors free for all else that the agent does.
    private static var mostConnections: Int { 512 }

    /// What is listened on, in words.
    let name: String
    /// What sets it, in words.
    var key = "`listen` in [report]"
    let address: BindAddress
    let responder: Answering
    /// What guards it; nil on the control socket, which the file's mode guards.
    let gate: Gate?
    let logger: Logger
    /// Called once it listens.
    let whenListening: @Sendable (any Channel) async -> Void

    func run() async throws {
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { respond in
                let configuration = HTTP1Channel.Configuration(
                    additionalChannelHandlers: [HangUpWatch()], idleTimeout: gate == nil ? Self.idleTimeout : nil)
                return GuardedChannel(base: HTTP1Channel(responder: respond, configuration: configuration), gate: gate)
            },
            configuration: ApplicationConfiguration(
                address: address,
                availableConnectionsDelegate: gate == nil ? MaximumAvailableConnections(Self.mostConnections) : nil),
            onServerRunning: { [logger, whenListening] listener in
                try? await listener.pipeline.addHandler(AcceptErrors(logger: logger), position: .first)
                if let registry = gate?.registry {
                    try? await listener.eventLoop.submit {
                        try listener.pipeline.syncOperations.addHandler(AcceptPace(registry), position: .first)
                    }.get()
                }
                await whenListening(listener)
            },
            logger: logger)
        do {
            try await application.run()
        } catch is UnixDomainSocketPathWrongType {
            throw ReporterError(
                .listen, operation: "listen on \(name)", cause: "what is there is not a socket", cure: "remove it")
        } catch let error as IOError {
            throw ReporterError(listening: name, error, key: key)
        }
    }
}

extension ReporterError {
    /// Why an address could not be listened on; `key` is what sets it.
    init(listening name: String, _ error: IOError, key: String) {
        self.init(
            .listen, operation: "listen on \(name)", cause: String(cString: strerror(error.errnoCode)),
            cure: error.errnoCode == EADDRINUSE
                ? "see who does with `ss -ltnp`, or set another \(key)"
                : error.errnoCode == EADDRNOTAVAIL ? "the host does not have that address" : "")
    }
}
