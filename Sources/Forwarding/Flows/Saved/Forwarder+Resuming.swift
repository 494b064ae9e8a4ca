import NetworkAddress

extension Forwarder {
    /// Goes on with what another forwarder remembered (``save(interfaces:at:)``): to be called once, after the first
    /// ``apply(_:now:)`` and before the first packet.
    ///
    /// Servers are matched as in ``apply(_:now:)``: by service, address and port, so the services may be others by now. Flows
    /// whose server is not among them any more are left out, and so is what has expired meanwhile. In IPv4 and IPv6, of each
    /// state, the flows used last are first to go where there is no room.
    ///
    /// - Parameters:
    ///   - saved: the bytes. They are trusted as the file is that they were in; whatever they are, they do no harm to memory.
    ///   - interfaces: the names of the interfaces now, in the caller's order.
    ///   - moment: now, by the clock that went on meanwhile.
    public mutating func resume(
        _ saved: [UInt8], interfaces: [String], at moment: BootMoment, now: Ticks
    ) throws(SavedFlowsError) -> Resumption {
        board.advance(to: now)
        // Everything is read before anything is changed.
        let content = try saved.withUnsafeBytes { bytes in
            Result { () throws(SavedFlowsError) in try SavedContent(bytes) }
        }.get()
        guard let elapsed = moment.elapsed(since: content.moment) else { throw .otherBoot }
        var resumed = ResumedPlaces(content, interfaces: interfaces, elapsed: elapsed)
        board.resumeServers(content.servers, &resumed)
        board.resumeTemplates(content.templates, &resumed)
        board.resume(content.flows4, in: &v4, &resumed)
        board.resume(content.flows6, in: &v6, &resumed)
        return resumed.outcome
    }
}

/// Where what was saved is now.
struct ResumedPlaces {
    var outcome = Resumption()
    let elapsed: UInt64
    let stations: [LinkStation?]
    var servers: [UInt32?] = []
    var templates: [UInt32?] = []

    init(_ content: SavedContent, interfaces: [String], elapsed: UInt64) {
        self.elapsed = elapsed
        outcome.age = elapsed
        stations = content.stations.map { station in
            guard content.interfaces.indices.contains(station.egress),
                let egress = interfaces.firstIndex(of: content.interfaces[station.egress])
            else { return nil }
            return LinkStation(egress: egress, source: station.source, destination: station.destination)
        }
    }
}

extension Switchboard {
    fileprivate mutating func resumeServers(_ saved: [Server.Identity], _ resumed: inout ResumedPlaces) {
        let taken = servers.taken
        resumed.servers = saved.map { identity in
            taken[identity].flatMap { servers[$0].pointee.service == nil ? nil : $0 }
        }
    }

    fileprivate mutating func resumeTemplates(
        _ saved: [SavedContent.Template], _ resumed: inout ResumedPlaces
    ) {
        for template in saved {
            var place: UInt32?
            if let server = resumed.servers[template.server] {
                // One that has expired may still lead flows.
                let left = template.left > resumed.elapsed ? template.left - resumed.elapsed : 0
                place = templates.resume(template.key, server: server, deadline: clock &+ left)
                if place != nil { servers[server].pointee.templates += 1 }
                switch (place, left) {
                case (nil, _): resumed.outcome.homeless += 1
                case (_, 0): resumed.outcome.expired += 1
                default: resumed.outcome.templates += 1
                }
            } else {
                resumed.outcome.orphaned += 1
            }
            resumed.templates.append(place)
        }
    }

    fileprivate mutating func resume<Key: FlowKey>(
        _ saved: [SavedContent.SavedFlow], in flows: inout FlowTable<Key>, _ resumed: inout ResumedPlaces
    ) {
        for flow in saved {
            guard flow.left > resumed.elapsed else {
                resumed.outcome.expired += 1
                continue
            }
            guard let slot = resumed.servers[flow.server], servers[slot].pointee.identity.serves(flow) else {
                resumed.outcome.orphaned += 1
                continue
            }
            let isResumed = resume(flow, on: slot, in: &flows, resumed)
            if isResumed { resumed.outcome.flows += 1 } else { resumed.outcome.homeless += 1 }
        }
    }

    /// Whether there was room for it, and a way back to its client.
    private mutating func resume<Key: FlowKey>(
        _ saved: SavedContent.SavedFlow, on slot: UInt32, in flows: inout FlowTable<Key>, _ resumed: ResumedPlaces
    ) -> Bool {
        let server = servers[slot]
        let key = Key(
            client: Key.address(saved.client), vip: Key.address(saved.vip), clientPort: saved.clientPort,
            port: saved.port, transport: saved.transport)
        guard !flows.isFull, flows.find(key) == nil, let service = server.pointee.service else { return false }
        var flow = Flow(
            key: key, state: saved.state, server: slot, insidePort: server.pointee.port(for: saved.port),
            inside: Key.address(server.pointee.identity.address))
        flow.isAnswered = saved.isAnswered
        if let station = saved.station.flatMap({ resumed.stations[$0] }), let kept = stations.retain(station) {
            flow.station = kept
        } else if server.pointee.method.isTranslating || services[service].pointee.answersReturn {
            return false
        }
        let template = saved.template.flatMap { resumed.templates[$0] }
        if let template { templates.count(1, on: template) }
        let left = min(saved.left - resumed.elapsed, flows.timeouts.of(saved.state))
        flows.resume(
            flow, template: template, isTranslated: server.pointee.method.isTranslating, deadline: clock &+ left)
        count(1, in: saved.state, on: slot)
        server.pointee.updateOverload()
        return true
    }
}

extension Server.Identity {
    /// Whether flows like this lead to it.
    fileprivate func serves(_ flow: SavedContent.SavedFlow) -> Bool {
        vip == flow.vip && transport == flow.transport && (port == 0 || port == flow.port)
    }
}
