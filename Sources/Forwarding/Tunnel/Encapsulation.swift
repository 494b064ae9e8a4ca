/// How a packet for a tunnelled server is wrapped, as `ipvsadm --tun-type` has it (`net/netfilter/ipvs/ip_vs_xmit.c`).
public enum Encapsulation: Hashable, Sendable {
    /// The packet right behind the outer header: ipip, 6in4, 4in6 or 6in6, by the two families (RFC 2003, RFC 2473,
    /// RFC 4213).
    case ipip
    /// A GRE header of 4 bytes between the two, without checksum, key or sequence number (RFC 2784).
    case gre
    /// UDP to this port, 1 to 65,535, and Generic UDP Encapsulation's 4 bytes, version 0 without options
    /// (draft-ietf-intarea-gue), as `ip fou add port N gue` takes it.
    case gue(port: UInt16)

    /// What comes between the outer and the inner IP header, in bytes.
    var shim: Int {
        switch self {
        case .ipip: 0
        case .gre: 4
        case .gue: 8 + 4
        }
    }
}
