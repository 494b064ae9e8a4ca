internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// Where the real servers, and the routers towards others, are on one interface's segment: their MACs, asked for by ARP
/// (RFC 826) or Neighbor Discovery (RFC 4861 §7.2, §7.3) and kept fresh, as a state machine that knows nothing but the time
/// and the messages it is given.
///
/// ```
///  asking everyone, once a second ─ answer ─► known ─ 20 s ─► asking it alone, 3 times ─ answer ─► known
///     ▲   3 times in vain: unreachable                             │ in vain
///     └────────────── the MAC is kept until everyone was asked ◄───┘
/// ```
/// It learns from what the neighbours themselves say of their own addresses, and from nobody else.
struct NeighborTable: Sendable {
    /// How long to wait for an answer before asking again, in milliseconds: `RETRANS_TIMER` (RFC 4861 §10).
    static let retryInterval = 1000
    /// How many times to ask in vain before the next step: `MAX_MULTICAST_SOLICIT` and `MAX_UNICAST_SOLICIT` (RFC 4861 §10).
    static let attempts = 3
    /// How long an answer holds before the neighbour is asked again. Switches forget a silent station after 300 s
    /// (IEEE 802.1D §7.9.2), and the stack's own `base_reachable_time` is 30 s.
    static let refreshInterval = 20_000

    private struct Entry: Sendable {
        let address: IPAddress
        /// Whom to ask as: our own address on the neighbour's segment.
        let source: IPAddress
        var mac: MACAddress?
        var isUnreachable = false
        /// How many times it was asked since it last answered; the first `attempts` only itself, if its MAC is known.
        var asked = 0
        var due: Ticks

        /// Asks for it from `mac`, which is our own.
        mutating func ask(from mac: MACAddress, now: Ticks) -> [ResolutionAction] {
            let inVain = self.mac == nil ? NeighborTable.attempts : 2 * NeighborTable.attempts
            var actions: [ResolutionAction] = []
            if asked >= inVain, !isUnreachable {
                isUnreachable = true
                self.mac = nil
                actions.append(.report(.unreachable(address)))
            }
            let request = NeighborMessage.request(address, from: mac, source)
            let asksItAlone = asked < NeighborTable.attempts
            actions.append(.send(request, to: asksItAlone ? self.mac ?? request.group : request.group))
            asked += 1
            due = now + NeighborTable.retryInterval
            return actions
        }
    }

    private let mac: MACAddress
    private var entries: [Entry] = []
    private var places: [IPAddress: Int] = [:]

    /// A table of nobody; `mac` is our own.
    init(mac: MACAddress) {
        self.mac = mac
    }

    /// Starts asking now for `address` as `source`, an address of ours beside it, unless it is watched already.
    mutating func watch(_ address: IPAddress, as source: IPAddress, now: Ticks) {
        guard places[address] == nil else { return }
        places[address] = entries.count
        entries.append(Entry(address: address, source: source, due: now))
    }

    /// Asks for this one no more. Whoever came last takes its place in the list: of many that fall silent together, each costs the
    /// same.
    mutating func forget(_ address: IPAddress) {
        guard let place = places.removeValue(forKey: address) else { return }
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.address] = place
    }

    /// Asks for nobody any more but for these.
    mutating func forgetAll(but wanted: Set<IPAddress>) {
        guard places.keys.contains(where: { !wanted.contains($0) }) else { return }
        entries.removeAll { !wanted.contains($0.address) }
        places = Dictionary(uniqueKeysWithValues: zip(entries.map(\.address), entries.indices))
    }

    /// The neighbour's MAC, as far as known.
    func station(of address: IPAddress) -> MACAddress? {
        places[address].flatMap { entries[$0].mac }
    }

    /// What the time alone brings about. To be called often: ten times a second is enough.
    mutating func advance(to now: Ticks) -> [ResolutionAction] {
        var actions: [ResolutionAction] = []
        for index in entries.indices where now >= entries[index].due {
            actions += entries[index].ask(from: mac, now: now)
        }
        return actions
    }

    /// What a message that arrived on the interface brings about.
    mutating func receive(_ message: NeighborMessage, now: Ticks) -> [ResolutionAction] {
        guard message.mac != mac, let claimed = message.claimed, let index = places[claimed] else { return [] }
        let old = entries[index].mac
        // Somebody else's word for it does not count against what is known (RFC 4861 §7.2.5).
        guard old == nil || old == message.mac || message.overrides else { return [] }
        entries[index].mac = message.mac
        entries[index].isUnreachable = false
        entries[index].asked = 0
        entries[index].due = now + Self.refreshInterval
        guard let old else { return [.report(.resolved(claimed, message.mac))] }
        guard old != message.mac else { return [] }
        return [.report(.moved(claimed, from: old, to: message.mac))]
    }
}
