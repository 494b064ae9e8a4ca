import Glibc
import Lab
import NetworkAddress
import Testing

/// One cell of the forwarding matrix: how a request reaches the real server, and which way the answer takes.
struct ForwardingCell: Sendable, Hashable {
    /// What the director does to a packet.
    enum Forwarding: String, CaseIterable { case dr, ipip, gre, gue, nat }

    var forwarding: Forwarding
    /// The family of the VIP.
    var isIPv6: Bool
    /// The family of the real server's address: TUN alone may have another than the VIP's.
    var isIPv6Outside: Bool
    /// Whether answers go back by way of the director.
    var isByDirector: Bool

    /// Every cell that IPVS can do; docs/forwarding-matrix.md names the others.
    static let all: [ForwardingCell] = [false, true].flatMap { isByDirector in
        Forwarding.allCases.flatMap { forwarding in
            [false, true].flatMap { isIPv6 in
                [false, true].compactMap { isIPv6Outside in
                    let cell = ForwardingCell(
                        forwarding: forwarding, isIPv6: isIPv6, isIPv6Outside: isIPv6Outside,
                        isByDirector: isByDirector)
                    return cell.isPossible ? cell : nil
                }
            }
        }
    }

    /// The cells to be tried: all of them, or those whose name holds what RSLAB_CELLS says: `gue`, `6in4`, `nat`.
    static let chosen =
        getenv("RSLAB_CELLS").map { wish in all.filter { $0.name.contains(String(cString: wish)) } } ?? all

    private var isPossible: Bool {
        switch forwarding {
        case .dr: isIPv6 == isIPv6Outside
        case .nat: isIPv6 == isIPv6Outside && isByDirector
        case .ipip, .gre, .gue: true
        }
    }

    var isTunnelled: Bool { forwarding != .dr && forwarding != .nat }

    /// Whether the lock on the tunnel is tried: which way answers go has no part in it.
    var hasIntruders: Bool { isTunnelled && !isByDirector }

    /// The client's first port in this cell: no two cells share a connection that IPVS still remembers.
    var port: Int { 20_000 + 10 * (Self.all.firstIndex(of: self) ?? 0) }

    /// The file names of this cell's captures.
    var name: String { "\(forwarding.rawValue)-\(families)-\(isByDirector ? "director" : "direct")" }
    private var families: String { isTunnelled ? "\(version)in\(isIPv6Outside ? 6 : 4)" : "ipv\(version)" }
    private var version: Int { isIPv6 ? 6 : 4 }
}

extension ForwardingCell: CustomTestStringConvertible {
    var testDescription: String {
        let how =
            isTunnelled
            ? "TUN \(forwarding.rawValue) \(families)" : "\(forwarding.rawValue.uppercased()) IPv\(version)"
        return "\(how), answers \(isByDirector ? "by way of the director" : "direct")"
    }
}

// What is said to whom.
extension ForwardingCell {
    /// The directors the agent is told of: the one that sends, and where answers of the VIP's family go by way of it also
    /// its address of that family.
    private func directors(_ lab: Lab) -> [IPAddress] {
        var families: Set<Bool> = [isIPv6Outside]
        if isByDirector { families.insert(isIPv6) }
        return families.map { ForwardingFleet.address(of: lab.director, isIPv6: $0) }.sorted()
    }

    /// The agent's configuration.
    func configuration(on fleet: ForwardingFleet, isLockedDown: Bool = true) -> String {
        let forward = isTunnelled ? "tun" : forwarding.rawValue
        var text = """
            interface = "eth0"
            directors = [\(directors(fleet.lab).map { "\"\($0)\"" }.joined(separator: ", "))]
            lockdown  = \(isLockedDown)
            run_dir   = "\(fleet.server.directory)/var/run"
            state_dir = "\(fleet.server.directory)/state"

            [[service]]
            name    = "web"
            vip     = "\(ForwardingFleet.vip(isIPv6: isIPv6))"
            port    = 80
            forward = "\(forward)"
            reply   = "\(isByDirector ? "director" : "direct")"

            """
        if isTunnelled { text += "tunnel = \"\(forwarding.rawValue)\"\n" }
        if forwarding == .nat { text += "real_port = \(ForwardingFleet.realPort)\n" }
        return text
    }

    /// What makes IPVS forward so.
    func directorScript(on fleet: ForwardingFleet) -> String {
        let vip = ForwardingFleet.vip(isIPv6: isIPv6)
        let rip = ForwardingFleet.address(of: fleet.server, isIPv6: isIPv6Outside)
        let how =
            switch forwarding {
            case .dr: "-g"
            case .nat: "-m"
            case .ipip: "-i"
            case .gre: "-i --tun-type gre --tun-nocsum"
            case .gue: "-i --tun-type gue --tun-port 6080 --tun-nocsum"
            }
        let service = "-t \(isIPv6 ? "[\(vip)]" : "\(vip)"):80"
        let server = "\(isIPv6Outside ? "[\(rip)]" : "\(rip)"):\(forwarding == .nat ? ForwardingFleet.realPort : 80)"
        return "ipvsadm -C; ipvsadm -A \(service) -s rr; ipvsadm -a \(service) -r \(server) \(how)"
    }

    /// What a device sends that packs as the director does; `local` and `remote` are to be added.
    var spoofDevice: String {
        let device =
            switch (forwarding == .gre, isIPv6Outside, isIPv6) {
            case (true, false, _): "gre"
            case (true, true, _): "ip6gre"
            case (false, false, false): "ipip mode ipip"
            case (false, false, true): "sit mode ip6ip"
            case (false, true, false): "ip6tnl mode ipip6"
            case (false, true, true): "ip6tnl mode ip6ip6"
            }
        guard forwarding == .gue else { return device }
        return device + " encap gue encap-sport auto encap-dport 6080"
            + (isIPv6Outside ? " encap-udp6-csum encaplimit none" : "")
    }
}

// What is to be seen.
extension ForwardingCell {
    /// Requests as they must reach the real server, for pcap-filter(7), by their outermost header.
    func wrapped(for vip: IPAddress, on fleet: ForwardingFleet) -> String {
        let lab = fleet.lab
        let address = { ForwardingFleet.address(of: $0, isIPv6: isIPv6Outside) }
        let version = isIPv6Outside ? "ip6" : "ip"
        let ends = "src host \(address(lab.director)) and dst host \(address(fleet.server))"
        return switch forwarding {
        case .dr: "tcp and dst host \(vip) and dst port 80"
        case .nat:
            "tcp and src host \(address(lab.client)) and dst host \(address(fleet.server)) and dst port \(ForwardingFleet.realPort)"
        case .ipip: "\(version) proto \(isIPv6 ? 41 : 4) and \(ends)"
        case .gre: "\(version) proto 47 and \(ends)"
        case .gue: "\(version) and udp dst port 6080 and \(ends)"
        }
    }

    /// Where answers come from as they leave the real server, as tcpdump writes it. Nothing wraps them.
    func answerer(for vip: IPAddress, on fleet: ForwardingFleet) -> String {
        forwarding == .nat
            ? "\(ForwardingFleet.address(of: fleet.server, isIPv6: isIPv6)).\(ForwardingFleet.realPort)" : "\(vip).80"
    }

    /// What the VIP's SYN-ACK must offer on a wire of 1,500 bytes: what is left when the director has wrapped it. Where the
    /// agent is told of directors of both families, either might send: then what is left of the larger wrapping.
    var maximumSegment: Int { maximumSegment(outer: isIPv6Outside || isByDirector && isIPv6 ? 40 : 20) }

    /// The same where the largest outer header that the agent has to reckon with is so long.
    func maximumSegment(outer: Int) -> Int {
        let wrapping =
            switch forwarding {
            case .dr, .nat: 0
            case .ipip: outer
            case .gre: outer + 4
            case .gue: outer + 12
            }
        return 1500 - wrapping - (isIPv6 ? 40 : 20) - 20
    }
}
