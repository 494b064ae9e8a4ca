internal import ConfigurationFile
internal import HealthReporter
internal import Logging
internal import NetworkAddress
internal import Synchronization

/// Where joins come in: puts them before the board, and tells of those that were refused.
final class JoinDesk: Sendable {
    let board: MembershipBoard
    let look: MembershipBoard.Look
    /// The program and its version.
    let program: String
    let logger: Logger
    /// An agent that is refused asks again and again: who reads the log has seen it.
    private let told = Mutex(Sparing(interval: .seconds(60)))

    init(board: MembershipBoard, look: @escaping MembershipBoard.Look, program: String, logger: Logger) {
        self.board = board
        self.look = look
        self.program = program
        self.logger = logger
    }

    /// For the server that listens.
    var desk: JoinServer.Desk {
        JoinServer.Desk(
            join: { [self] request, caller in
                await answer(to: caller) { () async throws(ControlRefusal) in
                    try await board.join(request, from: caller, look: look)
                }
            },
            leave: { [self] address, caller in
                await answer(to: caller) { () async throws(ControlRefusal) in
                    try await board.leave(address, from: caller)
                }
            })
    }

    private func answer(
        to caller: IPAddress, _ body: () async throws(ControlRefusal) -> [JoinAnswer.Service]
    ) async -> Result<JoinAnswer, JoinRefusal> {
        do throws(ControlRefusal) {
            let services = try await body()
            if let refused = services.first(where: { $0.outcome == .refused }) { tell(refused.reason, of: caller) }
            let lease = await board.configuration.join?.lease ?? .zero
            return .success(
                JoinAnswer(director: program, leaseSeconds: lease.components.seconds, services: services))
        } catch {
            tell(error.error.description, of: caller)
            return .failure(JoinRefusal(status: error.kind.rawValue, reason: error.error.description))
        }
    }

    private func tell(_ refusal: String, of caller: IPAddress) {
        guard told.withLock({ $0.isDue(caller, at: .now) }) else { return }
        logger.warning("refused: \(caller) asked to join: \(refusal)")
    }
}
