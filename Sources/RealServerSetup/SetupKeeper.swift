public import Logging
public import NetworkAddress
public import ServiceLifecycle

/// Keeps a host fit while the agent runs: looks again at every interval, repairs what has drifted, and says of each VIP
/// what is wrong with it. Puts the host back when it is told to stop.
///
/// In a `ServiceGroup` it stands before the reporter: services stop in reverse order, so the VIPs go last, when nobody is
/// sent here any more.
public struct SetupKeeper: Service {
    private let setup: RealServerSetup
    private let directory: RunDirectory
    private let interval: Duration
    private let logger: Logger
    private let publish: @Sendable ([IPv4Address: [String]]) async -> Void

    /// Applies the setup once, and throws where that fails: nothing is kept then, and the host is as it was.
    ///
    /// - Parameters:
    ///   - setup: what to keep. Its run directory stays locked for the life of this value.
    ///   - interval: how long a drift may last. `arp_ignore` and `arp_announce` raise no event (RTNLGRP_IPV4_NETCONF does
    ///     not carry them), so they have to be looked at.
    ///   - logger: one line for each repair and each problem.
    ///   - publish: called after each look with the problems of each VIP; an empty list: fit.
    public init(
        _ setup: RealServerSetup, interval: Duration = .seconds(1), logger: Logger,
        publish: @escaping @Sendable ([IPv4Address: [String]]) async -> Void
    ) throws(SetupError) {
        self.setup = setup
        self.interval = interval
        self.logger = logger
        self.publish = publish
        let directory = try RunDirectory.making(setup.runDirectory)
        for step in try setup.apply(in: directory) {
            logger.info("\(step.change) (\(step.reason))")
        }
        self.directory = directory
    }

    /// Looks and repairs until graceful shutdown, then tears down.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var last: [IPv4Address: [String]]?
            while !Task.isCancelled {
                let problems = look()
                if problems != last {
                    for (vip, texts) in problems.sorted(by: { $0.key < $1.key }) where !texts.isEmpty {
                        logger.error("VIP \(vip) is not fit: \(texts.joined(separator: "; "))")
                    }
                    last = problems
                }
                await publish(problems)
                try? await Task.sleep(for: interval)
            }
        }
        let teardown = try setup.teardown(in: directory)
        for change in teardown.changes { logger.info("put back: \(change)") }
        for left in teardown.left { logger.warning("left alone: \(left)") }
    }

    /// Repairs what has drifted; returns what is wrong even so.
    private func look() -> [IPv4Address: [String]] {
        do throws(SetupError) {
            let repair = try setup.repair(in: directory)
            for step in repair.steps { logger.warning("repaired: \(step.change) (\(step.reason))") }
            return problems { repair.plan.isEmpty ? [] : repair.plan.problems(for: $0) + repair.failures }
        } catch {
            return problems { _ in [error.description] }
        }
    }

    private func problems(_ texts: (IPv4Address) -> [String]) -> [IPv4Address: [String]] {
        Dictionary(uniqueKeysWithValues: setup.request.directRoutingVIPs.map { ($0, texts($0)) })
    }
}
