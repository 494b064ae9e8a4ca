import NetworkAddress

/// Says of each address only once an hour what it was refused, and forgets the oldest where there are too many.
struct Sparing: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How often the same address is told of.
    static let interval = Duration.seconds(3_600)
    /// Of how many addresses it is remembered that they were told of: no more are told of within the interval.
    static let most = 256

    private var told: [IPAddress?: Instant] = [:]

    /// Whether to tell of `address` now.
    mutating func isDue(_ address: IPAddress?, at now: Instant) -> Bool {
        if let last = told[address], now - last < Self.interval { return false }
        if told[address] == nil, told.count >= Self.most {
            told = told.filter { now - $0.value < Self.interval }
            guard told.count < Self.most else { return false }
        }
        told[address] = now
        return true
    }
}
