internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// Where the real servers are on one interface's segment: their MACs, asked for by ARP (RFC 826) and kept fresh, as a
/// state machine that knows nothing but the time and the ARP messages it is given.
///
/// ```
///  asking everyone, once a second ─ answer ─► known ─ 20 s ─► asking it alone, 3 times ─ answer ─► known
///     ▲   3 times in vain: unreachable                             │ in vain
///     └────────────── the MAC is kept until everyone was asked ◄───┘
/// ```
/// It learns from what the servers themselves say of their own addresses, and from nobody else.
struct NeighborTable: Sendable {
    /// How long to wait for an answer before asking again, in milliseconds.
    static let retryInterval = 1000
    /// How many times to ask in vain before the next step.
    static let attempts = 3
    /// How long an answer holds before the server is asked again. Switches forget a silent station after 300 s
    /// (IEEE 802.1D §7.9.2), and the stack's own `base_reachable_time` is 30 s.
    static let refreshInterval = 20_000

    private struct Entry: Sendable {
        let address: IPv4Address
        /// Whom to ask as: our own address on the server's segment.
        let source: IPv4Address
        var mac: MACAddress?
        var isUnreachable = false
        /// How many times it was asked since it last answered; the first `attempts` only itself, if its MAC is known.
        var asked = 0
        var due: Ticks
    }

    private let mac: MACAddress
    private var entries: [Entry]

    /// Starts asking now for `servers`, each as the address of ours beside it.
    init(mac: MACAddress, servers: [(address: IPv4Address, source: IPv4Address)], now: Ticks) {
        self.mac = mac
        entries = servers.map { Entry(address: $0.address, source: $0.source, due: now) }
    }

    /// The server's MAC, as far as known.
    func station(of address: IPv4Address) -> MACAddress? {
        entries.first { $0.address == address }?.mac
    }

    /// What the time alone brings about. To be called often: ten times a second is enough.
    mutating func advance(to now: Ticks) -> [ARPAction] {
        var actions: [ARPAction] = []
        for index in entries.indices where now >= entries[index].due {
            actions += ask(&entries[index], now: now)
        }
        return actions
    }

    /// What a message that arrived on the interface brings about.
    mutating func receive(_ message: ARPMessage, now: Ticks) -> [ARPAction] {
        guard message.senderMAC != mac, let index = entries.firstIndex(where: { $0.address == message.sender })
        else { return [] }
        let old = entries[index].mac
        entries[index].mac = message.senderMAC
        entries[index].isUnreachable = false
        entries[index].asked = 0
        entries[index].due = now + Self.refreshInterval
        guard let old else { return [.report(.resolved(message.sender, message.senderMAC))] }
        guard old != message.senderMAC else { return [] }
        return [.report(.moved(message.sender, from: old, to: message.senderMAC))]
    }

    private func ask(_ entry: inout Entry, now: Ticks) -> [ARPAction] {
        let inVain = entry.mac == nil ? Self.attempts : 2 * Self.attempts
        var actions: [ARPAction] = []
        if entry.asked >= inVain, !entry.isUnreachable {
            entry.isUnreachable = true
            entry.mac = nil
            actions.append(.report(.unreachable(entry.address)))
        }
        let request = ARPMessage.request(entry.address, from: mac, entry.source)
        let asksItAlone = entry.asked < Self.attempts
        actions.append(.send(request, to: asksItAlone ? entry.mac ?? .broadcast : .broadcast))
        entry.asked += 1
        entry.due = now + Self.retryInterval
        return actions
    }
}
