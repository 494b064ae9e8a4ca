import NetworkAddress

// Source NAT: what servers send to the world leaves in the name of their outbound address. The port stays where it is free
// towards this remote end, else it is another of the range; so one port serves many remotes (`get_unique_tuple` in
// `net/netfilter/nf_nat_core.c`).
//
//     server 10.0.0.11:40001 ─► remote 198.51.100.7:80        known by `answerKey`, as NAT's answers are
//     203.0.113.5:40001      ─► remote 198.51.100.7:80        known by `key`, as a client's packets to a VIP are
//
// A flow is one of network address translation whose first packet came from the inside: the remote end is its client.
extension Switchboard {
    /// How a packet leaves.
    private enum Departure {
        case by(LinkStation)
        case refused(Verdict)
    }

    /// A server's packet to the world; `known`: its flow.
    mutating func leave<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ known: UInt32?, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        // 1. Where to, before anything changes.
        let station: LinkStation
        switch try departure(of: frame, packet) {
        case .refused(let verdict): return verdict
        case .by(let found): station = found
        }
        // 2. In whose name.
        let flow = try outboundFlow(of: packet, in: frame, known, &flows)
        let seen = flows[flow].pointee.key
        let slot = flows[flow].pointee.server
        let address = Key.wide(seen.vip)
        if packet.header.isFragment { fragments.note(packet, .toWorld(source: address, rule: slot), now: clock) }
        // 3. Out.
        Translation.rewrite(.source, of: packet, in: frame, to: address, port: seen.port)
        return send(frame, packet, out: station, slot)
    }

    /// A later fragment of a server's packet to the world, whose first one left as `address`.
    mutating func leave(
        _ frame: inout Frame, _ packet: Packet, as address: IPv6Address, _ slot: UInt32
    ) throws(DropReason) -> Verdict {
        guard servers[slot].pointee.isOutbound else { throw .serverRemoved }
        switch try departure(of: frame, packet) {
        case .refused(let verdict): return verdict
        case .by(let station):
            Translation.rewrite(.source, of: packet, in: frame, to: address, port: 0)
            return send(frame, packet, out: station, slot)
        }
    }

    /// An ICMP error from a server, or from a router on the way to one, about what the world sent to a server: it is told to the
    /// world by the outbound address.
    mutating func leave<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, quoting quoted: QuotedPacket, of flow: UInt32,
        _ flows: borrowing FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        let slot = flows[flow].pointee.server
        guard servers[slot].pointee.isOutbound else { throw .serverRemoved }
        switch try departure(of: frame, packet) {
        case .refused(let verdict): return verdict
        case .by(let station):
            let seen = flows[flow].pointee.key
            guard quoted.translate(.outward, to: Key.wide(seen.vip), port: seen.port, in: frame) else {
                throw .malformed
            }
            return send(frame, packet, out: station, slot)
        }
    }

    private mutating func send(_ frame: Frame, _ packet: Packet, out station: LinkStation, _ slot: UInt32) -> Verdict {
        servers[slot].pointee.outbound.count(packet.totalLength)
        station.address(frame.bytes, packet.header)
        return .transmit(egress: station.egress)
    }

    /// The way to the world, by the most specific route.
    private mutating func departure(of frame: Frame, _ packet: Packet) throws(DropReason) -> Departure {
        guard packet.timeToLive > 1 else { return .refused(.timeExceeded) }
        guard let route = outbound.route(to: packet.destination) else { throw .noRoute }
        if let verdict = Self.refusal(of: frame, packet, limit: route.pointee.mtu) { return .refused(verdict) }
        switch route.pointee.hop {
        case .router(_, let station?): return .by(station)
        case .router(_, nil): throw .nextHopUnresolved
        case .elsewhere: throw .noRoute
        case .onLink(let egress, let source):
            guard let mac = onLink.use(packet.destination, egress, now: clock) else {
                return .refused(.unresolved(egress: egress, packet.destination.narrow))
            }
            return .by(LinkStation(egress: egress, source: source, destination: mac))
        }
    }

    /// What becomes of a packet that is longer than its way takes; nil: it is not. Of a super-packet the segments count.
    static func refusal(of frame: Frame, _ packet: Packet, limit: Int) -> Verdict? {
        guard packet.totalLength > limit else { return nil }
        guard frame.segmentSize == 0 || packet.headLength(in: frame) + frame.segmentSize > limit else { return nil }
        return packet.header.mustNotFragment ? .tooBig(mtu: limit) : .split(limit: limit)
    }
}

extension Packet {
    /// How many bytes of headers each segment of a super-packet has.
    fileprivate func headLength(in frame: Frame) -> Int {
        guard let base = frame.bytes.baseAddress else { return 0 }
        return header.length + (header.transportLength(at: base + InternetHeader.ethernet) ?? 0)
    }
}
