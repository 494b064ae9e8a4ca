internal import Forwarding
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO

// Interfaces that come and go, and what is in force on them.
extension EngineLoop {
    /// Takes an interface into use. At the start one that is down is waited for, and anything else is thrown.
    func open(_ port: EnginePort, isFirst: Bool) throws(DirectorError) {
        let now = self.now()
        do throws(PacketIOError) {
            try openSockets(port, now: now)
        } catch {
            guard isFirst, error.isInterfaceLoss else {
                throw DirectorError(operation: "take frames from \(port.name)", cause: "\(error)")
            }
            close(port)
            report(.lost(interface: port.name, reason: "\(error)"))
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
    private func openSockets(_ port: EnginePort, now: Ticks) throws(PacketIOError) {
        var socket = try PacketSocket(
            interface: port.name, ring: settings.ring,
            taking: seats.map { .share(of: $0.group(at: port.slot)) } ?? .everything)
        var notices: PacketSocket?
        if let seats {
            notices = try PacketSocket(interface: port.name, ring: .small, taking: .notices)
            if worker == 0 { try socket.steer(by: settings.steering) }
            seats.take(worker, at: port.slot, in: socket.group)
        }
        if settings.ownsVIPs { try socket.joinGroups(of: settings.vips) }
        pollSet.watch(socket.pollDescriptor, slot: port.slot)
        pollSet.watch(notices?.pollDescriptor, slot: ports.count + port.slot)
        port.open(socket, notices: notices, vips: settings.vips, owns: settings.ownsVIPs, now: now)
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
        close(port)
        report(.lost(interface: port.name, reason: "\(failure)"))
        applyPlans()
    }

    /// Tries a lost interface again.
    func reopen(_ port: EnginePort) {
        // Another worker may have to come, or to go, first.
        guard seats?.isTurn(of: worker, at: port.slot) ?? true else { return }
        do throws(DirectorError) {
            try open(port, isFirst: false)
        } catch {
            close(port)
            return
        }
        guard let mac = port.socket?.address else { return }
        // An interface that was deleted took its hook along; one that was only down did not, and this changes nothing.
        do throws(DirectorError) {
            try installFilter(on: ports.filter { $0.socket != nil }.map(\.name))
        } catch {
            report(.filterFailed("\(error)"))
        }
        report(.back(interface: port.name, mac))
        applyPlans()
    }

    /// Gives the forwarder the services with the MACs that are known now.
    func applyPlans() {
        let services = plans.flatMap { plan in
            plan.services { server in ports.lazy.compactMap { $0.reach(server) }.first }
        }
        isPlanStale = false
        forwarder.apply(services, now: now())
    }

    /// Keeps the host's own stack off the VIPs. Equivalent to: `nft -f` with a table netdev rsdirector.
    /// Needs CAP_NET_ADMIN.
    func installFilter(on interfaces: [String]) throws(DirectorError) {
        guard worker == 0 else { return }
        let drop = IngressDrop(
            table: EngineSettings.filterTable, interfaces: interfaces, vips: settings.vips, answers: settings.answers)
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
        var drops: [String: UInt64] = [:]
        for reason in DropReason.allCases where forwarder.drops[reason] > 0 {
            drops["\(reason)"] = forwarder.drops[reason]
        }
        let others = [
            ("unreachable", forwarder.drops.unreachable), ("timeExceeded", forwarder.drops.timeExceeded),
            ("tooBig", forwarder.drops.tooBig), ("interfaceLost", undeliverable), ("truncated", truncated),
            ("unsplittable", unsplittable),
        ]
        for (name, count) in others where count > 0 { drops[name] = count }
        var stations: [IPAddress: MACAddress] = [:]
        for server in settings.servers {
            stations[server] = ports.lazy.compactMap { $0.reach(server) }.first?.station?.destination
        }
        return EngineSnapshot(
            interfaces: ports.map { port in
                .init(
                    name: port.name, mac: port.socket?.address, counters: port.counters,
                    vips: port.vips.map { .init(address: $0.vip, state: $0.state, contender: $0.contender) })
            },
            services: forwarder.statistics(), stations: stations, flows: forwarder.flowCount,
            flowCapacity: forwarder.flowCapacity, drops: drops)
    }
}
