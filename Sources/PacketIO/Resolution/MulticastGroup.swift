public import NetworkAddress

extension IPv6Address {
    /// `ff02::1`: every node on the link (RFC 4291 §2.7.1).
    public static let allNodes = IPv6Address(high: 0xFF02 << 48, low: 1)

    /// `ff02::1:ffXX:XXXX`: the group that whoever has this address listens to (RFC 4291 §2.7.1).
    public var solicitedNodeGroup: IPv6Address {
        IPv6Address(high: 0xFF02 << 48, low: 0x1_FF00_0000 | low & 0xFF_FFFF)
    }

    /// Whether this is the solicited-node group of some address.
    var isSolicitedNodeGroup: Bool { self == solicitedNodeGroup }
}

extension MACAddress {
    /// The Ethernet address of an IPv6 group: `33:33` and the group's last 32 bits (RFC 2464 §7).
    public init(group: IPv6Address) {
        self.init(rawValue: 0x3333_0000_0000 | group.low & 0xFFFF_FFFF)
    }
}
