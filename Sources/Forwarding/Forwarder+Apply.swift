import NetworkAddress

extension Forwarder {
    /// Makes these the services, and this the source NAT. Applying the same list again changes nothing.
    ///
    /// Services are matched by VIP, protocol and port (of two with the same ones the first counts), servers by address and port. What did not
    /// change keeps its flows, its counters and whose turn it is. In particular:
    ///
    /// - a server whose weight became 0 gets no new connections, and its flows go on;
    /// - a server that is out (``RealServer/isOut``) gets none either, and its clients are other servers' from then on;
    /// - one that is awaited (``RealServer/isAwaited``) keeps its flows and its known clients, who wait for it;
    /// - a server that was taken out is remembered while flows lead to it: their packets are dropped
    ///   (``DropReason/serverRemoved``), but a SYN is scheduled anew, and should the server come back in time, so do they;
    /// - changed weights or members of a `wrr` service start its rotation again as IPVS does, once for each call
    ///   (`ip_vs_wrr_dest_changed` in `net/netfilter/ipvs/ip_vs_wrr.c`); `rr` goes on after the server it picked last, or where
    ///   that one was taken out, after the one before it (`ip_vs_rr_del_dest` in `net/netfilter/ipvs/ip_vs_rr.c`); `mh` builds
    ///   its table again unless weights only became 0 or came back, which takes milliseconds for a thousand servers.
    ///
    /// A rule of source NAT keeps its flows and counters while its address stays, whatever becomes of its networks, its ports or
    /// the routes: what was translated goes on being so. What a network that was taken out sends is none of ours any more.
    public mutating func apply(_ desired: [VirtualService], outbound: Outbound = Outbound(), now: Ticks) {
        // Flows whose time has come go first: a server remembered only for them is then forgotten.
        expire(now: now, budget: .max)
        let ends = desired.map(\.vip) + outbound.rules.map(\.address)
        if ends.contains(where: { $0.v6 != nil }) { makeRoomForIPv6() }
        board.apply(desired, outbound)
    }
}

extension Switchboard {
    /// See ``Forwarder/apply(_:now:)``.
    fileprivate mutating func apply(_ desired: [VirtualService], _ outbound: Outbound) {
        var slots = servers.taken
        var unwanted = Set(slots.values)
        var newServices: [Service] = []
        var newMembers: [Member] = []
        var newNames: [String] = []
        var insiders: Set<IPv6Address> = []
        var tunnelEnds: Set<IPv6Address> = []
        var seen: Set<ServiceIdentity> = []

        for wanted in desired where seen.insert(wanted.identity).inserted {
            var members: [Member] = []
            var seenServers: Set<UInt32> = []
            for server in wanted.servers {
                let identity = Server.Identity(wanted, server)
                let slot = slots[identity] ?? servers.add(identity)
                guard seenServers.insert(slot).inserted else { continue }
                slots[identity] = slot
                unwanted.remove(slot)
                servers[slot].pointee.take(server, of: newServices.count)
                members.append(
                    Member(
                        server: slot, weight: server.weight, isResolved: server.station != nil,
                        isOut: server.isOut || server.isAwaited,
                        identity: .init(address: identity.address, port: server.port == 0 ? wanted.port : server.port)))
                switch server.method {
                case .direct: break
                case .nat: insiders.insert(identity.address)
                case .tunnel(let tunnel): tunnelEnds.insert(tunnel.source)
                }
            }
            let start = newMembers.count
            newMembers += members
            newServices.append(service(wanted, in: start..<newMembers.count))
            newNames.append(wanted.name)
        }

        let rules = outbound.rules.indices.map { index in
            let identity = Server.Identity(outbound.rules, index)
            let slot = slots[identity] ?? servers.add(identity)
            unwanted.remove(slot)
            servers[slot].pointee.isOutbound = true
            return slot
        }
        for slot in unwanted {
            servers[slot].pointee.service = nil
            servers[slot].pointee.isOutbound = false
            servers.forgetIfUnused(slot)
        }
        let table = ServiceTable(
            newServices, members: newMembers, seed: seed, insiders: insiders, tunnelEnds: tunnelEnds,
            outbound: Set(outbound.rules.map { IPv6Address(wide: $0.address) }))
        handOver(to: table)
        services = table
        names = newNames
        self.outbound = OutboundTable(outbound, slots: rules)
        outboundRules = outbound.rules
        outboundSlots = rules
    }

    /// The service as wanted, with the counters of the one that there was.
    private func service(_ wanted: VirtualService, in range: Range<Int>) -> Service {
        let identity = wanted.identity
        var new = Service(
            vip: identity.vip, transport: identity.transport, port: identity.port, scheduler: wanted.scheduler,
            options: wanted.options, persistence: wanted.persistence,
            expiresQuiescentTemplates: wanted.expiresQuiescentTemplates, expiresOrphans: wanted.expiresOrphans,
            isSloppy: wanted.isSloppy, answersReturn: wanted.answersReturn, members: range)
        guard let index = services.exactly(identity) else { return new }
        let old = services[index].pointee
        new.connections = old.connections
        new.inbound = old.inbound
        new.outbound = old.outbound
        return new
    }

    /// Gives each service's scheduler what that of the same service knew, if it is of the same kind, and tells it who its members
    /// are now.
    private func handOver(to table: borrowing ServiceTable) {
        for index in 0..<table.count {
            let service = table[index].pointee
            let scheduler = table.scheduler(of: index)
            if let old = services.exactly(service.identity), services[old].pointee.scheduler == service.scheduler {
                swap(&scheduler.pointee, &services.scheduler(of: old).pointee)
                scheduler.pointee.options = service.options
            }
            scheduler.pointee.membersChanged(to: Array(table.members(of: index)))
        }
    }
}

extension VirtualService {
    fileprivate var identity: ServiceIdentity {
        ServiceIdentity(vip: IPv6Address(wide: vip), transport: transport.rawValue, port: port)
    }
}

extension Server.Identity {
    fileprivate init(_ service: VirtualService, _ server: RealServer) {
        self.init(
            vip: IPv6Address(wide: service.vip), port: service.port, transport: service.transport.rawValue,
            address: IPv6Address(wide: server.address), serverPort: server.port)
    }
}

extension Server.Identity {
    /// A rule's: its address, and which one it is of those with the same. No server has transport 0.
    fileprivate init(_ rules: [Outbound.Rule], _ index: Int) {
        let address = rules[index].address
        self.init(
            vip: IPv6Address(wide: address), port: UInt16(rules[..<index].filter { $0.address == address }.count),
            transport: 0, address: .any, serverPort: 0)
    }
}

extension Server {
    /// Takes up what is wanted of it.
    fileprivate mutating func take(_ wanted: RealServer, of service: Int) {
        self.service = service
        isOut = wanted.isOut
        isAwaited = wanted.isAwaited && !isOut
        weight = isOut || isAwaited ? 0 : max(0, wanted.weight)
        method = wanted.method
        station = wanted.station
        mtu = wanted.mtu
        upper = wanted.upper
        lower = wanted.lower
        updateOverload()
    }
}
