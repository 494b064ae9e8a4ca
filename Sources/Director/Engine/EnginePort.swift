internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// One interface in the engine's hands: its socket, the VIPs on it and the servers behind it. Belongs to the engine's
/// thread.
final class EnginePort {
    let name: String
    /// Its index in the engine's list, which verdicts name.
    let slot: Int
    /// Nil while the interface is lost.
    var socket: PacketSocket?
    var vips: [VIPOwnership] = []
    var neighbors: NeighborTable?
    /// When to try again while it is lost.
    var retry = Ticks(milliseconds: 0)
    /// Of the sockets before this one.
    private var earlier = PacketCounters()

    init(name: String, slot: Int) {
        self.name = name
        self.slot = slot
    }

    /// Takes a socket into use: VIPs and servers are asked for anew, whatever was known.
    func open(
        _ socket: consuming PacketSocket, vips: [IPv4Address], owns: Bool,
        servers: [(address: IPv4Address, source: IPv4Address)], now: Ticks
    ) {
        let mac = socket.address
        var random = SystemRandomNumberGenerator()
        self.vips = vips.map { VIPOwnership(vip: $0, mac: mac, owns: owns, now: now, using: &random) }
        neighbors = NeighborTable(mac: mac, servers: servers, now: now)
        self.socket = consume socket
    }

    /// Gives the socket up.
    func close(retry: Ticks) {
        if socket != nil { earlier = counters }
        socket = nil
        neighbors = nil
        self.retry = retry
    }

    /// Over all sockets there were.
    var counters: PacketCounters {
        guard let now = socket?.statistics() else { return earlier }
        var sum = earlier
        sum.received &+= now.received
        sum.ringDrops &+= now.ringDrops
        sum.transmitted &+= now.transmitted
        sum.transmittedBytes &+= now.transmittedBytes
        sum.refused &+= now.refused
        if now.lastRefusal != 0 { sum.lastRefusal = now.lastRefusal }
        return sum
    }

    /// Where packets for `server` go from here; nil: not known.
    func station(of server: IPv4Address) -> LinkStation? {
        guard let mac = socket?.address, let destination = neighbors?.station(of: server) else { return nil }
        return LinkStation(egress: slot, source: mac, destination: destination)
    }
}
