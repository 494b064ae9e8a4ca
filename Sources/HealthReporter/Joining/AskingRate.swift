import NetworkAddress

/// How often one address may ask, counted anew in each window: without a clock of its own, in bounded memory.
///
/// Who has the token may ask as well as who has not: an agent that renews its lease asks once in seconds. Nobody's asking costs another
/// address its turn; else a stranger could keep servers from renewing theirs.
struct AskingRate: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How long a window is.
    static let window = Duration.seconds(1)
    /// So often one address may ask in it: agents of a host that share an address, and some that start anew.
    static let most = 16
    /// So many addresses are counted in it; those beyond are not held up, for only who has their connections taken in comes here.
    static let mostAddresses = 4_096

    private var start: Instant
    private var counts: [IPAddress: Int] = [:]

    /// Nobody has asked.
    init(at now: Instant) { start = now }

    /// Whether `address` may ask now; that it did is counted.
    mutating func admits(_ address: IPAddress, at now: Instant) -> Bool {
        if now - start >= Self.window {
            start = now
            counts.removeAll(keepingCapacity: true)
        }
        guard let count = counts[address] else {
            if counts.count < Self.mostAddresses { counts[address] = 1 }
            return true
        }
        counts[address] = min(count + 1, Self.most + 1)
        return count < Self.most
    }
}
