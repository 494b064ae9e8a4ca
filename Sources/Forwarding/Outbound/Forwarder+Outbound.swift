public import NetworkAddress

// Source NAT, as whoever drives the forwarder sees it.
extension Forwarder {
    /// The counters of all rules, in the order in which they were applied.
    public func outboundStatistics() -> [OutboundStatistics] {
        zip(board.outboundRules, board.outboundSlots).map { rule, slot in
            let counted = board.servers[slot].pointee
            return OutboundStatistics(
                address: rule.address, ports: rule.ports, sources: rule.sources, activeConnections: counted.active,
                inactiveConnections: counted.inactive, connections: counted.connections, inbound: counted.inbound,
                outbound: counted.outbound)
        }
    }

    /// Takes up where somebody on the link of an interface is, after ``Verdict/unresolved(egress:_:)`` asked for it, or when it
    /// moved.
    public mutating func learn(_ neighbor: IPAddress, on egress: Int, at mac: MACAddress, now: Ticks) {
        board.advance(to: now)
        board.onLink.learn(IPv6Address(wide: neighbor), egress, at: mac, now: board.clock)
    }

    /// Forgets it: nothing is sent there until it is learned anew.
    public mutating func forget(_ neighbor: IPAddress, on egress: Int) {
        board.onLink.forget(IPv6Address(wide: neighbor), egress)
    }

    /// When a packet was last sent to somebody who was learned; nil: he is not known.
    public func lastUse(of neighbor: IPAddress, on egress: Int) -> Ticks? {
        board.onLink.lastUse(of: IPv6Address(wide: neighbor), egress).map { Ticks(milliseconds: $0) }
    }

    /// In whose name a server's packet to the world is answered with an ICMP error: what the world sees of it, which is the
    /// director's own address (RFC 1812 §4.3.2.4). Nil: any other frame is answered in the name of its destination.
    public func answerer(of frame: Frame) -> IPAddress? {
        guard let ends = Packet.ends(of: UnsafeRawBufferPointer(frame.bytes)), !board.services.owns(ends.destination)
        else { return nil }
        return board.outbound.source(ends.source)?.pointee.address.narrow
    }
}
