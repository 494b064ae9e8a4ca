public import NetworkAddress

/// A station other than this host that says it has a VIP.
public struct Answerer: Hashable, Sendable {
    /// Whether it may.
    public enum Standing: Hashable, Sendable {
        /// A director, by its address or by VRRP's virtual MAC (RFC 9568 §7.3).
        case director
        /// Some other host: it takes the VIP's traffic from the director.
        case foreign
        /// One of several that answer, where no director is known on this segment: all but one are wrong.
        case ambiguous
        /// The only one that answers, where no director is known on this segment: it may well be the director.
        case alone
    }

    /// The VIP.
    public var vip: IPAddress
    /// Where it is said to be.
    public var mac: MACAddress
    /// When this was last heard.
    public var lastSeen: ContinuousClock.Instant
    /// Whether it may.
    public var standing: Standing

    /// An answerer as it was heard.
    public init(vip: IPAddress, mac: MACAddress, lastSeen: ContinuousClock.Instant, standing: Standing) {
        self.vip = vip
        self.mac = mac
        self.lastSeen = lastSeen
        self.standing = standing
    }
}
