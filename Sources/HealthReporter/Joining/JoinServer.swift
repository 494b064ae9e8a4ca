package import ConfigurationFile
import HummingbirdCore
package import Logging
import NIOCore
package import NetworkAddress

/// A director's ear for servers that join by themselves: one address, nothing else on it, and the guard that the agents' reports
/// have.
package struct JoinServer: Sendable {
    /// What joins and leaves come to; `caller` is the address they come from.
    package struct Desk: Sendable {
        package typealias Answer = Result<JoinAnswer, JoinRefusal>

        /// Takes a server in, or renews its lease.
        package let join: @Sendable (_ request: JoinRequest, _ caller: IPAddress) async -> Answer
        /// Lets it go; what it was a server of is in the answer. Nil: it goes by the address it comes from.
        package let leave: @Sendable (_ address: IPAddress?, _ caller: IPAddress) async -> Answer

        /// A desk that does this.
        package init(
            join: @escaping @Sendable (_ request: JoinRequest, _ caller: IPAddress) async -> Answer,
            leave: @escaping @Sendable (_ address: IPAddress?, _ caller: IPAddress) async -> Answer
        ) {
            self.join = join
            self.leave = leave
        }
    }

    private let listen: ConfigurationFile.SocketAddress
    private let gate: Gate
    private let logger: Logger
    private let whenListening: @Sendable (UInt16) -> Void

    /// Reads the token and the certificates, without listening yet.
    ///
    /// - Parameters:
    ///   - listen: where; port 0 lets the kernel pick one.
    ///   - whenListening: called with the port once it listens.
    /// - Throws: `ReporterError` that names the file that cannot be used.
    package init(
        listen: ConfigurationFile.SocketAddress, token: AgentConfiguration.ReportAdmission.Token,
        tls: AgentConfiguration.ReportAdmission.TLS?, logger: Logger,
        whenListening: @escaping @Sendable (UInt16) -> Void = { _ in }
    ) throws(ReporterError) {
        self.listen = listen
        self.logger = logger
        self.whenListening = whenListening
        // Where a server comes from says nothing before its token: it may be any that is being installed.
        gate = try Gate(
            .init(callers: .anyone, token: token, tls: tls), directors: [], section: "[join]", logger: logger)
    }

    /// Listens and answers until graceful shutdown.
    ///
    /// - Throws: `ReporterError` where the address cannot be listened on.
    package func run(for desk: Desk) async throws {
        var quiet = logger
        // What ends it is thrown, and told once, in our words.
        quiet.logLevel = .critical
        try await Server(
            name: "\(listen)", key: "`listen` in [join]",
            address: .hostname("\(listen.address)", port: Int(listen.port)),
            responder: JoinResponder(desk: desk, gate: gate), gate: gate, logger: quiet
        ) { [whenListening] channel in
            whenListening(channel.localAddress?.port.flatMap(UInt16.init(exactly:)) ?? 0)
        }.run()
    }
}
