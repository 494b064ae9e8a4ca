public import NetworkAddress

extension Network {
    /// The IPv4 address by which this host is known on `interface` (nil: the interface of the default route): the first
    /// that is neither secondary nor one of `others`, the VIPs. Nil where there is no such interface or address.
    public func ownAddress(
        interface name: String?, excluding others: Set<IPAddress>
    ) throws(NetlinkError) -> (interface: String, address: IPAddress)? {
        let links = try links()
        let index = try name == nil ? defaultRouteInterface() : nil
        guard let link = links.first(where: { index == nil ? $0.name == name : $0.index == index })
        else { return nil }
        let own = try addresses().first {
            $0.interface == link.index && $0.prefix.address.v4 != nil && !$0.isSecondary
                && !others.contains($0.prefix.address)
        }
        return own.map { (link.name, $0.prefix.address) }
    }
}
