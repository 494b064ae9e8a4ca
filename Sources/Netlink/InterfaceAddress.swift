public import NetworkAddress

/// An address on an interface.
public struct InterfaceAddress: Hashable, Sendable {
    /// The interface's index.
    public var interface: Int32
    /// The address and the length of its on-link prefix.
    public var prefix: Prefix
    /// The label `ip addr` shows (IPv4 only, at most 15 bytes), or nil.
    public var label: String?
    /// Whether it is a secondary address (`IFA_F_SECONDARY`): never picked as the source of its own accord.
    public var isSecondary: Bool

    /// An address as it is, or is to be, on an interface.
    public init(interface: Int32, prefix: Prefix, label: String? = nil, isSecondary: Bool = false) {
        self.interface = interface
        self.prefix = prefix
        self.label = label
        self.isSecondary = isSecondary
    }
}
