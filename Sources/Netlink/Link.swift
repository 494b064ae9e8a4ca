public import NetworkAddress

/// A network interface as the kernel describes it, with the IPv4 settings that decide what it says in ARP.
public struct Link: Hashable, Sendable {
    /// The interface index: unique in its namespace, never used again while the namespace lives.
    public var index: Int32
    /// The interface name: at most 15 bytes, may hold dots.
    public var name: String
    /// `IFF_UP`: set up by the administrator.
    public var isUp: Bool
    /// `IFF_LOOPBACK`.
    public var isLoopback: Bool
    /// `IFF_NOARP`: neither asks nor answers in ARP.
    public var isARPDisabled: Bool
    /// The kind given at creation (`veth`, `bridge`, `vlan`, …), or nil for a physical device.
    public var kind: String?
    /// The index of the bridge, bond or VRF it belongs to, or nil.
    public var master: Int32?
    /// The hardware address, or nil where it has none of 48 bits.
    public var hardwareAddress: MACAddress?
    /// Largest payload of a frame in bytes.
    public var mtu: UInt32
    /// The interface's own IPv4 settings (`net.ipv4.conf.NAME.*`), or nil where IPv4 is off on it (an MTU under 68).
    public var ipv4: IPv4Settings?
    /// What it takes where it is a tunnel device of a kind known here, else nil.
    public var tunnel: Tunnel?

    /// The settings of `net.ipv4.conf.NAME` that rsagent reads, as they are set on the interface: what takes effect may
    /// depend on `conf.all` too (Documentation/networking/ip-sysctl.rst).
    public struct IPv4Settings: Hashable, Sendable {
        /// `arp_ignore`.
        public var arpIgnore: Int
        /// `arp_announce`.
        public var arpAnnounce: Int
        /// `rp_filter`.
        public var reversePathFilter: Int

        /// The values as set.
        public init(arpIgnore: Int, arpAnnounce: Int, reversePathFilter: Int) {
            self.arpIgnore = arpIgnore
            self.arpAnnounce = arpAnnounce
            self.reversePathFilter = reversePathFilter
        }
    }
}

/// A setting of `net.ipv4.conf.NAME`, by the kernel's number (`IPV4_DEVCONF_*`, include/uapi/linux/ip.h).
public enum IPv4Setting: UInt32, Sendable {
    /// `rp_filter`: whether the route back to a packet's source must lead to where it came from.
    case reversePathFilter = 8
    /// `arp_announce`: which source address a who-has may carry.
    case arpAnnounce = 18
    /// `arp_ignore`: which who-has are answered.
    case arpIgnore = 19

    /// The kernel's name.
    public var name: String {
        switch self {
        case .reversePathFilter: "rp_filter"
        case .arpAnnounce: "arp_announce"
        case .arpIgnore: "arp_ignore"
        }
    }
}
