internal import ConfigurationFile
internal import NetworkAddress

/// IPv4 or IPv6.
enum Family: Hashable, Sendable, CaseIterable {
    case v4, v6
}

extension IPAddress {
    var family: Family { v4 == nil ? .v6 : .v4 }
}

extension DirectorConfiguration.Service {
    /// Whether packets for `vip` can be sent to `server`: only a tunnel takes them to an address of another family.
    func fits(_ server: IPAddress, _ vip: IPAddress) -> Bool { fits(server, vip.family) }

    func fits(_ server: IPAddress, _ family: Family) -> Bool { forward == .tun || server.family == family }

    /// The families of its VIPs.
    var families: Set<Family> { Set(vips.map(\.family)) }

    /// Who answers for VIPs of this family while too few servers are up; nil: nobody.
    func sorryServer(for family: Family) -> DirectorConfiguration.SorryServer? {
        sorryServers.first { $0.forward == .tun || $0.address.family == family }
    }
}

extension Membership.Group {
    /// Decides for each family whether the servers or the sorry server get the connections.
    ///
    /// Keepalived's rule (`update_quorum_state` in `keepalived/check/ipwrapper.c`), counted in servers: the quorum is lost below
    /// `servers − hysteresis` or without any server, and won again with `servers + hysteresis`, or all there are.
    mutating func judgeQuorum() {
        for family in Family.allCases {
            guard service.families.contains(family), service.sorryServer(for: family) != nil else {
                apologies.remove(family)
                continue
            }
            let up = fitting(family).count { $0.standing.weight > 0 }
            if apologies.contains(family) {
                if up > 0, up >= winning(family) { apologies.remove(family) }
            } else if up == 0 || up < service.quorum.servers - service.quorum.hysteresis {
                apologies.insert(family)
            }
        }
    }

    /// Whether a lost quorum may be won by servers of which nothing was heard yet.
    func mayWinQuorum(_ family: Family) -> Bool {
        let members = fitting(family)
        guard members.contains(where: \.isAwaited) else { return false }
        return members.count { $0.isAwaited || $0.standing.weight > 0 } >= winning(family)
    }

    /// How many have to be up to win the quorum again.
    private func winning(_ family: Family) -> Int {
        min(service.quorum.servers + service.quorum.hysteresis, fitting(family).count)
    }

    /// The servers that packets for its VIPs of this family can be sent to.
    func fitting(_ family: Family) -> [Membership.Member] {
        members.filter { service.fits($0.configuration.address, family) }
    }
}
