package import NetworkAddress

/// Says of each address only now and then what it was refused, and forgets the oldest where there are too many.
package struct Sparing: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// Of how many addresses it is remembered that they were told of: no more are told of within the interval.
    static let most = 256

    /// How often the same address is told of.
    let interval: Duration
    private var told: [IPAddress?: Instant] = [:]

    /// Tells of the same address once in `interval`.
    package init(interval: Duration) { self.interval = interval }

    /// Whether to tell of `address` now.
    package mutating func isDue(_ address: IPAddress?, at now: Instant) -> Bool {
        if let last = told[address], now - last < interval { return false }
        if told[address] == nil, told.count >= Self.most {
            told = told.filter { now - $0.value < interval }
            guard told.count < Self.most else { return false }
        }
        told[address] = now
        return true
    }
}
