internal import NetworkAddress
internal import PacketIO

/// What a state machine wants done on its interface.
enum ARPAction: Hashable, Sendable {
    /// Put this on the wire, for the station or the group `to`.
    case send(ARPMessage, to: MACAddress)
    /// Tell the operator.
    case report(ARPEvent)
}

/// What an operator cares for among what ARP brings about.
enum ARPEvent: Hashable, Sendable {
    /// Nobody else has the VIP: it is ours now and answered for.
    case claimed(IPv4Address)
    /// Somebody else has the VIP, so that it is not claimed; it is tried again after this many seconds.
    case notClaimed(IPv4Address, holder: MACAddress, retrySeconds: Int)
    /// Somebody else says it has the VIP that is ours. It is defended.
    case contested(IPv4Address, by: MACAddress)
    /// The server's MAC is known.
    case resolved(IPv4Address, MACAddress)
    /// The server answered from another MAC than before.
    case moved(IPv4Address, from: MACAddress, to: MACAddress)
    /// The server does not answer ARP, so that nothing can be sent to it.
    case unreachable(IPv4Address)
}
