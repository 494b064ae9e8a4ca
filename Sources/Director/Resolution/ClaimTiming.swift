internal import NetworkAddress

/// How often and how fast a VIP is asked for and announced; all times in milliseconds.
struct ClaimTiming: Hashable, Sendable {
    /// The first probe comes after up to so long, at random.
    var probeWait: Int
    /// How many probes there are, and how long one waits for an answer to all but the last.
    var probeCount: Int
    var probeInterval: ClosedRange<Int>
    /// How long after the last probe the VIP is ours.
    var announceWait: Int
    /// How many announcements there are, and the time between two.
    var announceCount: Int
    var announceInterval: Int

    /// ARP: RFC 5227 §1.1.
    static let ipv4 = ClaimTiming(
        probeWait: 1000, probeCount: 3, probeInterval: 1000...2000, announceWait: 2000, announceCount: 2,
        announceInterval: 2000)

    /// Neighbor Discovery: `DupAddrDetectTransmits` (RFC 4862 §5.1), `RETRANS_TIMER`, `MAX_RTR_SOLICITATION_DELAY` and
    /// `MAX_NEIGHBOR_ADVERTISEMENT` (RFC 4861 §10).
    static let ipv6 = ClaimTiming(
        probeWait: 1000, probeCount: 1, probeInterval: 1000...1000, announceWait: 1000, announceCount: 3,
        announceInterval: 1000)

    /// Those of an address's family.
    init(for address: IPAddress) { self = address.v4 != nil ? .ipv4 : .ipv6 }

    private init(
        probeWait: Int, probeCount: Int, probeInterval: ClosedRange<Int>, announceWait: Int, announceCount: Int,
        announceInterval: Int
    ) {
        self.probeWait = probeWait
        self.probeCount = probeCount
        self.probeInterval = probeInterval
        self.announceWait = announceWait
        self.announceCount = announceCount
        self.announceInterval = announceInterval
    }
}
