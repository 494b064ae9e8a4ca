import ConfigurationFile
import NIOCore

/// Asks one check at one place, once per call.
///
/// Every question is asked on a connection of its own: a kept-open one would go on working after the service stopped
/// accepting. One question at a time.
protocol Checker: Sendable {
    /// Asks, and returns within the check's timeout, or soon after the task is cancelled.
    func ask() async -> CheckOutcome
    /// Gives back what asking needed.
    func stop() async
}

extension Checker {
    func stop() async {}
}

extension CheckTarget {
    /// Who asks this check.
    func makeChecker(on group: any EventLoopGroup) -> any Checker {
        switch check.kind {
        case .http(let http):
            HTTPChecker(http, endpoint: endpoint, timeout: check.timeout, group: group)
        case .tcp:
            TCPChecker(conversation: Conversation(endpoint: endpoint, timeout: check.timeout, group: group))
        case .tls(let tls):
            TLSChecker(
                conversation: Conversation(
                    endpoint: endpoint, tls: TLSClient(tls), timeout: check.timeout, group: group))
        case .udp(let send, let expect):
            UDPChecker(endpoint: endpoint, send: send, expect: expect, timeout: check.timeout, group: group)
        case .grpc(let service, let tls):
            GRPCChecker(
                service: service,
                conversation: Conversation(
                    endpoint: endpoint, tls: tls.map { TLSClient($0, applicationProtocols: ["h2"]) },
                    timeout: check.timeout, group: group))
        case .exec(let arguments):
            ExecChecker(
                runner: ProgramRunner(
                    Program(
                        arguments: arguments,
                        environment: [
                            "RSAGENT_SERVICE": service, "RSAGENT_ADDRESS": "\(endpoint.address)",
                            "RSAGENT_PORT": "\(endpoint.port)",
                        ]), timeout: check.timeout, group: group))
        case .systemd(let unit):
            SystemdChecker(unit: unit, timeout: check.timeout, group: group)
        case .file(let path, let exists):
            FileChecker(path: path, exists: exists, timeout: check.timeout, group: group)
        }
    }
}
