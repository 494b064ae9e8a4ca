/// How often the same change may be made again: what somebody else undoes at once, every time, is not fought over in a loop.
///
/// A bucket of tokens for each change: `burst` at once, one more every `interval`. Pure: the time is handed in.
struct RepairLimit {
    /// How many repairs of one thing may follow one another at once.
    static let burst = 10
    /// How long until one more is allowed.
    static let interval: Duration = .milliseconds(100)

    private var buckets: [Change: Bucket] = [:]

    private struct Bucket {
        var tokens: Int
        var filled: ContinuousClock.Instant
    }

    /// Whether `change` may be made now; if so it counts as made.
    mutating func allows(_ change: Change, at now: ContinuousClock.Instant) -> Bool {
        var bucket = buckets[change] ?? Bucket(tokens: Self.burst, filled: now)
        let earned = Int((now - bucket.filled) / Self.interval)
        if earned > 0 {
            bucket.tokens = min(Self.burst, bucket.tokens + earned)
            bucket.filled = bucket.filled.advanced(by: Self.interval * earned)
        }
        let isAllowed = bucket.tokens > 0
        if isAllowed { bucket.tokens -= 1 }
        buckets[change] = bucket
        // What has not been repaired for long has a full bucket, as one that is not there.
        if buckets.count > 4096 { buckets = buckets.filter { now - $0.value.filled < .seconds(60) } }
        return isAllowed
    }
}
