internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

/// A server without an agent, which the director asks itself.
struct CheckedServer: Equatable, Sendable, Identifiable {
    /// Which server it is.
    struct ID: Hashable, Sendable {
        var service: String
        var address: IPAddress
    }

    var id: ID
    /// The port that packets are sent to; 0: all of them.
    var port: UInt16
    /// What is asked. At least one.
    var checks: [AgentConfiguration.Check]

    /// Asks until cancelled, and tells the board what comes of it.
    func run(telling board: MembershipBoard) async {
        do throws(ReporterError) {
            let checks = try HealthChecks(checks, of: id.service, at: id.address, port: port)
            for await verdict in checks.verdicts() { await tell(board, verdict.isUp, verdict.reason) }
        } catch {
            await tell(board, false, "\(error)")
        }
    }

    private func tell(_ board: MembershipBoard, _ isUp: Bool, _ reason: String) async {
        await board.receiveCheck(of: id.address, in: id.service, isUp: isUp, reason: reason)
    }
}

extension Membership {
    /// The servers that the director asks itself, in the order of the configuration. Not those that neither an agent nor a
    /// check speaks for: their weight alone rules.
    var checkedServers: [CheckedServer] {
        groups.flatMap { group in
            group.members.map(\.configuration).compactMap { server in
                guard server.agent == nil, !server.checks.isEmpty else { return nil }
                return CheckedServer(
                    id: .init(service: group.service.name, address: server.address),
                    port: server.port ?? group.service.port, checks: server.checks)
            }
        }
    }
}
