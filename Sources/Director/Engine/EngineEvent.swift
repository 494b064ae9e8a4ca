internal import Forwarding
internal import NetworkAddress

/// What the engine tells about changes an operator cares for.
enum EngineEvent: Hashable, Sendable {
    /// Something ARP or Neighbor Discovery brought about on this interface.
    case resolution(ResolutionEvent, interface: String)
    /// The interface went down or away, for this reason.
    case lost(interface: String, reason: String)
    /// The interface is back with this MAC.
    case back(interface: String, MACAddress)
    /// The interface is there, but could not be taken into use again by this worker, counted from 0, for this reason; it is tried
    /// again.
    case unusable(interface: String, worker: Int, reason: String)
    /// After all it was.
    case usable(interface: String, worker: Int)
    /// The connections of the director before this one go on.
    case resumed(Resumption)
    /// They do not, for this reason.
    case notResumed(String)
    /// The packet filter could not be put in force after a change; it is tried again.
    case filterFailed(String)
    /// It is in force after all.
    case filterRestored
}
