import NetworkAddress

// ICMP: errors find their connection by the packet they quote (`ip_vs_in_icmp`, `ip_vs_out_icmp` and their IPv6 siblings in
// `net/netfilter/ipvs/ip_vs_core.c`); an echo to the VIP is answered.
extension Switchboard {
    /// ICMP to a VIP: an error about what was sent from it goes to the server that sent it.
    mutating func forwardErrorToServer<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        guard let quoted = QuotedPacket(UnsafeRawBufferPointer(frame.bytes)) else {
            if let answer = answerEcho(frame, packet) { return answer }
            guard packet.isEchoReply, let flow = flows.find(Key(inbound: packet)),
                flows[flow].pointee.deadline > clock
            else { throw .noService }
            return try enter(&frame, packet, flow, &flows)
        }
        let key = Key(
            client: Key.address(quoted.header.destination), vip: Key.address(quoted.header.source),
            clientPort: quoted.destinationPort, port: quoted.sourcePort, transport: quoted.header.transport)
        guard let flow = flows.find(key), flows[flow].pointee.deadline > clock else { throw .noFlow }
        if flows[flow].pointee.isOutbound { return try enter(&frame, packet, quoting: quoted, of: flow, flows) }
        let slot = flows[flow].pointee.server
        guard servers[slot].pointee.service != nil else { throw .serverRemoved }
        if let verdict = try refusal(of: frame, packet, at: slot) { return verdict }
        if servers[slot].pointee.method.isTranslating {
            let inside = Key.wide(flows[flow].pointee.inside)
            guard quoted.translate(.inward, to: inside, port: flows[flow].pointee.insidePort, in: frame) else {
                throw .malformed
            }
        }
        return deliver(&frame, packet, to: slot, isTranslated: true)
    }

    /// ICMP from a server, or from a router on the way to one: an error about what a client sent goes to the client, from the
    /// VIP; an echo to the world leaves.
    mutating func forwardErrorToClient<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ way: Way, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        guard let quoted = QuotedPacket(UnsafeRawBufferPointer(frame.bytes)) else {
            guard way == .leaving else { return .notOurs }
            guard packet.isEchoRequest else { throw packet.isEchoReply ? .noFlow : .untranslatable }
            return try leave(&frame, packet, flows.findAnswered(Key(outbound: packet)), &flows)
        }
        let key = Key(
            client: Key.address(quoted.header.source), vip: Key.address(quoted.header.destination),
            clientPort: quoted.sourcePort, port: quoted.destinationPort, transport: quoted.header.transport)
        let known = flowAnswered(key, by: packet, flows)
        if let flow = known, flows[flow].pointee.isOutbound, !services.owns(packet.source) {
            return try leave(&frame, packet, quoting: quoted, of: flow, flows)
        }
        guard let flow = known, let station = try answerStation(of: flow, for: packet, in: frame, flows) else {
            guard way == .leaving else { return .notOurs }
            throw .noFlow
        }
        let vip = flows[flow].pointee.key
        if !services.owns(packet.source), !quoted.translate(.outward, to: Key.wide(vip.vip), port: vip.port, in: frame)
        {
            throw .malformed
        }
        return sendBack(&frame, packet, flows[flow].pointee.server, at: station)
    }

    /// ICMP to the director's own end of a tunnel: an error about a packet that was sent through it, of which the client is
    /// to be told. The host's own stack may have it too.
    mutating func noteTunnelError<Key: FlowKey>(
        _ quoted: QuotedPacket, _ inner: QuotedPacket, _ server: UInt32, _ flows: borrowing FlowTable<Key>
    ) -> LinkStation? {
        let key = Key(
            client: Key.address(inner.header.source), vip: Key.address(inner.header.destination),
            clientPort: inner.sourcePort, port: inner.destinationPort, transport: inner.header.transport)
        // Strangers can forge an error: it is believed where its packet belongs to a flow through this tunnel.
        guard let flow = flows.find(key), flows[flow].pointee.deadline > clock, flows[flow].pointee.server == server,
            flows[flow].pointee.station != StationTable.none
        else { return nil }
        if let mtu = quoted.pathMTU { servers[server].pointee.notePathMTU(mtu, until: clock &+ Server.pathMTUTimeout) }
        return stations[flows[flow].pointee.station]
    }

    /// An echo request to a VIP, turned into its reply in place (RFC 1122 §3.2.2.6, RFC 4443 §4.2); nil: it is none.
    private func answerEcho(_ frame: Frame, _ packet: Packet) -> Verdict? {
        let header = packet.header
        guard !header.isFragment, header.totalLength >= header.length + 8, frame.segmentSize == 0,
            let sender = LinkStation(senderOf: frame), let base = frame.bytes.baseAddress
        else { return nil }
        let ip = base + InternetHeader.ethernet
        let icmp = UnsafeRawPointer(ip) + header.length
        guard icmp.word(at: 0) == (header.isIPv6 ? 128 << 8 : 8 << 8) else { return nil }
        let reply: UInt16 = header.isIPv6 ? 129 << 8 : 0
        // The sums over the addresses stay as they are when these change places.
        ip.write(header.source, at: header.isIPv6 ? 24 : 16, isIPv6: header.isIPv6)
        ip.write(header.destination, at: header.isIPv6 ? 8 : 12, isIPv6: header.isIPv6)
        let checksum = icmp.word(at: 2)
        if !frame.isPartial {
            ip.write(InternetChecksum.updated(checksum, from: icmp.word(at: 0), to: reply), at: header.length + 2)
        }
        ip.write(reply, at: header.length)
        ip.setTimeToLive(64, header)
        base.writeEthernet(
            from: sender.source, to: sender.destination,
            type: header.isIPv6 ? InternetHeader.etherTypeIPv6 : InternetHeader.etherTypeIPv4)
        return .transmit(egress: sender.egress)
    }
}

extension UnsafeMutableRawPointer {
    /// Writes the TTL or hop limit of the packet that begins here.
    fileprivate func setTimeToLive(_ timeToLive: UInt8, _ header: InternetHeader) {
        let reader = UnsafeRawPointer(self)
        guard !header.isIPv6 else { return write(timeToLive, at: 7) }
        let (old, new) = (reader.word(at: 8), UInt16(timeToLive) << 8 | reader.word(at: 8) & 0xFF)
        write(new, at: 8)
        write(InternetChecksum.updated(reader.word(at: 10), from: old, to: new), at: 10)
    }
}
