/// How often something may happen: `rate` times a second in the long run, up to `burst` times at once. For the answers that
/// strangers can provoke, such as ICMP errors (RFC 1812 §4.3.2.8).
public struct TokenBucket: Sendable {
    private let rate: UInt64
    private let capacity: UInt64
    /// In thousandths of a token, so that each millisecond brings `rate` of them.
    private var level: UInt64
    private var last: Ticks?

    /// A full bucket.
    ///
    /// - Parameters:
    ///   - rate: tokens a second, 1 to 1,000,000.
    ///   - burst: the most tokens it holds, 1 to 1,000,000.
    public init(rate: Int, burst: Int) {
        precondition((1...1_000_000).contains(rate) && (1...1_000_000).contains(burst))
        self.rate = UInt64(rate)
        capacity = UInt64(burst) * 1000
        level = capacity
    }

    /// Takes a token; false where there is none, and the thing may not happen now.
    public mutating func take(now: Ticks) -> Bool {
        let before = last ?? now
        if now > before {
            let (gain, overflow) = (now.milliseconds - before.milliseconds).multipliedReportingOverflow(by: rate)
            level = overflow || gain >= capacity - level ? capacity : level + gain
        }
        last = max(before, now)
        guard level >= 1000 else { return false }
        level -= 1000
        return true
    }
}
