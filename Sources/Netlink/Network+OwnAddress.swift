public import NetworkAddress

extension Network {
    /// The interface that faces the director, and the addresses by which this host is known on it: the one called `name`, or
    /// (nil) that of the IPv4 default route, or where there is none that of the IPv6 one. Nil where there is no such interface.
    ///
    /// Left out are `others`, the VIPs, and what no director could or should send to: secondary and temporary addresses,
    /// deprecated ones, those that cannot be used (yet), and those of host or link scope. IPv4 comes first, and of each family
    /// the address that the kernel lists first.
    /// Equivalent to: `ip addr show dev INTERFACE primary`. Needs no capability.
    public func ownAddresses(
        interface name: String?, excluding others: Set<IPAddress>
    ) throws(NetlinkError) -> (link: Link, addresses: [IPAddress])? {
        let links = try links()
        let link: Link?
        if let name {
            link = links.first { $0.name == name }
        } else {
            var index = try defaultRouteInterface()
            if index == nil { index = try defaultRouteInterface(isIPv6: true) }
            link = links.first { $0.index == index }
        }
        guard let link else { return nil }
        let own = try addresses().filter {
            $0.interface == link.index && !$0.isSecondary && !$0.isDeprecated && !$0.isTentative && !$0.isHostScope
        }.map(\.prefix.address).filter { !others.contains($0) && $0.v6?.isLinkLocal != true }
        return (link, own.filter { $0.v4 != nil } + own.filter { $0.v6 != nil })
    }
}
