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
    /// Whether its scope is `host` (`RT_SCOPE_HOST`): never used as the source of what leaves the host.
    public var isHostScope: Bool
    /// Whether it is deprecated (`IFA_F_DEPRECATED`, a preferred lifetime of 0): IPv6 never picks it as a source of its own
    /// accord (RFC 6724 §5, rule 3).
    public var isDeprecated: Bool
    /// Whether it cannot be used yet (`IFA_F_TENTATIVE`) or ever (`IFA_F_DADFAILED`): IPv6's duplicate address detection.
    public var isTentative: Bool

    /// An address as it is, or is to be, on an interface.
    public init(
        interface: Int32, prefix: Prefix, label: String? = nil, isSecondary: Bool = false, isHostScope: Bool = false,
        isDeprecated: Bool = false, isTentative: Bool = false
    ) {
        self.interface = interface
        self.prefix = prefix
        self.label = label
        self.isSecondary = isSecondary
        self.isHostScope = isHostScope
        self.isDeprecated = isDeprecated
        self.isTentative = isTentative
    }
}
