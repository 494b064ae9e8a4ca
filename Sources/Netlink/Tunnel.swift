public import NetworkAddress

/// A tunnel device, as far as it decides which packets it takes.
public struct Tunnel: Hashable, Sendable, Codable {
    /// The kind of device.
    public var kind: Kind
    /// The outer destination it takes packets for (this host's end), or nil: any.
    public var local: IPAddress?
    /// The outer source it takes packets from, or nil: any.
    public var remote: IPAddress?
    /// `external` (`IFLA_IPTUN_COLLECT_METADATA`): takes every packet of its kind that no other device wants.
    public var isExternal: Bool
    /// The IP protocol number of what is inside (`IFLA_IPTUN_PROTO`): 4, 41, or 0 for both. Always 0 for GRE.
    public var innerProtocol: UInt8
    /// GRE only: the key that packets must carry (RFC 2890), or nil: packets without one.
    public var key: UInt32?

    /// The kinds by the kernel's name (`IFLA_INFO_KIND`).
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// IPv4 outside, IPv4 inside (RFC 2003).
        case ipip
        /// IPv4 outside, IPv6 inside (RFC 4213); IPv4 too where `innerProtocol` is 4 or 0.
        case sit
        /// IPv6 outside, IPv6 or IPv4 inside (RFC 2473).
        case ip6tnl
        /// GRE over IPv4 (RFC 2784), IPv4 or IPv6 inside.
        case gre
        /// GRE over IPv6.
        case ip6gre

        /// The kernel module that has it, as modprobe(8) knows it.
        public var module: String {
            switch self {
            case .ipip: "ipip"
            case .sit: "sit"
            case .ip6tnl: "ip6_tunnel"
            case .gre: "ip_gre"
            case .ip6gre: "ip6_gre"
            }
        }

        /// Whether the outer packet is IPv6.
        public var isIPv6Outside: Bool { self == .ip6tnl || self == .ip6gre }
    }

    /// A tunnel device made of its parts.
    public init(
        kind: Kind, local: IPAddress?, remote: IPAddress? = nil, isExternal: Bool = false, innerProtocol: UInt8,
        key: UInt32? = nil
    ) {
        self.kind = kind
        self.local = local
        self.remote = remote
        self.isExternal = isExternal
        self.innerProtocol = innerProtocol
        self.key = key
    }
}

/// A UDP port whose packets the kernel unpacks and takes up again by the protocol inside (`ip fou`, net/ipv4/fou_core.c).
public struct EncapsulationPort: Hashable, Sendable, Codable {
    /// The address of this host that it is bound to.
    public var local: IPAddress
    /// The UDP port.
    public var port: UInt16

    /// A port for GUE (draft-ietf-intarea-gue; `FOU_ENCAP_GUE`).
    public init(local: IPAddress, port: UInt16) {
        self.local = local
        self.port = port
    }
}
