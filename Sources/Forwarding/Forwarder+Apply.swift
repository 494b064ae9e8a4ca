import NetworkAddress

extension Forwarder {
    /// Makes these the services. Applying the same list again changes nothing.
    ///
    /// Services are matched by VIP and port (of two with the same ones the first counts), servers by address. What did not
    /// change keeps its flows, its counters and whose turn it is. In particular:
    ///
    /// - a server whose weight became 0 gets no new connections, and its flows go on;
    /// - a server that was taken out is remembered while flows lead to it: their packets are dropped
    ///   (``DropReason/serverRemoved``), but a SYN is scheduled anew, and should the server come back in time, so do they;
    /// - changed weights or members of a `wrr` service start its rotation again as IPVS does, once for each call
    ///   (`ip_vs_wrr_dest_changed` in `net/netfilter/ipvs/ip_vs_wrr.c`); `rr` goes on after the server it picked last, or where
    ///   that one was taken out, after the one before it (`ip_vs_rr_del_dest` in `net/netfilter/ipvs/ip_vs_rr.c`); `mh` builds
    ///   its table again unless weights only became 0 or came back, which takes milliseconds for a thousand servers.
    public mutating func apply(_ desired: [VirtualService], now: Ticks) {
        // Flows whose time has come go first: a server remembered only for them is then forgotten.
        expire(now: now, budget: .max)

        var slots = servers.taken
        var unwanted = Set(slots.values)
        var newServices: [Service] = []
        var newMembers: [Member] = []
        var newNames: [String] = []
        var seen: Set<UInt64> = []

        for wanted in desired where seen.insert(UInt64(wanted.vip.rawValue) << 16 | UInt64(wanted.port)).inserted {
            var members: [Member] = []
            for server in wanted.servers {
                let identity = Server.Identity(
                    vip: wanted.vip.rawValue, port: wanted.port, address: server.address.rawValue)
                let slot = slots[identity] ?? servers.add(Server(identity))
                guard !members.contains(where: { $0.server == slot }) else { continue }
                slots[identity] = slot
                unwanted.remove(slot)
                servers[slot].pointee.service = newServices.count
                servers[slot].pointee.weight = max(0, server.weight)
                servers[slot].pointee.station = server.station
                servers[slot].pointee.upper = server.upper
                servers[slot].pointee.lower = server.lower
                servers[slot].pointee.updateOverload()
                members.append(
                    Member(
                        server: slot, weight: server.station == nil ? 0 : server.weight,
                        identity: .init(address: mapped(server.address.rawValue), port: wanted.port)))
            }
            let start = newMembers.count
            newMembers += members
            newServices.append(service(wanted, in: start..<newMembers.count))
            newNames.append(wanted.name)
        }

        for slot in unwanted {
            servers[slot].pointee.service = nil
            servers.forgetIfUnused(slot)
        }
        let table = ServiceTable(newServices, members: newMembers, seed: seed)
        handOver(to: table)
        services = table
        names = newNames
    }

    /// The service as wanted, with the counters of the one that there was.
    private func service(_ wanted: VirtualService, in range: Range<Int>) -> Service {
        let vip = wanted.vip.rawValue
        var new = Service(
            vip: vip, port: wanted.port, scheduler: wanted.scheduler, options: wanted.options, members: range)
        guard let index = services.exactly(vip, wanted.port) else { return new }
        let old = services[index].pointee
        new.connections = old.connections
        new.packets = old.packets
        new.bytes = old.bytes
        return new
    }

    /// Gives each service's scheduler what that of the same service knew, if it is of the same kind, and tells it who its members
    /// are now.
    private func handOver(to table: borrowing ServiceTable) {
        for index in 0..<table.count {
            let service = table[index].pointee
            let scheduler = table.scheduler(of: index)
            if let old = services.exactly(service.vip, service.port),
                services[old].pointee.scheduler == service.scheduler
            {
                swap(&scheduler.pointee, &services.scheduler(of: old).pointee)
                scheduler.pointee.options = service.options
            }
            scheduler.pointee.membersChanged(to: Array(table.members(of: index)))
        }
    }
}
