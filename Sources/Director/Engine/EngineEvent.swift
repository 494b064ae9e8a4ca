internal import NetworkAddress

/// What the engine tells about changes an operator cares for.
enum EngineEvent: Hashable, Sendable {
    /// Something ARP or Neighbor Discovery brought about on this interface.
    case resolution(ResolutionEvent, interface: String)
    /// The interface went down or away, for this reason.
    case lost(interface: String, reason: String)
    /// The interface is back with this MAC.
    case back(interface: String, MACAddress)
    /// The packet filter could not be put back after an interface returned.
    case filterFailed(String)
}
