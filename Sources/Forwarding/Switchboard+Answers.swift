import NetworkAddress

// What servers send to clients, where that passes here; and fragments, both ways.
extension Switchboard {
    /// An answer goes back where the client's packets came from: from the VIP as it is, from a server's own address with the
    /// VIP's in its place (`handle_response` in `net/netfilter/ipvs/ip_vs_core.c`).
    @inline(__always)
    mutating func forwardToClient<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ way: Way, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        let known = flowAnswered(Key(outbound: packet), by: packet, flows)
        if way == .leaving, known.map({ flows[$0].pointee.isOutbound }) ?? true {
            return try leave(&frame, packet, known, &flows)
        }
        guard let flow = known, let station = try answerStation(of: flow, for: packet, in: frame, flows) else {
            return .notOurs
        }
        if let verdict = refusal(of: frame, packet, toClientAt: station) { return verdict }
        let server = flows[flow].pointee.server
        advance(flow, past: packet, isFromServer: true, in: &flows)
        let vip = flows[flow].pointee.key
        if packet.header.isFragment {
            fragments.note(
                packet, .toClient(source: Key.wide(vip.vip), server: server, station: station), now: clock)
        }
        if packet.source != Key.wide(vip.vip) {
            Translation.rewrite(.source, of: packet, in: frame, to: Key.wide(vip.vip), port: vip.port)
        }
        return sendBack(&frame, packet, server, at: station)
    }

    /// The flow that a packet on its way to a client belongs to; nil: there is none. `key` is that of the flow's answers, which
    /// the packet is or quotes.
    @inline(__always)
    func flowAnswered<Key: FlowKey>(_ key: Key, by packet: Packet, _ flows: borrowing FlowTable<Key>) -> UInt32? {
        guard let flow = services.owns(packet.source) ? flows.find(key) : flows.findAnswered(key),
            flows[flow].pointee.deadline > clock
        else { return nil }
        return flow
    }

    /// Where the client of such a flow is; nil: the packet is none of ours.
    @inline(__always)
    func answerStation<Key: FlowKey>(
        of flow: UInt32, for packet: Packet, in frame: Frame, _ flows: borrowing FlowTable<Key>
    ) throws(DropReason) -> LinkStation? {
        guard let station = answerStation(of: flow, in: flows) else { return nil }
        guard !services.owns(packet.source) || isSender(of: frame, flows[flow].pointee.server) else { throw .impostor }
        guard packet.timeToLive > 1 else { throw .answerExpired }
        return station
    }

    /// Where answers of a flow go; nil: they do not pass here.
    @inline(__always)
    private func answerStation<Key: FlowKey>(of index: UInt32, in flows: borrowing FlowTable<Key>) -> LinkStation? {
        let flow = flows[index]
        guard flow.pointee.station != StationTable.none else { return nil }
        let server = servers[flow.pointee.server]
        let returns = server.pointee.service.map { services[$0].pointee.answersReturn } ?? false
        return server.pointee.method.isTranslating || returns ? stations[flow.pointee.station] : nil
    }

    /// Whether a frame comes from where this server is. The VIP's address is anybody's to write: only the flow's own server may
    /// answer in its name.
    private func isSender(of frame: Frame, _ server: UInt32) -> Bool {
        LinkStation(senderOf: frame)?.destination == servers[server].pointee.station?.destination
    }

    /// Why an answer cannot be sent to its client as it is; nil: it can. A server may be on a link that takes longer packets than
    /// the one towards clients does: it is told so as by any router (RFC 1191), which here is whoever it sent the packet to.
    @inline(__always)
    private func refusal(of frame: Frame, _ packet: Packet, toClientAt station: LinkStation) -> Verdict? {
        guard linkMTUs.indices.contains(station.egress) else { return nil }
        return Self.refusal(of: frame, packet, limit: linkMTUs[station.egress])
    }

    /// A fragment without ports goes where the first one went.
    mutating func follow(_ frame: inout Frame, _ packet: Packet, _ way: Way) throws(DropReason) -> Verdict {
        guard let turn = fragments.find(packet, now: clock) else {
            if way == .fromServer { return .notOurs }
            throw .fragment
        }
        switch turn {
        case .toServer(let slot):
            // The slot may be another server's by now, and then of another service.
            guard servers[slot].pointee.isTaken, servers[slot].pointee.service != nil,
                servers[slot].pointee.identity.vip == packet.destination
            else { throw .serverRemoved }
            if let verdict = try refusal(of: frame, packet, at: slot) { return verdict }
            return deliver(&frame, packet, to: slot)
        case .toWorld(let address, let rule):
            return try leave(&frame, packet, as: address, rule)
        case .toInside(let inside, let rule, let station):
            return try enter(&frame, packet, to: inside, rule, at: station)
        case .toClient(let vip, let slot, let station):
            guard packet.timeToLive > 1 else { throw .answerExpired }
            if let verdict = refusal(of: frame, packet, toClientAt: station) { return verdict }
            if packet.source != vip { Translation.rewrite(.source, of: packet, in: frame, to: vip, port: 0) }
            return sendBack(&frame, packet, slot, at: station)
        }
    }

    @inline(__always)
    mutating func sendBack(
        _ frame: inout Frame, _ packet: Packet, _ slot: UInt32, at station: LinkStation
    ) -> Verdict {
        servers[slot].pointee.outbound.count(packet.totalLength)
        if let service = servers[slot].pointee.service { services[service].pointee.outbound.count(packet.totalLength) }
        station.address(frame.bytes, packet.header)
        return .transmit(egress: station.egress)
    }
}
