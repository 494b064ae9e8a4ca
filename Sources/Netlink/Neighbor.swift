public import NetworkAddress

/// A neighbour on a link (RFC 826 for IPv4, RFC 4861 for IPv6), as the kernel knows it.
public struct Neighbor: Hashable, Sendable {
    /// Its address.
    public var address: IPAddress
    /// The index of the interface it is reached by; 0 for a proxy entry that holds for all of them.
    public var interface: Int32
    /// Its hardware address, or nil where there is none (proxy entries) or none of 48 bits.
    public var hardwareAddress: MACAddress?
    /// Whether this is no neighbour but an address this host answers for in another's place (`NTF_PROXY`).
    public var isProxy: Bool

    /// A neighbour made of its parts.
    public init(address: IPAddress, interface: Int32, hardwareAddress: MACAddress?, isProxy: Bool = false) {
        self.address = address
        self.interface = interface
        self.hardwareAddress = hardwareAddress
        self.isProxy = isProxy
    }
}
