/// How fast a counter grows, by IPVS's rule (`net/netfilter/ipvs/ip_vs_est.c`): every 2 s the average moves a quarter of the
/// way to what the last 2 s were, so that it tells of about the last 8 s.
struct RateEstimator: Hashable, Sendable {
    /// How often a counter is looked at.
    static let interval = Duration.seconds(2)

    private var last: UInt64 = 0
    /// In 2^-scale a second.
    private var average: Int64 = 0
    private let scale: Int64

    /// Of something that begins at 0. IPVS keeps connections and packets with a scale of 10 bits, bytes with one of 5.
    init(scale: Int64) {
        self.scale = scale
    }

    /// Takes up what is counted now, `elapsed` after the last time: IPVS's timer is taken to be exact, ours may be late.
    mutating func sample(_ count: UInt64, after elapsed: Duration = Self.interval) {
        // A counter that fell began anew.
        let growth = count >= last ? count - last : count
        last = count
        let milliseconds = max(
            1, elapsed.components.seconds * 1000 + elapsed.components.attoseconds / 1_000_000_000_000_000)
        let rate = Double(growth) * Double(1 << scale) * 1000 / Double(milliseconds)
        average += (Int64(min(rate, 0x1p62)) - average) >> 2
    }

    /// How many a second (`ip_vs_read_estimator`).
    var perSecond: UInt64 { UInt64(max(0, (average + (1 << (scale - 1)) - 1) >> scale)) }
}

/// How fast all figures of a service or a server grow.
struct FiguresEstimator: Sendable {
    private var connections = RateEstimator(scale: 10)
    private var inboundPackets = RateEstimator(scale: 10)
    private var outboundPackets = RateEstimator(scale: 10)
    private var inboundBytes = RateEstimator(scale: 5)
    private var outboundBytes = RateEstimator(scale: 5)

    /// Takes up what is counted now.
    mutating func sample(_ figures: StatusSnapshot.Figures, after elapsed: Duration) {
        connections.sample(figures.connections, after: elapsed)
        inboundPackets.sample(figures.inboundPackets, after: elapsed)
        outboundPackets.sample(figures.outboundPackets, after: elapsed)
        inboundBytes.sample(figures.inboundBytes, after: elapsed)
        outboundBytes.sample(figures.outboundBytes, after: elapsed)
    }

    /// Each a second.
    var perSecond: StatusSnapshot.Figures {
        StatusSnapshot.Figures(
            connections: connections.perSecond, inboundPackets: inboundPackets.perSecond,
            outboundPackets: outboundPackets.perSecond, inboundBytes: inboundBytes.perSecond,
            outboundBytes: outboundBytes.perSecond)
    }
}
