import NetworkAddress

// What clients send: to the server of their flow, or to one that the scheduler picks.
extension Switchboard {
    @inline(__always)
    mutating func forwardToServer<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        let key = Key(inbound: packet)
        // 1. The flow, unless its time has come.
        var known = flows.find(key)
        if let flow = known, flows[flow].pointee.deadline <= clock {
            forget(flow, in: &flows)
            known = nil
        }

        if let flow = known, flows[flow].pointee.isOutbound { return try enter(&frame, packet, flow, &flows) }

        // 2. A packet of a flow goes where the flow goes; a SYN may be the start of another connection.
        if let flow = known, !begins(packet, instead: flow, in: flows) {
            let server = flows[flow].pointee.server
            if servers[server].pointee.service != nil, !leaves(packet, server) {
                if let verdict = try refusal(of: frame, packet, at: server) { return verdict }
                try noteStation(of: frame, flow, in: &flows)
                advance(flow, past: packet, isFromServer: false, in: &flows)
                if servers[server].pointee.method.isTranslating { flows.claimAnswers(of: flow, now: clock) }
                return deliver(&frame, packet, to: server)
            }
            guard servers[server].pointee.service != nil || isOrphanForgotten(packet) else { throw .serverRemoved }
        }

        // 3. Otherwise it must open one.
        guard let service = services.find(packet.destination, packet.transport, packet.destinationPort) else {
            throw .noService
        }
        guard opens(packet, service) else { throw .noFlow }
        guard packet.timeToLive > 1 else { return .timeExceeded }
        if let flow = known { forget(flow, in: &flows) }
        let victim = flows.isFull ? try leastWanted(of: flows) : nil
        guard let choice = try choose(service, packet) else {
            // As an ARP queue would: who is asked for now can answer in a moment, and a client that was told of no service stays away.
            guard !services.awaitsServers(service, among: servers) else { throw .serverUnresolved }
            return .unreachable
        }
        let refused = try refusal(of: frame, packet, at: choice.server)
        let station = try returnStation(of: frame, service, choice.server)
        if let victim { forget(victim, in: &flows) }
        open(key, packet, service, choice, station, in: &flows)
        // What is too long comes again, cut or shorter: it is scheduled once, and goes to the server whose way it must fit.
        if let refused { return refused }
        return deliver(&frame, packet, to: choice.server)
    }

    /// Whether a packet of a known flow is the start of another connection, to be scheduled anew: a SYN, where the flow's
    /// state allows it, or where its server is gone, or where the SYN before was never answered and the server takes no new
    /// connections any more. Of one that is awaited nobody knows that.
    @inline(__always)
    private func begins<Key: FlowKey>(_ packet: Packet, instead flow: UInt32, in flows: borrowing FlowTable<Key>)
        -> Bool
    {
        guard packet.flags.opensConnection else { return false }
        let (server, state) = (flows[flow].pointee.server, flows[flow].pointee.state)
        guard servers[server].pointee.service != nil else { return true }
        if state == .tcp(.synReceived) {
            return servers[server].pointee.weight == 0 && !servers[server].pointee.isAwaited
        }
        // `conn_reuse_mode` 2: FIN_WAIT is as good as over only where the server's side is not seen.
        let isHeard = flows[flow].pointee.isAnswered || servers[server].pointee.method.isTranslating
        return state.allowsReuse && !(isHeard && state == .tcp(.finWait))
    }

    /// Whether a datagram of a known flow is given to another server than the one it went to: where that one is out, and the
    /// service forgets such flows. Datagrams know no end that would let go of it.
    @inline(__always)
    private func leaves(_ packet: Packet, _ server: UInt32) -> Bool {
        guard servers[server].pointee.isOut, packet.transport == InternetHeader.udp else { return false }
        return isOrphanForgotten(packet)
    }

    /// Whether this packet's service forgets flows whose server was taken out, and it may open one.
    private func isOrphanForgotten(_ packet: Packet) -> Bool {
        guard let service = services.find(packet.destination, packet.transport, packet.destinationPort) else {
            return false
        }
        return services[service].pointee.expiresOrphans
    }

    /// Whether a packet may open a flow (`tcp_conn_schedule`, `udp_conn_schedule`).
    @inline(__always)
    private func opens(_ packet: Packet, _ service: Int) -> Bool {
        guard packet.transport == InternetHeader.tcp else { return true }
        return services[service].pointee.isSloppy ? !packet.flags.contains(.rst) : packet.flags.opensConnection
    }

    /// Why a packet cannot be sent to a server now; nil: it can.
    @inline(__always)
    func refusal(of frame: Frame, _ packet: Packet, at slot: UInt32) throws(DropReason) -> Verdict? {
        let server = servers[slot]
        guard server.pointee.station != nil else { throw .serverUnresolved }
        guard packet.timeToLive > 1 else { return .timeExceeded }
        let mtu = server.pointee.innerMTU(now: clock)
        guard frame.segmentSize == 0 else {
            // The segments are as long as they came, and fit where they need not grow; the kernel makes them on the way out,
            // but not inside a tunnel.
            return server.pointee.method.overhead > 0 ? .split(limit: mtu) : nil
        }
        guard packet.totalLength > mtu else { return nil }
        return packet.header.mustNotFragment ? .tooBig(mtu: mtu) : .split(limit: mtu)
    }

    /// The flow whose place a new one takes when the table is full. Only what has expired, was never more than a SYN, or was
    /// reset may go, and else a question's or a datagram's: whatever a flood brings, connections that carry data stay.
    func leastWanted<Key: FlowKey>(of flows: borrowing FlowTable<Key>) throws(DropReason) -> UInt32 {
        let tcp = flows.expired(now: clock) ?? flows.oldest(in: .tcp(.synReceived)) ?? flows.oldest(in: .tcp(.close))
        guard let flow = tcp ?? flows.oldest(in: .query) ?? flows.oldest(in: .udp) else { throw .tableFull }
        return flow
    }

    /// Where the client's answers go, if they pass here, and errors that tunnels bring about: back where its packet came from.
    /// ``StationTable/none``: nothing does.
    private mutating func returnStation(
        of frame: Frame, _ service: Int, _ server: UInt32
    ) throws(DropReason) -> UInt16 {
        guard servers[server].pointee.method != .direct || services[service].pointee.answersReturn else {
            return StationTable.none
        }
        guard let sender = LinkStation(senderOf: frame), let station = stations.retain(sender) else { throw .tableFull }
        return station
    }

    /// Notes where a client's packets come from now, should that have changed.
    @inline(__always)
    private mutating func noteStation<Key: FlowKey>(
        of frame: Frame, _ flow: UInt32, in flows: inout FlowTable<Key>
    ) throws(DropReason) {
        let old = flows[flow].pointee.station
        guard old != StationTable.none, let sender = LinkStation(senderOf: frame), stations[old] != sender else {
            return
        }
        try moveStation(to: sender, flow, in: &flows)
    }

    /// Has a flow's answers go to another station from now on.
    mutating func moveStation<Key: FlowKey>(
        to sender: LinkStation, _ flow: UInt32, in flows: inout FlowTable<Key>
    ) throws(DropReason) {
        guard let new = stations.retain(sender) else { throw .tableFull }
        stations.release(flows[flow].pointee.station)
        flows[flow].pointee.station = new
    }

    /// Remembers a new flow, and counts it.
    private mutating func open<Key: FlowKey>(
        _ key: Key, _ packet: Packet, _ service: Int, _ choice: Choice, _ station: UInt16,
        in flows: inout FlowTable<Key>
    ) {
        let server = servers[choice.server]
        let isTranslated = server.pointee.method.isTranslating
        let direction: TCPState.Direction = isTranslated ? .fromClient : .fromClientOnly
        let isTCP = packet.transport == InternetHeader.tcp
        let state: FlowState = isTCP ? .tcp(TCPState.none.next(after: packet.flags, direction)) : .udp
        var flow = Flow(
            key: key, state: state, server: choice.server,
            insidePort: server.pointee.port(for: packet.destinationPort),
            inside: Key.address(server.pointee.identity.address))
        flow.station = station
        if let template = choice.template { templates.count(1, on: template) }
        _ = flows.add(flow, template: choice.template, isTranslated: isTranslated, now: clock)
        count(1, in: state, on: choice.server)
        server.pointee.updateOverload()
        server.pointee.connections += 1
        services[service].pointee.connections += 1
    }

    /// Notes a packet of a flow.
    @inline(__always)
    mutating func advance<Key: FlowKey>(
        _ flow: UInt32, past packet: Packet, isFromServer: Bool, in flows: inout FlowTable<Key>
    ) {
        let (old, server) = (flows[flow].pointee.state, flows[flow].pointee.server)
        guard case .tcp(let state) = old else {
            // A client that never falls silent would stay with a server that is out for ever: IPVS lets go of the flows of one
            // that was taken out once their time has come, whatever its clients send (`ip_vs_in_hook` in
            // `net/netfilter/ipvs/ip_vs_core.c` drops their packets without starting the timer anew).
            if !servers[server].pointee.isOut { flows.renew(flow, state: old, now: clock) }
            return
        }
        if isFromServer { flows[flow].pointee.isAnswered = true }
        // IP_VS_CONN_F_NOOUTPUT: the client's side alone is judged by until the server was heard.
        let isHeard = flows[flow].pointee.isAnswered || servers[server].pointee.method.isTranslating
        let direction: TCPState.Direction = isFromServer ? .fromServer : isHeard ? .fromClient : .fromClientOnly
        renew(flow, to: .tcp(state.next(after: packet.flags, direction)), in: &flows)
    }

    /// Takes a flow to be in this state now, and counts it so.
    @inline(__always)
    mutating func renew<Key: FlowKey>(_ flow: UInt32, to new: FlowState, in flows: inout FlowTable<Key>) {
        let (old, server) = (flows[flow].pointee.state, flows[flow].pointee.server)
        flows.renew(flow, state: new, now: clock)
        if old.isActive != new.isActive {
            count(-1, in: old, on: server)
            count(1, in: new, on: server)
        }
    }

    /// Sends a packet to a server that it was not refused to. `isTranslated`: its ends are the server's already.
    @inline(__always)
    mutating func deliver(
        _ frame: inout Frame, _ packet: Packet, to slot: UInt32, isTranslated: Bool = false
    ) -> Verdict {
        let server = servers[slot]
        guard let station = server.pointee.station else { return .drop(.serverUnresolved) }
        switch server.pointee.method {
        case .direct:
            station.address(frame.bytes, packet.header)
        case .nat:
            if !isTranslated {
                Translation.rewrite(
                    .destination, of: packet, in: frame, to: server.pointee.identity.address,
                    port: server.pointee.port(for: packet.destinationPort))
            }
            station.address(frame.bytes, packet.header)
        case .tunnel(let tunnel):
            identification &+= 1
            guard tunnel.encapsulate(&frame, to: station, identification: identification, seed: seed) else {
                drops[.notEncapsulated] += 1
                return .drop(.notEncapsulated)
            }
        }
        server.pointee.inbound.count(packet.totalLength)
        if let service = server.pointee.service { services[service].pointee.inbound.count(packet.totalLength) }
        if packet.header.isFragment, !packet.isLaterFragment { fragments.note(packet, .toServer(slot), now: clock) }
        return .transmit(egress: station.egress)
    }
}

extension LinkStation {
    /// The station that sent a frame, as one to answer: through the interface it came in by.
    @inline(__always)
    init?(senderOf frame: Frame) {
        guard let base = frame.bytes.baseAddress, frame.bytes.count >= InternetHeader.ethernet else { return nil }
        let head = UnsafeRawPointer(base)
        guard head.byte(at: 6) & 1 == 0 else { return nil }
        self.init(egress: frame.ingress, source: head.mac(at: 0), destination: head.mac(at: 6))
    }
}
