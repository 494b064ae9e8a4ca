import ConfigurationFile
import Glibc
import NIOCore
import NIOPosix

/// Asks one check at one address, once per call.
///
/// Every question is asked on a connection of its own: a kept-open one would go on working after the service stopped
/// accepting.
protocol Checker: Sendable {
    /// Asks, and returns within the check's timeout.
    func ask() async -> CheckOutcome
    /// Gives back what asking needed.
    func stop() async
}

extension CheckTarget {
    /// Who asks this check.
    func makeChecker(on group: any EventLoopGroup) -> any Checker {
        switch check.kind {
        case .http(let http):
            HTTPChecker(
                endpoint: endpoint, path: http.path, host: http.host, wanted: http.status, timeout: check.timeout,
                group: group)
        default:
            TCPChecker(endpoint: endpoint, timeout: check.timeout, group: group)
        }
    }
}

/// Whether a TCP connection is accepted.
struct TCPChecker: Checker {
    let endpoint: ConfigurationFile.SocketAddress
    let timeout: Duration
    let group: any EventLoopGroup

    func ask() async -> CheckOutcome {
        await measured(timeout: timeout) {
            let bootstrap = ClientBootstrap(group: group).connectTimeout(TimeAmount(timeout))
            let address = try NIOCore.SocketAddress(ipAddress: "\(endpoint.address)", port: Int(endpoint.port))
            let channel = try await bootstrap.connect(to: address).get()
            // Whether the far end likes to be hung up on is not what is asked.
            channel.close(promise: nil)
            return (true, "connected")
        }
    }

    func stop() async {}
}

/// Runs a question, at most for `timeout`, and makes an outcome of what it returns or throws.
func measured(
    timeout: Duration, _ question: @escaping @Sendable () async throws -> (ok: Bool, message: String)
) async -> CheckOutcome {
    let clock = ContinuousClock()
    let start = clock.now
    let (ok, message) = await withTaskGroup(of: (Bool, String)?.self) { tasks in
        tasks.addTask {
            do {
                return try await question()
            } catch {
                return (false, words(for: error, timeout: timeout))
            }
        }
        tasks.addTask {
            do {
                try await Task.sleep(for: timeout)
                return (false, "no answer within \(DurationText.text(for: timeout))")
            } catch {
                return nil
            }
        }
        var first: (Bool, String)?
        while first == nil, let result = await tasks.next() { first = result }
        tasks.cancelAll()
        return first ?? (false, "not asked")
    }
    return CheckOutcome(ok: ok, message: message, latency: clock.now - start)
}

/// Why a connection came to nothing, in words that stay the same for the same cause.
func words(for error: any Error, timeout: Duration) -> String {
    switch error {
    case let error as NIOConnectionError:
        error.connectionErrors.first.map { words(for: $0.error, timeout: timeout) } ?? "cannot connect"
    case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
    case is ChannelError where "\(error)".contains("connectTimeout"):
        "no answer within \(DurationText.text(for: timeout))"
    case is NoAnswerInTime: "no answer within \(DurationText.text(for: timeout))"
    case is ClosedWithoutAnswer: "the connection was closed without an answer"
    default: "\(error)"
    }
}
