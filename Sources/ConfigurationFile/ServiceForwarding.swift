internal import NetworkAddress

/// How the packets of a service come in, and its answers go out.
struct ServiceForwarding {
    /// Nil: wrong, and reported.
    private(set) var method: ForwardingMethod?
    private(set) var reply: ReplyPath?
    private(set) var tunnel: AgentConfiguration.Tunneling?
    private(set) var realPort: UInt16?
    private(set) var scope: AddressScope?

    /// Reads the keys, and reports those that do not go together. `ports`: the service's, empty for all; nil: not known.
    init(_ table: Table, ports: [UInt16]?) {
        let given: ForwardingMethod? = table.choice("forward", later: [:])
        method = table["forward"] == nil ? .dr : given
        reply = table.choice("reply", later: [:])
        scope = table.choice("scope", later: [:])
        realPort = table.port("real_port")
        let type: TunnelType? = table.choice("tunnel", later: [:])
        let port = table.port("tunnel_port")
        guard let method else { return }
        if method == .tun {
            tunnel = .init(type ?? .ipip, port: port ?? AgentConfiguration.Tunneling.defaultPort)
            // A tunnel that is wrong may have been meant to be GUE.
            if type != nil || table["tunnel"] == nil, tunnel?.type != .gue {
                table.refuse("tunnel_port", "is for tunnel = \"gue\"", "remove it, or write tunnel = \"gue\"")
            }
        } else {
            for key in ["tunnel", "tunnel_port"] {
                table.refuse(key, "is for forward = \"tun\"", "remove it, or write forward = \"tun\"")
            }
        }
        if method == .nat {
            judgeTranslation(table, ports: ports)
        } else {
            let cure = "remove it: with forward = \(quoted(method.rawValue)) the service listens on the VIP's own port"
            table.refuse("real_port", "is for forward = \"nat\"", cure)
        }
    }

    /// What goes with NAT alone, and what does not.
    private mutating func judgeTranslation(_ table: Table, ports: [UInt16]?) {
        if reply == .direct {
            let wrong = "\"direct\" cannot work with forward = \"nat\": only the director can turn answers back"
            table.refuse("reply", wrong, "remove it, or write reply = \"director\"")
        }
        if table["reply"] == nil { reply = .director }
        let cure = "remove it: with forward = \"nat\" the VIP is the director's, and is not put on this host"
        table.refuse("scope", "is for forward = \"dr\" and \"tun\"", cure)
        if ports?.isEmpty == true {
            let wrong =
                "stands for all ports, and with forward = \"nat\" every answer of this host would go by way of the director"
            table.refuse("port", wrong, "write the ports of the service, such as port = 80")
        }
        guard let ports, ports.count != 1 else { return }
        if ports.isEmpty {
            let cure = "remove it, or write the one port of the VIP that it stands for, such as port = 80"
            table.refuse("real_port", "is one port, and the service takes all", cure)
        } else {
            let cure = "write a [[service]] of its own for each port, or remove it"
            table.refuse("real_port", "is one port, and the service has \(ports.count)", cure)
        }
    }

    /// Reports what the directors, the lock-down and other services leave no room for, and tells them of this one.
    func judge(
        _ table: Table, _ vips: [(node: Node, address: IPAddress)], called service: String,
        in surroundings: inout AgentSurroundings
    ) {
        let isReplyKnown = method != nil && (reply != nil || table["reply"] == nil)
        if !isReplyKnown || reply == .director { surroundings.hasRepliesByDirector = true }
        guard let method else { return }
        if method == .tun, !surroundings.admitsTunnelPackets {
            let wrong = "tunnel packets are taken from directors and tunnel_sources only, and there are none"
            let cure = "write directors = [\"10.0.0.1\"], or lockdown = false to take them from anyone"
            table.refuse("forward", wrong, cure)
        }
        if reply == .director, surroundings.areDirectorsWhole {
            for (family, example) in [("IPv4", "10.0.0.1"), ("IPv6", "2001:db8::1")] {
                guard let vip = vips.first(where: { $0.address.family == family })?.address,
                    !surroundings.directors.contains(where: { $0.address.family == family && !$0.address.isLoopback })
                else { continue }
                let wrong = "answers of \(vip) go by way of a director, and directors names none of \(family)"
                let cure = "add the director's own \(family) address (DIP) there, such as \(quoted(example))"
                table.refuse(table["reply"] == nil ? "forward" : "reply", wrong, cure)
            }
        }
        // With NAT the scope means nothing, and if it is given it has been refused.
        let isScopeKnown = method != .nat && (scope != nil || table["scope"] == nil)
        let scope = isScopeKnown ? scope ?? .global : nil
        for (node, vip) in vips {
            let placement = Placements.Placement(service: service, line: node.line, method: method, scope: scope)
            surroundings.placements.place(vip, at: node, scopeAt: table["scope"], placement, table.findings)
        }
    }
}

extension IPAddress {
    /// The name of its family.
    var family: String { v4 == nil ? "IPv6" : "IPv4" }
}
