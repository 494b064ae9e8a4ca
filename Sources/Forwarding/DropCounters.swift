/// How many packets for our VIPs, or of servers' to the world, were not forwarded, and why. Counters start at 0 and only grow.
public struct DropCounters: Sendable {
    private var counts: InlineArray<16, UInt64> = .init(repeating: 0)

    /// Packets answered by ``Verdict/unreachable``.
    public internal(set) var unreachable: UInt64 = 0
    /// Packets answered by ``Verdict/timeExceeded``.
    public internal(set) var timeExceeded: UInt64 = 0

    /// Packets answered by ``Verdict/tooBig(mtu:)``.
    public internal(set) var tooBig: UInt64 = 0

    /// All counters at 0.
    public init() {}

    /// Packets dropped for this reason.
    public internal(set) subscript(reason: DropReason) -> UInt64 {
        get { counts[Int(reason.rawValue)] }
        set { counts[Int(reason.rawValue)] = newValue }
    }

    /// Packets dropped for any reason; those that were answered are not among them.
    public var total: UInt64 {
        DropReason.allCases.reduce(0) { $0 + self[$1] }
    }

    /// Counts what is answered.
    @inline(__always)
    mutating func note(_ verdict: Verdict) {
        switch verdict {
        case .unreachable: unreachable += 1
        case .timeExceeded: timeExceeded += 1
        case .tooBig: tooBig += 1
        case .unresolved: self[.nextHopUnresolved] += 1
        case .notOurs, .transmit, .drop, .split, .tunnelError: break
        }
    }
}
