internal import ConfigurationFile
internal import Logging
internal import NetworkAddress

/// What an operator changes while the director runs. Everything that did not change keeps its connections, counters and
/// whose turn it is.
struct Control: Sendable {
    typealias Deed = ControlClient.Deed

    let board: MembershipBoard
    /// Reads the file.
    let load: @Sendable () throws(ConfigurationError) -> DirectorConfiguration
    /// Whether the configuration can be carried out on this host.
    let check: @Sendable (DirectorConfiguration) throws(DirectorError) -> Void
    let logger: Logger

    /// Does it, and returns once the engine does.
    func perform(_ deed: Deed, _ request: ServerRequest) async throws(ControlRefusal) -> ControlAnswer {
        switch deed {
        case .add: try await change { configuration throws(ControlRefusal) in try configuration.adding(request) }
        case .set: try await change { configuration throws(ControlRefusal) in try configuration.setting(request) }
        case .remove: try await change { configuration throws(ControlRefusal) in try configuration.removing(request) }
        case .drain: try await drain(request, true)
        case .undrain: try await drain(request, false)
        }
    }

    /// Makes what the file says now the configuration: services, servers and how agents are asked. It replaces what was changed
    /// by hand; only a drain, which the file cannot say, stays. With a file that is wrong nothing changes.
    func reload() async throws(ControlRefusal) -> ControlAnswer {
        do throws(ControlRefusal) {
            let file: DirectorConfiguration
            do throws(ConfigurationError) {
                file = try load()
            } catch {
                throw ControlRefusal(.invalid, operation: "reload", cause: "\(error)", cure: Self.fileCure)
            }
            let old = await board.configuration
            let answer = try await change { [check] in
                $0.reloaded(from: file) { (try? check($0)) != nil }
            }
            let needsRestart = ConfigurationDifference(from: old, to: file).needsRestart
            for line in needsRestart { logger.warning("reload: \(line)") }
            logger.notice("reloaded, \(answer.changes.count) changes")
            return ControlAnswer(changes: answer.changes, needsRestart: needsRestart)
        } catch {
            logger.error("\(error.error)")
            throw error
        }
    }

    private static let fileCure = "the configuration in force stays as it is"

    private func change(
        _ edit: @Sendable (DirectorConfiguration) throws(ControlRefusal) -> DirectorConfiguration
    ) async throws(ControlRefusal) -> ControlAnswer {
        let changes = try await board.change { [check] old throws(ControlRefusal) in
            let new = try edit(old)
            do throws(DirectorError) {
                try check(new)
            } catch {
                throw ControlRefusal(.conflict, error)
            }
            return new
        }
        return ControlAnswer(changes: changes)
    }

    private func drain(_ request: ServerRequest, _ isDrained: Bool) async throws(ControlRefusal) -> ControlAnswer {
        guard request.weight == nil, request.port == nil, request.agent == nil else {
            throw ControlRefusal(
                .invalid, operation: "\(isDrained ? "drain" : "undrain") server \(request.address)",
                cause: "a server is drained by its service and address alone")
        }
        try await board.drain(request.address, in: request.service, isDrained)
        let state = isDrained ? "drained" : "no longer drained"
        return ControlAnswer(changes: ["service \(request.service): server \(request.address) \(state)"])
    }
}
