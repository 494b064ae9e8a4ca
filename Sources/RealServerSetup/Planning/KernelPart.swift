/// A part of the kernel that may be missing: built in, a module, or not there at all.
public enum KernelPart: String, Sendable, Hashable, CaseIterable {
    /// IPv4 in IPv4.
    case ipip
    /// IPv6 in IPv4.
    case sit
    /// IPv4 or IPv6 in IPv6.
    case ip6Tunnel = "ip6_tunnel"
    /// GRE over IPv4.
    case gre = "ip_gre"
    /// GRE over IPv6.
    case ip6GRE = "ip6_gre"
    /// UDP ports that unpack.
    case fou
    /// nftables.
    case nftables = "nf_tables"

    /// What an operator does to have it.
    public var cure: String {
        if self == .fou {
            return "the kernel does not load it by itself: modprobe fou, and for every boot: echo fou "
                + "> /etc/modules-load.d/rsagent.conf. \(Self.packages)"
        }
        return "load it: modprobe \(rawValue). \(Self.packages)"
    }

    private static let packages =
        "Where that finds no such module, it is in Debian's linux-image-amd64 (not in the cloud kernel), in Ubuntu's "
        + "linux-modules-extra-$(uname -r), in RHEL's kernel-modules-extra or kernel-modules"
}
