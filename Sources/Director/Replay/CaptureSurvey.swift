internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// Who is who in a capture: where the director was, its servers, and its own addresses beside them.
struct CaptureSurvey {
    /// How a MAC is known.
    enum Source: Hashable, Sendable {
        /// Its holder said so, by ARP or Neighbor Discovery.
        case said
        /// Packets of that address came from it: the server's own, or that of the router towards it.
        case sent
        /// Neither: it is made of the address.
        case madeUp
    }

    private let vips: Set<IPAddress>
    private let servers: Set<IPAddress>
    private var said: [IPAddress: MACAddress] = [:]
    private var sent: [IPAddress: MACAddress] = [:]
    /// To which stations packets for a VIP went, and how many: in the order in which they came up.
    private var receivers: [(station: MACAddress, packets: Int)] = []
    /// Who talked to servers in its own name, in that order.
    private var talkers: [(station: MACAddress, address: IPAddress)] = []
    /// More stations than that are on no segment, and only a hostile file has them.
    private static let longestList = 1000

    init(vips: [IPAddress], servers: [IPAddress]) {
        (self.vips, self.servers) = (Set(vips), Set(servers))
    }

    /// Takes a whole frame into account.
    mutating func look(at frame: UnsafeRawBufferPointer) {
        guard frame.count >= 14 else { return }
        if NeighborMessage.isCarried(by: frame) {
            guard let message = NeighborMessage(frame: frame), let claimed = message.claimed else { return }
            if servers.contains(claimed), said[claimed] == nil { said[claimed] = message.mac }
            if let asked = message.asked, servers.contains(asked) { note(claimed, at: message.mac) }
            return
        }
        guard let (source, destination) = Frame.ends(of: frame) else { return }
        let (receiver, sender) = (Self.mac(frame, at: 0), Self.mac(frame, at: 6))
        if servers.contains(source), sent[source] == nil, sender.isUnicast { sent[source] = sender }
        if vips.contains(destination) {
            if let index = receivers.firstIndex(where: { $0.station == receiver }) {
                receivers[index].packets += 1
            } else if receivers.count < Self.longestList {
                receivers.append((receiver, 1))
            }
        } else if servers.contains(destination), !vips.contains(source), !servers.contains(source) {
            note(source, at: sender)
        }
    }

    private mutating func note(_ address: IPAddress, at station: MACAddress) {
        guard talkers.count < Self.longestList, !vips.contains(address),
            !talkers.contains(where: { $0 == (station, address) })
        else { return }
        talkers.append((station, address))
    }

    /// The director's MAC: where most packets for VIPs go, of two with as many the first. What a director sends on goes to
    /// several servers, and comes after what it was sent. Nil: there is no packet for a VIP.
    var director: MACAddress? {
        let most = receivers.map(\.packets).max()
        return receivers.first { $0.packets == most }?.station
    }

    /// Where packets for a server go.
    func station(of server: IPAddress) -> (mac: MACAddress, source: Source) {
        if let mac = said[server] { return (mac, .said) }
        if let mac = sent[server] { return (mac, .sent) }
        return (Self.madeUp(server), .madeUp)
    }

    /// The address that the director with this MAC has beside a server, which tunnels begin at; nil: it is not to be seen.
    func ownAddress(of director: MACAddress, towards server: IPAddress) -> IPAddress? {
        talkers.first { $0.station == director && $0.address.bitWidth == server.bitWidth }?.address
    }

    /// The address that stands for the director's own where that is not to be seen: from the networks for measurements
    /// (RFC 2544 appendix C.2.2, RFC 5180 §8).
    static func standIn(towards server: IPAddress) -> IPAddress {
        server.v4 != nil ? .v4(IPv4Address(198, 18, 0, 1)) : .v6(IPv6Address(high: 0x2001_0002 << 32, low: 1))
    }

    /// A MAC of one's own making (IEEE 802 U/L bit) for an address, always the same.
    private static func madeUp(_ address: IPAddress) -> MACAddress {
        switch address {
        case .v4(let address): MACAddress(rawValue: 0x0200 << 32 | UInt64(address.rawValue))
        case .v6(let address): MACAddress(rawValue: 0x0600 << 32 | (address.high ^ address.low) & 0xFFFF_FFFF)
        }
    }

    private static func mac(_ frame: UnsafeRawBufferPointer, at offset: Int) -> MACAddress {
        MACAddress(rawValue: frame[offset..<offset + 6].reduce(0) { $0 << 8 | UInt64($1) })
    }
}
