internal import Forwarding
internal import NetworkAddress
internal import PacketIO

// Source NAT: the ways to the world, and who is where on the director's own links there.
extension EngineLoop {
    /// How many destinations on one interface's link are asked for at once.
    private static let mostDestinations = 1024
    /// For how long a destination is kept that nothing is sent to, in milliseconds: `gc_stale_time` (arp(7)).
    private static let idleTime: UInt64 = 60_000

    /// The rules, with the ways as they are known now.
    var outbound: Outbound {
        guard !settings.outbound.isEmpty else { return Outbound() }
        let routes = ways.ways.map { way in
            Outbound.Route(network: way.network, hop: hop(of: way), mtu: way.mtu)
        }
        return Outbound(rules: settings.outbound, routes: routes, own: ways.own)
    }

    private func hop(of way: NetworkWays.Way) -> Outbound.Route.Hop {
        guard let slot = way.port else { return .elsewhere }
        // While the interface is lost, packets for it wait for it to come back.
        guard let source = ports[slot].socket?.address else { return .router(egress: slot, nil) }
        guard let gateway = way.gateway else { return .onLink(egress: slot, source: source) }
        let station = ports[slot].neighbors?.station(of: gateway).map {
            LinkStation(egress: slot, source: source, destination: $0)
        }
        return .router(egress: slot, station)
    }

    /// Asks where a destination on the link is. Only the first packets to it are lost: it is then kept fresh while packets go
    /// there.
    func ask(for address: IPAddress, on port: EnginePort, now: Ticks) {
        guard port.destinations.count < Self.mostDestinations,
            let source = port.interface?.source(for: address) ?? port.interface?.anyAddress(like: address),
            port.interface?.isUsable(source) == true, port.destinations.insert(address).inserted
        else { return }
        port.neighbors?.watch(address, as: source, now: now)
        // A server or a router is known already.
        if let mac = port.neighbors?.station(of: address) {
            path.forwarder.learn(address, on: port.slot, at: mac, now: now)
        }
    }

    /// Takes up where a destination is now; whether that is all there is to the event, which is then nobody's news.
    func isAboutDestinationAlone(_ event: ResolutionEvent, on port: EnginePort) -> Bool {
        let address: IPAddress
        switch event {
        case .resolved(let neighbor, let mac), .moved(let neighbor, from: _, to: let mac):
            address = neighbor
            guard port.destinations.contains(address) else { return false }
            path.forwarder.learn(address, on: port.slot, at: mac, now: now())
        case .unreachable(let neighbor):
            address = neighbor
            guard port.destinations.contains(address) else { return false }
            forget(address, on: port)
        case .claimed, .notClaimed, .contested:
            return false
        }
        return !port.nextHops.contains(address)
    }

    /// Keeps nobody fresh that nothing is sent to any more.
    func forgetIdleDestinations(now: Ticks) {
        for port in ports {
            for address in port.destinations {
                // Who is not known yet is asked for until that was in vain.
                guard let used = path.forwarder.lastUse(of: address, on: port.slot) else {
                    if port.neighbors?.station(of: address) != nil { forget(address, on: port) }
                    continue
                }
                if now.milliseconds >= used.milliseconds &+ Self.idleTime { forget(address, on: port) }
            }
        }
    }

    /// Forgets all of them, as the interface is lost.
    func forgetDestinations(on port: EnginePort) {
        for address in port.destinations { forget(address, on: port) }
    }

    private func forget(_ address: IPAddress, on port: EnginePort) {
        port.destinations.remove(address)
        path.forwarder.forget(address, on: port.slot)
        if !port.nextHops.contains(address) { port.neighbors?.forget(address) }
    }
}
