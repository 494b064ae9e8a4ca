import NetworkAddress

// Source NAT: what the world sends to an outbound address goes to the server whose flow it belongs to, by way of the station
// that the server's own packets came from.
extension Switchboard {
    /// A packet of an outbound flow, from the world.
    @inline(__always)
    mutating func enter<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ flow: UInt32, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        let slot = flows[flow].pointee.server
        let inside = Key.wide(flows[flow].pointee.inside)
        let station = stations[flows[flow].pointee.station]
        if let verdict = try refusalToEnter(frame, packet, inside, slot) { return verdict }
        note(flow, past: packet, isFromWorld: true, in: &flows)
        if packet.header.isFragment {
            fragments.note(packet, .toInside(destination: inside, rule: slot, station: station), now: clock)
        }
        Translation.rewrite(.destination, of: packet, in: frame, to: inside, port: flows[flow].pointee.insidePort)
        return send(frame, packet, in: station, slot)
    }

    /// A later fragment from the world, whose first one went to `inside`.
    mutating func enter(
        _ frame: inout Frame, _ packet: Packet, to inside: IPv6Address, _ slot: UInt32, at station: LinkStation
    ) throws(DropReason) -> Verdict {
        if let verdict = try refusalToEnter(frame, packet, inside, slot) { return verdict }
        Translation.rewrite(.destination, of: packet, in: frame, to: inside, port: 0)
        return send(frame, packet, in: station, slot)
    }

    /// An ICMP error about what a server sent to the world.
    mutating func enter<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, quoting quoted: QuotedPacket, of flow: UInt32,
        _ flows: borrowing FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        let slot = flows[flow].pointee.server
        let inside = Key.wide(flows[flow].pointee.inside)
        if let verdict = try refusalToEnter(frame, packet, inside, slot) { return verdict }
        guard quoted.translate(.inward, to: inside, port: flows[flow].pointee.insidePort, in: frame) else {
            throw .malformed
        }
        return send(frame, packet, in: stations[flows[flow].pointee.station], slot)
    }

    private mutating func send(_ frame: Frame, _ packet: Packet, in station: LinkStation, _ slot: UInt32) -> Verdict {
        servers[slot].pointee.inbound.count(packet.totalLength)
        station.address(frame.bytes, packet.header)
        return .transmit(egress: station.egress)
    }

    /// Why a packet cannot go on to a server; nil: it can.
    @inline(__always)
    private func refusalToEnter(
        _ frame: Frame, _ packet: Packet, _ inside: IPv6Address, _ slot: UInt32
    ) throws(DropReason) -> Verdict? {
        guard servers[slot].pointee.isOutbound else { throw .serverRemoved }
        guard packet.timeToLive > 1 else { return .timeExceeded }
        guard let mtu = outbound.route(to: inside)?.pointee.mtu else { return nil }
        return Self.refusal(of: frame, packet, limit: mtu)
    }
}
