internal import Forwarding
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO

// Interfaces that come and go, and what is in force on them.
extension EngineLoop {
    /// Takes an interface into use. One that is down is waited for, and so is a worker whose turn it is before; anything else is thrown.
    func open(_ port: EnginePort, isFirst: Bool) throws(DirectorError) {
        let now = self.now()
        do throws(PacketIOError) {
            guard try openSockets(port, now: now) else { return close(port) }
        } catch {
            close(port)
            guard error.isInterfaceLoss else {
                throw DirectorError(operation: "take frames from \(port.name)", cause: "\(error)")
            }
            port.fault = nil
            if isFirst { report(.lost(interface: port.name, reason: "\(error)")) }
            return
        }
        do throws(DirectorError) {
            try findWays(on: [port], now: now)
        } catch {
            close(port)
            throw error
        }
    }

    /// Opens a socket that also gets what is asked about the IPv6 VIPs, and what others announce of them; or where there are other
    /// workers, one that takes this worker's share, and one for what concerns all.
    ///
    /// - Returns: false where another worker is to open its own first.
    private func openSockets(_ port: EnginePort, now: Ticks) throws(PacketIOError) -> Bool {
        if let seats {
            guard let sockets = try takeSeat(seats, on: port) else { return false }
            port.open(sockets, vips: settings.owned, owns: settings.ownsVIPs, now: now)
        } else {
            let socket = try PacketSocket(interface: port.name, ring: settings.ring)
            port.open(.init(packets: socket), vips: settings.owned, owns: settings.ownsVIPs, now: now)
        }
        pollSet.watch(port.pollDescriptors.packets, slot: port.slot)
        pollSet.watch(port.pollDescriptors.notices, slot: ports.count + port.slot)
        if settings.ownsVIPs { try port.socket?.joinGroups(of: settings.owned) }
        if let seats { try port.admit(seats.admits(at: port.slot)) }
        return true
    }

    /// Gives an interface up, to be tried again.
    func close(_ port: EnginePort) {
        port.close(retry: now() + Self.reopenInterval)
        pollSet.watch(nil, slot: port.slot)
        pollSet.watch(nil, slot: ports.count + port.slot)
        seats?.leave(worker, at: port.slot)
    }

    /// The interface went down or away: its servers get nothing until it is back.
    func lose(_ port: EnginePort, _ failure: PacketIOError) {
        forgetDestinations(on: port)
        close(port)
        report(.lost(interface: port.name, reason: "\(failure)"))
        applyPlans()
    }

    /// Tries a lost interface again.
    func reopen(_ port: EnginePort) {
        // Another worker may have to come, or to go, first.
        if let seats, seats.turn(of: worker, at: port.slot) == nil {
            port.fault = nil
            return
        }
        do throws(DirectorError) {
            try open(port, isFirst: false)
        } catch {
            noteFault(error, of: port)
            return
        }
        guard let mac = port.socket?.address else { return }
        if port.fault != nil { report(.usable(interface: port.name, worker: worker)) }
        port.fault = nil
        // An interface that was deleted took its hook along; one that was only down did not, and this changes nothing.
        refreshFilter()
        report(.back(interface: port.name, mac))
        applyPlans()
    }

    /// Gives the forwarder the services with the MACs that are known now.
    func applyPlans() {
        let services = plans.flatMap { plan in
            plan.services { server in ports.lazy.compactMap { $0.reach(server) }.first }
        }
        isPlanStale = false
        path.forwarder.setLinkMTUs(ports.map(\.mtu))
        path.forwarder.apply(services, outbound: outbound, now: now())
    }

    /// Puts the packet filter in force on the interfaces that are there, for the targets of now. Where that fails it is told once, and
    /// tried again with the timers.
    func refreshFilter() {
        do throws(DirectorError) {
            try installFilter(on: ports.filter { $0.socket != nil }.map(\.name))
        } catch {
            if filterRetry == nil { report(.filterFailed("\(error)")) }
            filterRetry = now() + Self.filterInterval
            return
        }
        if filterRetry != nil { report(.filterRestored) }
        filterRetry = nil
    }

    /// Keeps the host's own stack off the VIPs. Equivalent to: `nft -f` with a table netdev rsdirector.
    /// Needs CAP_NET_ADMIN.
    func installFilter(on interfaces: [String]) throws(DirectorError) {
        guard worker == 0 else { return }
        let drop = IngressDrop(
            table: EngineSettings.filterTable, interfaces: interfaces, vips: settings.owned, answers: settings.answers,
            insiders: settings.outbound.flatMap(\.sources))
        do throws(PacketFilterError) {
            try drop.install(Nftables())
        } catch {
            throw DirectorError(operation: "keep the host's own stack off the VIPs", cause: "\(error)")
        }
    }

    /// Lets the host's own stack see everything again. Equivalent to: `nft delete table netdev rsdirector`.
    /// Needs CAP_NET_ADMIN.
    func removeFilter() throws(DirectorError) {
        guard worker == 0 else { return }
        let drop = IngressDrop(table: EngineSettings.filterTable, interfaces: [], vips: [])
        do throws(PacketFilterError) {
            try drop.remove(Nftables())
        } catch {
            throw DirectorError(
                operation: "remove the packet filter's table", cause: "\(error)",
                cure: "`nft delete table netdev \(EngineSettings.filterTable)` removes it")
        }
    }

    /// What there is to tell.
    func snapshot() -> EngineSnapshot {
        var drops = path.drops
        if truncated > 0 { drops["truncated"] = truncated }
        var stations: [IPAddress: MACAddress] = [:]
        for server in settings.servers {
            stations[server] = ports.lazy.compactMap { $0.reach(server) }.first?.station?.destination
        }
        return EngineSnapshot(
            interfaces: ports.map { port in
                .init(
                    name: port.name, mac: port.socket?.address, counters: port.counters,
                    vips: port.vips.map { .init(address: $0.vip, state: $0.state, contender: $0.contender) },
                    fault: port.fault)
            },
            services: path.forwarder.statistics(), outbound: path.forwarder.outboundStatistics(), stations: stations,
            flows: path.forwarder.flowCount, flowCapacity: path.forwarder.flowCapacity, drops: drops)
    }
}
