import NetworkAddress

/// Which new connections came to a drained service after every director had acted on the drain, and from whom. A state
/// machine without a clock or a socket of its own.
///
/// There are two witnesses. The list of open connections shows each one that was not there before, but not who sent it, nor
/// one that was over before the next look. The wire shows every SYN with its sender, but not whether it is new: a SYN that is
/// sent again belongs to a connection that is known. Together they are exact; each alone is enough to raise the alarm.
///
/// A director's own connections are its checks as far as anybody can tell, and raise none, unless `director_connections` says
/// that they are clients'.
struct LateArrivals: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// For how long after its latest connection a sender counts as still sending. A drain is not over meanwhile.
    static let hold = Duration.seconds(30)
    /// More senders than these are told as one.
    static let maximumSenders = 8
    /// Of more open connections than these no list is kept: the wire alone tells.
    static let maximumKnown = 65_536

    /// What was seen between two looks.
    struct Look: Sendable {
        /// The open connections; nil: they could not be listed, or there are too many.
        var open: [ClientConnection]?
        /// The new connections seen on the wire before `open` was listed; nil: the wire is not seen.
        var arrivals: [Arrival]?
        /// Why the wire is not seen, in words.
        var obstacle: String = ""
    }

    private let checkers: Set<IPAddress>
    /// The open connections as of the last look, as hash values, which take an eighth of the memory; where two collide, one
    /// newcomer goes unnoticed. Nil before the first look and while there are too many.
    private var known: Set<Int>?
    /// Newcomers to the list whose SYN was not among those read before it: it may be the next to be read.
    private var unseen: Set<Int> = []
    private var latest: [Arrival.Sender: Instant] = [:]

    /// Watches from the first look on: what is open then came before.
    ///
    /// - Parameter checkers: the directors whose own connections are checks.
    init(checkers: some Sequence<IPAddress>) {
        self.checkers = Set(checkers.map(\.unmapped))
    }

    /// Takes a look into account.
    ///
    /// - Returns: those that are found to send and were not before.
    mutating func look(_ look: Look, at now: Instant) -> [Arrival.Sender] {
        latest = latest.filter { now - $0.value < Self.hold }
        let before = Set(latest.keys)
        let open = look.open.flatMap { $0.count <= Self.maximumKnown ? $0 : nil }
        let listed = open.map { Set($0.filter { !checkers.contains($0.client) }.map(\.hashValue)) }
        let isFirst = known == nil

        // 1. What was on the wire: new, unless it was known before and not one whose SYN was still to be read. The wire is
        // looked at from before the first list was made, so what came then is in it, or over already.
        for arrival in look.arrivals ?? [] where !checkers.contains(arrival.connection.client) {
            let key = arrival.connection.hashValue
            let wasUnseen = unseen.remove(key) != nil
            if wasUnseen || !(known?.contains(key) ?? listed?.contains(key) ?? false) {
                note(arrival.sender, at: now)
            }
        }
        // 2. What was in the list last time and did not show on the wire since.
        if !unseen.isEmpty { note(.unknown("it was not seen on the wire"), at: now) }
        unseen = []
        // 3. What is in the list for the first time.
        if let listed, let known, !isFirst {
            let seen = Set((look.arrivals ?? []).map(\.connection.hashValue))
            let newcomers = listed.subtracting(known).subtracting(seen)
            if look.arrivals != nil {
                unseen = newcomers
            } else if !newcomers.isEmpty {
                note(.unknown(look.obstacle), at: now)
            }
        }
        known = listed
        return latest.keys.filter { !before.contains($0) }.sorted { $0.words < $1.words }
    }

    private mutating func note(_ sender: Arrival.Sender, at now: Instant) {
        if latest[sender] == nil, latest.count >= Self.maximumSenders {
            latest[.stranger("others")] = now
        } else {
            latest[sender] = now
        }
    }

    /// Who still sends, in words, sorted; empty: nobody.
    func alarms(at now: Instant) -> [String] {
        latest.filter { now - $0.value < Self.hold }.keys.map(\.alarm).sorted()
    }
}

extension Arrival.Sender {
    fileprivate var words: String {
        switch self {
        case .director(let address): "director \(address)"
        case .stranger(let words): words
        case .unknown(let reason): "a director (which one cannot be told: \(reason))"
        }
    }

    /// The alarm, without what changes from one connection to the next.
    var alarm: String {
        "\(words) still sends new connections although the drain was acknowledged: see whether it sends known clients here "
            + "all the same (persistence; IPVS: expire_quiescent_template), or missed the weight"
    }
}
