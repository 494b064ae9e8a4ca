public import ConfigurationFile
import NIOPosix
public import NetworkAddress
import Synchronization

/// The checks of one server that has no agent, asked by whoever directs to it: the same questions as an agent's own, at the
/// same pace, and dampened alike.
public struct HealthChecks: Sendable {
    /// What all of them come to.
    public struct Verdict: Sendable, Hashable {
        /// Whether all pass.
        public var isUp: Bool
        /// Which do not, and why; or what is to be looked into though they pass. Empty: nothing.
        public var reason: String
    }

    private let targets: [CheckTarget]

    /// Checks of the server at `address`; nothing is asked yet. A check that names an address or a port of its own is asked
    /// there.
    ///
    /// - Parameters:
    ///   - checks: what is asked: http, tcp, tls, udp, grpc. At least one, or there is never a verdict.
    ///   - service: the service's name, for messages.
    ///   - port: the port that packets are sent to; 0: all of them.
    /// - Throws: `ReporterError` where a check has no port to be asked on.
    public init(
        _ checks: [AgentConfiguration.Check], of service: String, at address: IPAddress, port: UInt16
    ) throws(ReporterError) {
        // As if the server's own address were the service's VIP: that is where it is asked.
        let asked = AgentConfiguration.Service(
            name: service, vips: [address], ports: port == 0 ? [] : [port], checks: checks)
        targets = try CheckTarget.all(of: asked, at: LocalEndpoints(of: asked, ownAddresses: []))
    }

    /// Asks from now on until whoever reads this no longer does: the first verdict once there is one, then each that differs
    /// from the one before. Each check has a task of its own, so that one that hangs delays no other; and a reader that is
    /// slow gets the newest verdict, and delays none.
    public func verdicts() -> AsyncStream<Verdict> {
        let (verdicts, teller) = AsyncStream.makeStream(of: Verdict.self, bufferingPolicy: .bufferingNewest(1))
        let book = CheckBook(targets) { teller.yield($0) }
        let group = MultiThreadedEventLoopGroup.singleton
        let asking = Task(executorPreference: EventLoopExecutor(group.next())) { [targets] in
            await withTaskGroup(of: Void.self) { tasks in
                for (index, target) in targets.enumerated() {
                    tasks.addTask {
                        let checker = target.makeChecker(on: group)
                        await CheckSchedule(of: target.check).run(checker) { book.record($0, of: index) }
                    }
                }
            }
        }
        teller.onTermination = { _ in asking.cancel() }
        return verdicts
    }
}

/// What several checks have answered, and what follows: a verdict is told once there is one, and when it becomes another.
final class CheckBook: Sendable {
    private struct State {
        var histories: [CheckHistory]
        var told: HealthChecks.Verdict?
    }

    private let names: [String]
    private let state: Mutex<State>
    private let tell: @Sendable (HealthChecks.Verdict) -> Void

    init(_ targets: [CheckTarget], now: Timestamp = .now(), tell: @escaping @Sendable (HealthChecks.Verdict) -> Void) {
        names = targets.map(\.name)
        let histories = targets.map { CheckHistory(rise: $0.check.rise, fall: $0.check.fall, since: now) }
        state = Mutex(State(histories: histories))
        self.tell = tell
    }

    /// Takes the answer to a check into account.
    ///
    /// - Returns: whether the check is settled; see `CheckHistory`.
    func record(_ outcome: CheckOutcome, of index: Int, at now: Timestamp = .now()) -> Bool {
        state.withLock { state in
            state.histories[index].record(outcome, at: now)
            if let verdict = verdict(of: state.histories), verdict != state.told {
                state.told = verdict
                // Under the lock: in order.
                tell(verdict)
            }
            return state.histories[index].isSettled
        }
    }

    /// Down as soon as one check fails, up once all pass; nil before either is known.
    private func verdict(of histories: [CheckHistory]) -> HealthChecks.Verdict? {
        let known = zip(names, histories).filter(\.1.hasVerdict)
        let failures = known.filter { !$0.1.ok }.map { "\($0.0): \($0.1.message)" }
        if !failures.isEmpty { return .init(isUp: false, reason: failures.joined(separator: "; ")) }
        guard known.count == histories.count else { return nil }
        let warnings = known.compactMap { name, history in history.warning.map { "warning: \(name): \($0)" } }
        return .init(isUp: true, reason: warnings.joined(separator: "; "))
    }
}
