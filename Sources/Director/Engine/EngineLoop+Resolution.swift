internal import Forwarding
internal import NetworkAddress
internal import PacketIO

// Who has which address: ARP and Neighbor Discovery.
extension EngineLoop {
    func receive(_ message: NeighborMessage, on port: EnginePort, now: Ticks) {
        for index in port.vips.indices
        where port.vips[index].vip == message.asked || port.vips[index].vip == message.claimed {
            obey(port.vips[index].receive(message, now: now, using: &random), on: port)
        }
        if let actions = port.neighbors?.receive(message, now: now) { obey(actions, on: port) }
    }

    func obey(_ actions: [ResolutionAction], on port: EnginePort) {
        for action in actions {
            switch action {
            case .send(let message, let destination):
                transmit(length: message.write(to: destination, into: scratch), on: port)
            case .report(let event):
                guard !isAboutDestinationAlone(event, on: port) else { continue }
                report(.resolution(event, interface: port.name))
                switch event {
                // Put in force between two batches: at the start, many servers answer at once.
                case .resolved, .moved, .unreachable: isPlanStale = true
                case .claimed, .notClaimed, .contested: break
                }
            }
        }
    }

    /// Tells each interface how the servers behind it are reached, as the host's addresses and routes are now. While IPv6
    /// finds out whether an address of ours is somebody else's nobody is asked as it: those behind it are looked for again soon.
    func findWays(on ports: [EnginePort], now: Ticks) throws(DirectorError) {
        let host = try HostNetwork.read(routesTo: settings.servers, withTable: !settings.outbound.isEmpty)
        let seen = settings.outbound.map(\.address)
        for port in ports where port.socket != nil {
            guard let interface = host.interface(port.name) else {
                throw DirectorError(operation: "take frames from \(port.name)", cause: "it vanished meanwhile")
            }
            var hops: [IPAddress: NextHop] = [:]
            for server in settings.servers {
                guard let hop = host.nextHop(to: server, by: interface), interface.isUsable(hop.source) else { continue }
                hops[server] = hop
            }
            let routers = host.routers(behind: interface, like: seen).filter { interface.isUsable($0.value) }
            port.interface = interface
            port.take(hops, routers: routers, mtu: interface.mtu, now: now)
        }
        let found = host.ways(by: self.ports.map(\.name), like: seen)
        if found != ways { isPlanStale = true }
        ways = found
    }

    /// Looks again where a server is behind none of the interfaces: its address or route may come later than the interface. With
    /// source NAT always, for the way to the world may change.
    func findMissingWays(now: Ticks) {
        let open = ports.filter { $0.socket != nil }
        let isMissing = settings.servers.contains { server in open.allSatisfy { $0.hops[server] == nil } }
        guard !open.isEmpty, isMissing || !settings.outbound.isEmpty else { return }
        // What went wrong now is tried again next time.
        try? findWays(on: open, now: now)
        if isMissing { isPlanStale = true }
    }
}
