public import NetworkAddress

/// What matters of a host, read from the kernel at one moment. A plan is made from this and nothing else.
public struct HostSnapshot: Sendable, Hashable {
    /// The interfaces, by index.
    public var interfaces: [Interface]
    /// The IPv4 addresses on them.
    public var addresses: [Address]
    /// `net.ipv4.conf.all.arp_ignore` and `.arp_announce`: a floor under every interface's own value.
    public var all: ARPSettings

    /// A snapshot made of its parts, as a test would.
    public init(interfaces: [Interface], addresses: [Address], all: ARPSettings) {
        self.interfaces = interfaces
        self.addresses = addresses
        self.all = all
    }

    /// One interface.
    public struct Interface: Sendable, Hashable {
        /// The interface index.
        public var index: Int32
        /// The name.
        public var name: String
        /// `IFF_UP`.
        public var isUp: Bool
        /// `IFF_LOOPBACK`.
        public var isLoopback: Bool
        /// Whether the host asks and answers ARP in this interface's own name: not on loopback, not where `NOARP` is set,
        /// and not on a port of a bridge, bond or team, where the master does.
        public var speaksARP: Bool
        /// The interface's own values, or nil where IPv4 is off on it.
        public var arp: ARPSettings?

        /// An interface made of its parts.
        public init(
            index: Int32, name: String, isUp: Bool = true, isLoopback: Bool = false, speaksARP: Bool = true,
            arp: ARPSettings?
        ) {
            self.index = index
            self.name = name
            self.isUp = isUp
            self.isLoopback = isLoopback
            self.speaksARP = speaksARP
            self.arp = arp
        }
    }

    /// One IPv4 address.
    public struct Address: Sendable, Hashable {
        /// The index of the interface it is on.
        public var interface: Int32
        /// The address.
        public var address: IPv4Address
        /// The length of its on-link prefix: 0 to 32.
        public var prefixLength: Int
        /// The label `ip addr` shows.
        public var label: String?

        /// An address made of its parts.
        public init(interface: Int32, address: IPv4Address, prefixLength: Int = 32, label: String? = nil) {
            self.interface = interface
            self.address = address
            self.prefixLength = prefixLength
            self.label = label
        }
    }

    /// The loopback interface, or nil where the namespace has none (it always has).
    public var loopback: Interface? { interfaces.first(where: \.isLoopback) }

    /// The interface with this index.
    public func interface(_ index: Int32) -> Interface? { interfaces.first { $0.index == index } }

    /// The value a sysctl has in this snapshot, or nil where its interface is gone or has no IPv4.
    public func value(of sysctl: ARPSysctl) -> Int? {
        switch sysctl.scope {
        case .all: all[sysctl.key]
        case .interface(let index, _): interface(index)?.arp?[sysctl.key]
        }
    }
}
