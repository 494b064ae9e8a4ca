internal import NetworkAddress
internal import PacketIO

/// What a state machine wants done on its interface.
enum ResolutionAction: Hashable, Sendable {
    /// Put this on the wire, for the station or the group `to`.
    case send(NeighborMessage, to: MACAddress)
    /// Tell the operator.
    case report(ResolutionEvent)

    /// Put this on the wire for all who should hear it.
    static func sendToGroup(_ message: NeighborMessage) -> Self { .send(message, to: message.group) }
}

/// What an operator cares for among what ARP and Neighbor Discovery bring about.
enum ResolutionEvent: Hashable, Sendable {
    /// Nobody else has the VIP: it is ours now and answered for.
    case claimed(IPAddress)
    /// Somebody else has the VIP, so that it is not claimed; it is tried again after this many seconds.
    case notClaimed(IPAddress, holder: MACAddress, retrySeconds: Int)
    /// Somebody else says it has the VIP that is ours. It is defended.
    case contested(IPAddress, by: MACAddress)
    /// The MAC of a server, or of the router towards one, is known.
    case resolved(IPAddress, MACAddress)
    /// The server or router answered from another MAC than before.
    case moved(IPAddress, from: MACAddress, to: MACAddress)
    /// The server or router does not answer, so that nothing can be sent to it.
    case unreachable(IPAddress)
}
