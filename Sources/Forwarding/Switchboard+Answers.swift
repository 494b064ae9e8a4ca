import NetworkAddress

// What servers send to clients, where that passes here; and fragments, both ways.
extension Switchboard {
    /// An answer goes back where the client's packets came from: from the VIP as it is, from a server's own address with the
    /// VIP's in its place (`handle_response` in `net/netfilter/ipvs/ip_vs_core.c`).
    @inline(__always)
    mutating func forwardToClient<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        let key = Key(outbound: packet)
        let isFromVIP = services.owns(packet.source)
        guard let flow = isFromVIP ? flows.find(key) : flows.findAnswered(key),
            flows[flow].pointee.deadline > clock, flows[flow].pointee.station != StationTable.none
        else { return .notOurs }
        let slot = flows[flow].pointee.server
        // The VIP's address is anybody's to write: only the flow's own server may answer in its name.
        if isFromVIP {
            guard let sender = LinkStation(senderOf: frame),
                sender.destination == servers[slot].pointee.station?.destination
            else { return .notOurs }
        }
        guard packet.timeToLive > 1 else { throw .malformed }
        advance(flow, past: packet, isFromServer: true, in: &flows)
        let station = stations[flows[flow].pointee.station]
        let vip = Key.wide(flows[flow].pointee.key.vip)
        if packet.fragment != nil {
            fragments.note(packet, .toClient(source: vip, server: slot, station: station), now: clock)
        }
        return sendBack(&frame, packet, from: vip, flows[flow].pointee.key.port, slot, at: station)
    }

    /// A fragment without ports goes where the first one went.
    mutating func follow(_ frame: inout Frame, _ packet: Packet, _ way: Way) throws(DropReason) -> Verdict {
        guard let turn = fragments.find(packet, now: clock) else {
            if way == .fromServer { return .notOurs }
            throw .fragment
        }
        guard packet.timeToLive > 1 else { return way == .toVIP ? .timeExceeded : .notOurs }
        switch turn {
        case .toServer(let slot):
            guard servers[slot].pointee.isTaken, servers[slot].pointee.service != nil else { throw .serverRemoved }
            guard servers[slot].pointee.station != nil else { throw .serverUnresolved }
            return deliver(&frame, packet, to: slot)
        case .toClient(let vip, let slot, let station):
            return sendBack(&frame, packet, from: vip, 0, slot, at: station)
        }
    }

    @inline(__always)
    private mutating func sendBack(
        _ frame: inout Frame, _ packet: Packet, from vip: IPv6Address, _ port: UInt16, _ slot: UInt32,
        at station: LinkStation
    ) -> Verdict {
        servers[slot].pointee.outbound.count(packet.totalLength)
        if let service = servers[slot].pointee.service { services[service].pointee.outbound.count(packet.totalLength) }
        if packet.source != vip { Translation.rewrite(.source, of: packet, in: frame, to: vip, port: port) }
        station.address(frame.bytes, packet.family)
        return .transmit(egress: station.egress)
    }
}
