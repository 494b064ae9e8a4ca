internal import ConfigurationFile
public import Logging
public import NetworkAddress
public import ServiceLifecycle
internal import Synchronization

/// Keeps a host fit while the agent runs: looks again at every change the kernel tells of or the watch finds, repairs
/// what has drifted, and says of each service what is wrong with its setup. Puts the host back when it is told to stop.
///
/// In a `ServiceGroup` it stands before the reporter: services stop in reverse order, so the VIPs go last, when nobody is
/// sent here any more.
public final class SetupKeeper: Service {
    private let setup: RealServerSetup
    private let directory: RunDirectory
    private let record: Record
    private let watch: HostWatch
    private let logger: Logger
    private let publish: @Sendable ([String: [String]]) async -> Void
    private let onRepair: @Sendable ([Plan.Step]) -> Void
    private let directors = Mutex<[IPAddress]?>(nil)
    private let soundness: Soundness

    /// Looks come no closer than this, so that a host which changes all the time leaves the processor to its services.
    private static let gap: Duration = .milliseconds(10)

    /// Applies the setup once, and throws where that fails: nothing is kept then, and the host is as it was.
    ///
    /// - Parameters:
    ///   - setup: what to keep. Its run directory stays locked for the life of this value.
    ///   - interval: how long a drift may last that raises no event: `arp_ignore` and `arp_announce` have to be looked at.
    ///   - logger: one line for each repair and each problem.
    ///   - onRepair: called with what was repaired, once it is.
    ///   - publish: called after each look with the problems of each service; an empty list: fit.
    public init(
        _ setup: RealServerSetup, interval: Duration = .milliseconds(500), logger: Logger,
        onRepair: @escaping @Sendable ([Plan.Step]) -> Void = { _ in },
        publish: @escaping @Sendable ([String: [String]]) async -> Void
    ) throws(SetupError) {
        self.setup = setup
        self.logger = logger
        self.onRepair = onRepair
        self.publish = publish
        let directory = try RunDirectory.making(setup.runDirectory)
        let soundness = Soundness()
        self.soundness = soundness
        // Before the host is read: what changes after that is not missed.
        watch = try HostWatch(interval: interval) { [host = setup.host, request = setup.request] in
            !soundness.isShown(by: try? host.pulse(for: request))
        }
        for step in try setup.apply(in: directory) {
            logger.info("\(step.change) (\(step.reason))")
        }
        record = Record(try directory.beginJournal())
        self.directory = directory
    }

    /// By way of whom answers go back from now on: the first of these that can be. Nil: any of the configuration's.
    public func prefer(_ directors: [IPAddress]?) {
        let isNew = self.directors.withLock { current in
            defer { current = directors }
            return current != directors
        }
        if isNew { watch.wake() }
    }

    /// Looks and repairs until graceful shutdown, then tears down.
    public func run() async throws {
        let record = await cancelWhenGracefulShutdown { await self.keep() }
        watch.stop()
        let teardown = try setup.teardown(in: directory, remembering: record)
        for change in teardown.changes { logger.info("put back: \(change)") }
        for left in teardown.left { logger.warning("left alone: \(left)") }
    }

    /// Returns what is on record in the end.
    private func keep() async -> Record {
        var last: [String: [String]]?
        var state = State(record: record)
        var alarm = HostWatch.Alarm()
        var alarms = watch.alarms.makeAsyncIterator()
        while !Task.isCancelled {
            let problems = look(alarm, &state)
            if problems != last {
                for (service, texts) in problems.sorted(by: { $0.key < $1.key }) where !texts.isEmpty {
                    logger.error("the setup of \(service) is not sound: \(texts.joined(separator: "; "))")
                }
                last = problems
                await publish(problems)
            }
            try? await Task.sleep(for: Self.gap)
            repeat {
                guard await alarms.next() != nil else { return state.record }
            } while !watch.take(&alarm)
        }
        return state.record
    }

    /// What is remembered from one look to the next.
    private struct State {
        /// The directory's lock is ours, so nobody else writes it.
        var record: Record
        var limit = RepairLimit()
    }

    /// What the host was like when it was last found sound.
    private final class Soundness: Sendable {
        private let pulse = Mutex<HostPulse?>(nil)

        /// Nil: it is not sound, or nobody knows, and every interval brings a look.
        func note(_ pulse: HostPulse?) { self.pulse.withLock { $0 = pulse } }

        /// Whether the host is as it was then; nil: it could not be read.
        func isShown(by pulse: HostPulse?) -> Bool { pulse != nil && self.pulse.withLock { $0 == pulse } }
    }

    /// Repairs what has drifted; returns what is wrong even so.
    private func look(_ alarm: HostWatch.Alarm, _ state: inout State) -> [String: [String]] {
        let now = ContinuousClock.now
        do throws(SetupError) {
            soundness.note(nil)
            let pulse = try setup.host.pulse(for: setup.request)
            var limit = state.limit
            let repair = try setup.repair(&state.record, in: directory, preferring: directors.withLock { $0 }) {
                limit.allows($0, at: now)
            }
            state.limit = limit
            state.record.shorten(for: pulse, in: directory)
            let changers = alarm.changers.sorted().joined(separator: ", ")
            for step in repair.steps {
                logger.warning(
                    "repaired: \(step.change) (\(step.reason))\(changers.isEmpty ? "" : "; changed by \(changers)")")
            }
            if !repair.steps.isEmpty { onRepair(repair.steps) }
            if repair.plan.isEmpty, repair.steps.isEmpty, !state.record.isBehind { soundness.note(pulse) }
            return problems { repair.plan.problems(for: $0) + (repair.plan.isEmpty ? [] : repair.failures) }
        } catch {
            return problems { _ in [error.description] }
        }
    }

    private func problems(_ texts: (String) -> [String]) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: setup.request.services.map { ($0.name, texts($0.name)) })
    }
}
