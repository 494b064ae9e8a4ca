internal import CNetlink
internal import Glibc
public import NetworkAddress

extension Network {
    /// Makes a tunnel device, down, with nothing else about it chosen: the outer TTL is the inner packet's, path MTU
    /// discovery is on, and an IPv6 tunnel adds no encapsulation limit of its own (RFC 2473 §4.1.1), so that its MTU is the
    /// link's less 40. Needs CAP_NET_ADMIN. Where the kind's module is not loaded the kernel loads it, and the module makes a
    /// device of its own (`tunl0`, `sit0`, …), in every namespace while `net.core.fb_tunnels_only_for_init_net` is 0.
    ///
    /// Equivalent to: `ip link add NAME type ipip mode ipip local A remote any`; `type sit mode ip6ip`, `type ip6tnl mode
    /// any encaplimit none hoplimit 0`, `type gre`, `type ip6gre encaplimit none hoplimit 0` for the others, and `external`
    /// instead of the ends where it is so.
    ///
    /// Throws `NetlinkError.isAlreadyPresent` where there is a device of this name, or another of its kind with the same
    /// ends, or a second `external` one; `isUnsupported` where the kernel lacks the kind, also for an `external` sit.
    public func addTunnel(_ tunnel: Tunnel, name: String) throws(NetlinkError) {
        var text = "add the \(tunnel.kind.rawValue) device \(name)"
        if let local = tunnel.local { text += " for \(local)" }
        try addTunnel(tunnel, name: name, operation: text, guePort: nil)
    }

    /// Makes the other end of a tunnel, down: a device that puts what is routed into it in packets from `local` to `remote`,
    /// in UDP to `guePort` too unless that is nil. For probes, which must send what a director would. Needs CAP_NET_ADMIN.
    ///
    /// Equivalent to: `ip link add NAME type KIND local A remote B [encap gue encap-sport auto encap-dport PORT]`; over IPv6
    /// with `encap-udp6-csum`, for a UDP checksum of zero is no rule there (RFC 8200 §8.1).
    ///
    /// Throws as `addTunnel(_:name:)` does, and `isUnsupported` too where `fou` (over IPv6: `fou6`) is not loaded: no kernel
    /// known to us loads it by itself. The MTU the kernel chooses leaves room for GUE's 8 + 4 bytes, but not for `sit`.
    public func addTransmitter(
        name: String, kind: Tunnel.Kind, local: IPAddress, remote: IPAddress, guePort: UInt16? = nil
    ) throws(NetlinkError) {
        let inner: UInt8
        switch kind {
        case .ipip: inner = UInt8(IPPROTO_IPIP)
        case .sit: inner = UInt8(IPPROTO_IPV6)
        case .ip6tnl, .gre, .ip6gre: inner = 0
        }
        let tunnel = Tunnel(kind: kind, local: local, remote: remote, innerProtocol: inner)
        var text = "add the \(kind.rawValue) device \(name) from \(local) to \(remote)"
        if let guePort { text += " in GUE to port \(guePort)" }
        do {
            try addTunnel(tunnel, name: name, operation: text, guePort: guePort)
        } catch  where guePort != nil && error.code == NLE_INVAL {
            // An encapsulation nobody has registered is EINVAL (`ip_tunnel_encap_setup`, net/ipv4/ip_tunnel.c).
            let module = kind.isIPv6Outside ? "fou6" : "fou"
            throw NetlinkError("\(text), which takes the kernel module \(module)", code: NLE_OPNOTSUPP)
        }
    }

    /// Removes a device. `name` is for the error's text only. Needs CAP_NET_ADMIN. Equivalent to: `ip link del NAME`.
    ///
    /// Throws `NetlinkError.isAlreadyAbsent` where it is not there, and `isUnsupported` where the kernel said yes and kept it,
    /// as it does with the devices a module makes for itself (`tunl0`, `sit0`, `gre0`): those go only with the module.
    public func removeLink(index: Int32, name: String) throws(NetlinkError) {
        var header = ifinfomsg()
        header.ifi_index = index
        try socket.change(NetlinkRequest("remove the device \(name)", type: Int32(RTM_DELLINK), header: header))
        guard try hasLink(index: index) else { return }
        throw NetlinkError("remove the device \(name), which goes only with its kernel module", code: NLE_OPNOTSUPP)
    }

    /// Sets an interface up or down, and nothing else of it: `IFF_UP` is the only bit of the change mask. Needs
    /// CAP_NET_ADMIN. Equivalent to: `ip link set INTERFACE up` (or `down`).
    public func setUp(_ isUp: Bool, interface: Int32, interfaceName: String) throws(NetlinkError) {
        var header = ifinfomsg()
        header.ifi_index = interface
        header.ifi_flags = isUp ? LinkFlags.up : 0
        header.ifi_change = LinkFlags.up
        let operation = "set \(interfaceName) \(isUp ? "up" : "down")"
        try socket.change(NetlinkRequest(operation, type: Int32(RTM_SETLINK), header: header))
    }

    private func hasLink(index: Int32) throws(NetlinkError) -> Bool {
        try links().contains { $0.index == index }
    }

    private func addTunnel(
        _ tunnel: Tunnel, name: String, operation: String, guePort: UInt16?
    ) throws(NetlinkError) {
        for end in [tunnel.local, tunnel.remote] {
            guard let end else { continue }
            guard (end.v6 != nil) == tunnel.kind.isIPv6Outside else {
                throw NetlinkError(operation, code: NLE_AF_MISMATCH)
            }
        }
        // Its attributes have no such flag: the kernel would make another device than the one asked for.
        guard !(tunnel.isExternal && tunnel.kind == .sit) else { throw NetlinkError(operation, code: NLE_OPNOTSUPP) }
        var request = try NetlinkRequest(
            operation, type: Int32(RTM_NEWLINK), flags: NLM_F_CREATE | NLM_F_EXCL, header: ifinfomsg())
        request.put(Int(IFLA_IFNAME), name)
        request.nest(Int(IFLA_LINKINFO)) { request in
            request.put(Int(IFLA_INFO_KIND), tunnel.kind.rawValue)
            request.nest(Int(IFLA_INFO_DATA)) { request in
                switch tunnel.kind {
                case .ipip, .sit, .ip6tnl: request.putIPTunnel(tunnel, guePort: guePort)
                case .gre, .ip6gre: request.putGRE(tunnel, guePort: guePort)
                }
            }
        }
        do {
            try socket.change(request)
        } catch  where error.code == NLE_OPNOTSUPP {
            let module = tunnel.kind.module
            throw NetlinkError("\(operation), which takes the kernel module \(module)", code: NLE_OPNOTSUPP)
        }
    }
}

extension NetlinkRequest {
    fileprivate mutating func putIPTunnel(_ tunnel: Tunnel, guePort: UInt16?) {
        if let local = tunnel.local { put(Int(IFLA_IPTUN_LOCAL), local) }
        if let remote = tunnel.remote { put(Int(IFLA_IPTUN_REMOTE), remote) }
        if tunnel.isExternal { putFlag(Int(IFLA_IPTUN_COLLECT_METADATA)) }
        put(Int(IFLA_IPTUN_PROTO), tunnel.innerProtocol)
        // Left out, sit takes 64.
        put(Int(IFLA_IPTUN_TTL), UInt8(0))
        if tunnel.kind == .ip6tnl { put(Int(IFLA_IPTUN_FLAGS), IP6TunnelFlags.ignoreEncapsulationLimit) }
        guard let guePort else { return }
        put(Int(IFLA_IPTUN_ENCAP_TYPE), UInt16(TUNNEL_ENCAP_GUE.rawValue))
        put(Int(IFLA_IPTUN_ENCAP_FLAGS), tunnel.encapsulationFlags)
        put(Int(IFLA_IPTUN_ENCAP_SPORT), UInt16(0))
        put(Int(IFLA_IPTUN_ENCAP_DPORT), guePort.bigEndian)
    }

    fileprivate mutating func putGRE(_ tunnel: Tunnel, guePort: UInt16?) {
        if let local = tunnel.local { put(Int(IFLA_GRE_LOCAL), local) }
        if let remote = tunnel.remote { put(Int(IFLA_GRE_REMOTE), remote) }
        if tunnel.isExternal { putFlag(Int(IFLA_GRE_COLLECT_METADATA)) }
        if let key = tunnel.key {
            for type in [IFLA_GRE_IFLAGS, IFLA_GRE_OFLAGS] { put(Int(type), GREFlags.key.bigEndian) }
            for type in [IFLA_GRE_IKEY, IFLA_GRE_OKEY] { put(Int(type), key.bigEndian) }
        }
        if tunnel.kind == .ip6gre { put(Int(IFLA_GRE_FLAGS), IP6TunnelFlags.ignoreEncapsulationLimit) }
        guard let guePort else { return }
        put(Int(IFLA_GRE_ENCAP_TYPE), UInt16(TUNNEL_ENCAP_GUE.rawValue))
        put(Int(IFLA_GRE_ENCAP_FLAGS), tunnel.encapsulationFlags)
        put(Int(IFLA_GRE_ENCAP_SPORT), UInt16(0))
        put(Int(IFLA_GRE_ENCAP_DPORT), guePort.bigEndian)
    }
}

extension Tunnel {
    fileprivate var encapsulationFlags: UInt16 {
        kind.isIPv6Outside ? UInt16(TUNNEL_ENCAP_FLAG_CSUM6) : 0
    }
}

/// Bits of GRE's first 16 (RFC 2890 §2; `GRE_KEY`, include/uapi/linux/if_tunnel.h).
enum GREFlags {
    static let key: UInt16 = 0x2000
}

/// `IP6_TNL_F_*`, include/uapi/linux/ip6_tunnel.h, which cannot be included together with Glibc's headers.
private enum IP6TunnelFlags {
    static let ignoreEncapsulationLimit: UInt32 = 1
}

/// `IFF_*`, include/uapi/linux/if.h.
enum LinkFlags {
    static let up: UInt32 = 0x1
    static let loopback: UInt32 = 0x8
    static let noARP: UInt32 = 0x80
}
