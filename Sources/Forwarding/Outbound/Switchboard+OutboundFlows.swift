import NetworkAddress

// The flows of source NAT.
extension Switchboard {
    /// How many ports are tried for a flow at most, so that a packet takes a bounded time: where of a thousand ports one in a
    /// hundred is free, none of them is found once in 30,000 times. netfilter tries 128 (`NF_NAT_MAX_ATTEMPTS`).
    static let portAttempts = 1024

    /// The flow of a server's packet to the world, which is noted: the known one, or a new one.
    mutating func outboundFlow<Key: FlowKey>(
        of packet: Packet, in frame: Frame, _ known: UInt32?, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> UInt32 {
        if let flow = known, flows[flow].pointee.deadline > clock,
            servers[flows[flow].pointee.server].pointee.isOutbound
        {
            try noteStation(of: frame, packet, flow, in: &flows)
            note(flow, past: packet, isFromWorld: false, in: &flows)
            return flow
        }
        // 1. Who may open one: who begins something, from where servers are.
        guard packet.opensOutbound else { throw .noFlow }
        guard let rule = outbound.source(packet.source)?.pointee else { throw .noFlow }
        guard outbound.isExpected(packet.source, by: frame.ingress) else { throw .martian }
        if let stale = flows.findAnswered(Key(outbound: packet)) { forget(stale, in: &flows) }
        // 2. What it needs: a port, a place, and where the answers go.
        guard let key: Key = freeKey(for: packet, rule, in: &flows) else { throw .portsExhausted }
        let victim = flows.isFull ? try leastWanted(of: flows) : nil
        guard let sender = LinkStation(senderOf: frame), let station = stations.retain(sender) else { throw .tableFull }
        if let victim { forget(victim, in: &flows) }
        // 3. The flow.
        let isTCP = packet.transport == InternetHeader.tcp
        let state: FlowState = isTCP ? .tcp(TCPState.none.next(after: packet.flags, .fromClient)) : .query
        var flow = Flow(
            key: key, state: state, server: rule.slot, insidePort: packet.sourcePort,
            inside: Key.address(packet.source))
        flow.station = station
        flow.isOutbound = true
        count(1, in: state, on: rule.slot)
        servers[rule.slot].pointee.connections += 1
        return flows.add(flow, isTranslated: true, now: clock)
    }

    /// Notes a packet of a flow. Who opened it is what IPVS calls the client.
    ///
    /// Datagrams and echoes are asked and answered, and forgotten soon; with datagrams that go on after an answer came it is a
    /// conversation (`nf_conntrack_udp_packet` in `net/netfilter/nf_conntrack_proto_udp.c`).
    mutating func note<Key: FlowKey>(
        _ flow: UInt32, past packet: Packet, isFromWorld: Bool, in flows: inout FlowTable<Key>
    ) {
        let old = flows[flow].pointee.state
        let new: FlowState =
            switch old {
            case .tcp(let state): .tcp(state.next(after: packet.flags, isFromWorld ? .fromServer : .fromClient))
            case .query where packet.transport == InternetHeader.udp && !isFromWorld && flows[flow].pointee.isAnswered:
                .udp
            case .query, .udp: old
            }
        if isFromWorld { flows[flow].pointee.isAnswered = true }
        renew(flow, to: new, in: &flows)
    }

    /// Notes where a server's packets come from now, should that have changed.
    private mutating func noteStation<Key: FlowKey>(
        of frame: Frame, _ packet: Packet, _ flow: UInt32, in flows: inout FlowTable<Key>
    ) throws(DropReason) {
        guard let sender = LinkStation(senderOf: frame), stations[flows[flow].pointee.station] != sender else { return }
        guard outbound.isExpected(packet.source, by: frame.ingress) else { throw .martian }
        try moveStation(to: sender, flow, in: &flows)
    }

    /// What the world will see of a server's packet, as the key of its flow; nil: every port that was tried is taken by another
    /// flow to the same remote end.
    private mutating func freeKey<Key: FlowKey>(
        for packet: Packet, _ rule: OutboundTable.Source, in flows: inout FlowTable<Key>
    ) -> Key? {
        // 1. The server's own, as netfilter keeps it.
        let ports = packet.isEchoRequest ? 0...UInt16.max : rule.ports
        let wanted = Key(outbound: packet).with(vip: Key.address(rule.address), port: packet.sourcePort)
        if ports.contains(packet.sourcePort), isFree(wanted, in: &flows) { return wanted }
        // 2. From a place that nobody can foretell on (RFC 6056 §3.3.1).
        let count = Int(ports.upperBound) - Int(ports.lowerBound) + 1
        draws &+= 1
        let start = Int(truncatingIfNeeded: FlowHash(seed: seed)(draws, 16 << 56) % UInt64(count))
        for attempt in 0..<min(count, Self.portAttempts) {
            let port = ports.lowerBound + UInt16(truncatingIfNeeded: (start + attempt) % count)
            let key = wanted.with(vip: wanted.vip, port: port)
            if isFree(key, in: &flows) { return key }
        }
        return nil
    }

    /// Whether no flow has this key; one whose time has come makes room.
    private mutating func isFree<Key: FlowKey>(_ key: Key, in flows: inout FlowTable<Key>) -> Bool {
        guard let flow = flows.find(key) else { return true }
        guard flows[flow].pointee.deadline <= clock else { return false }
        forget(flow, in: &flows)
        return true
    }
}

extension Packet {
    /// Whether a server's packet opens a flow: what belongs to none otherwise is an answer nobody waits for.
    fileprivate var opensOutbound: Bool {
        switch transport {
        case InternetHeader.tcp: flags.opensConnection
        case InternetHeader.udp: true
        default: isEchoRequest
        }
    }
}
