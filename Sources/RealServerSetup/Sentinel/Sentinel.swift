public import Logging
public import NetworkAddress
public import ServiceLifecycle

/// Stands guard over the VIPs on the wire: reports every ARP or neighbour discovery message by which this host claims a
/// VIP, and every other host on the segment that answers for one.
///
/// ```
///   any interface ── what leaves: a VIP as sender ──────────────► problem: this host leaks       (held for 60 s)
///   the segment ──── who has VIP? every 10 s ── answers by MAC ─► warning: another host answers  (held for 3 rounds)
/// ```
/// Settings are only half the truth (`Plan` judges those): a proxy, a VRRP daemon or a rule of another tool can still
/// answer. The wire is the other half. Nothing on the host is changed. Needs CAP_NET_RAW.
///
/// Only Ethernet interfaces are heard. Questions carry this host's own address, so they are what any neighbour may ask.
public struct Sentinel: Service {
    private let watch: SentinelWatch
    private let logger: Logger
    private let publish: @Sendable (_ problems: [IPAddress: [String]], _ warnings: [IPAddress: [String]]) async -> Void

    /// Opens its sockets in the calling thread's network namespace. What leaks from now on is seen.
    ///
    /// - Parameters:
    ///   - vips: the VIPs this host holds.
    ///   - directors: the addresses of those who may answer for them, as far as they are on the segment.
    ///   - interval: from one round of questions to the next, a tenth more or less; at most 50 questions are asked a second,
    ///     so many VIPs take longer.
    ///   - logger: one line for each finding as it comes and goes.
    ///   - segment: the interface that faces the director, as it is now; nil: there is none, and nobody is asked. Called once
    ///     a round on the sentinel's own thread, in the process's network namespace.
    ///   - publish: called at first and whenever something changed, with a list for each VIP; an empty one: nothing found.
    /// - Throws: `SetupError.missingCapability` without CAP_NET_RAW.
    public init(
        vips: [IPAddress], directors: [IPAddress], interval: Duration = .seconds(10), logger: Logger,
        segment: @escaping @Sendable () -> SentinelSegment?,
        publish:
            @escaping @Sendable (_ problems: [IPAddress: [String]], _ warnings: [IPAddress: [String]]) async -> Void
    ) throws(SetupError) {
        watch = try SentinelWatch(vips: vips, directors: directors, interval: interval, segment: segment)
        self.logger = logger
        self.publish = publish
    }

    /// Stands guard until graceful shutdown or cancellation. To be called once.
    public func run() async throws {
        let (findings, continuation) = AsyncStream.makeStream(
            of: SentinelFindings.self, bufferingPolicy: .bufferingNewest(1))
        try watch.start(tell: { continuation.yield($0) }, ended: { continuation.finish() })
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                var last: SentinelFindings?
                for await next in findings {
                    log(from: last, to: next)
                    last = next
                    await publish(next.problems, next.warnings)
                }
            } onGracefulShutdown: {
                watch.stop()
            }
        } onCancel: {
            watch.stop()
        }
    }

    /// To be called when the cause of these VIPs' leaks was found and mended: the leaks seen so far no longer count, so that
    /// the server need not stay down for the rest of the minute. If it leaks once more, it counts again.
    ///
    /// Not to be called only because the settings look right: they may have looked right while it leaked.
    public func settle(_ vips: some Sequence<IPAddress>) {
        watch.settle(Set(vips))
    }

    /// Asks once who answers for each VIP, and waits a second for the answers. Blocks the calling thread, in whose network
    /// namespace it asks. Equivalent to: `arping -I INTERFACE VIP`, `ndisc6 VIP INTERFACE`. Needs CAP_NET_RAW.
    ///
    /// - Returns: every station but this host that claimed one of `vips` meanwhile, directors included.
    public static func probeOnce(
        vips: [IPAddress], directors: [IPAddress], segment: SentinelSegment
    ) throws(SetupError) -> [Answerer] {
        // An interval of at least twice the patience: then it is the patience that is waited.
        try SentinelWatch(vips: vips, directors: directors, interval: ProbeSchedule.patience * 2) { segment }
            .probeOnce()
    }

    private func log(from last: SentinelFindings?, to next: SentinelFindings) {
        let new = { (old: [IPAddress: [String]]?, new: [IPAddress: [String]]) in
            Set(new.values.joined()).subtracting((old ?? [:]).values.joined()).sorted()
        }
        for text in new(last?.problems, next.problems) { logger.error("\(text)") }
        for text in new(last?.warnings, next.warnings) { logger.warning("\(text)") }
        guard let last else { return }
        for text in new(next.problems, last.problems) + new(next.warnings, last.warnings) {
            logger.info("no longer seen: \(text)")
        }
    }
}
