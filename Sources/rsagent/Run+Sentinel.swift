import ConfigurationFile
import Logging
import Netlink
import NetworkAddress
import RealServerSetup

extension AgentConfiguration {
    /// Whether the wire is to be watched and may be. That it may not is logged, and is no reason to leave the host unfit.
    func mayWatch(logger: Logger) -> Bool {
        guard isSentinelOn, services.contains(where: { !$0.heldVIPs.isEmpty }) else { return false }
        guard Capability.hasRawPackets else {
            logger.warning(
                """
                the sentinel stays off: it needs CAP_NET_RAW, which this process lacks, and so nobody watches who answers for the \
                VIPs; give it that capability, or write sentinel = false
                """)
            return false
        }
        return true
    }

    /// What watches the wire for answers that name a VIP of this host. Nil where it cannot, which is logged.
    func makeSentinel(telling findings: SetupFindings, logger: Logger) -> Sentinel? {
        let (interface, vips) = (interface, vips)
        do throws(SetupError) {
            return try Sentinel(
                vips: Array(Set(services.flatMap(\.heldVIPs))), directors: directors, logger: logger,
                segment: { try? SentinelSegment(facingDirectorsBy: interface, vips: vips) },
                publish: { await findings.receive(problems: $0, warnings: $1) })
        } catch {
            logger.warning("the sentinel stays off: \(error)")
            return nil
        }
    }
}

extension SentinelSegment {
    /// The interface called `name`, or (nil) that of the default route, as it is now. Nil where there is none that speaks
    /// Ethernet. Needs no capability.
    init?(facingDirectorsBy name: String?, vips: Set<IPAddress>) throws(NetlinkError) {
        let network = try Network()
        guard let (link, own) = try network.ownAddresses(interface: name, excluding: vips),
            let mac = link.hardwareAddress, link.isUp, !link.isLoopback
        else { return nil }
        let linkLocal = try network.addresses().first {
            $0.interface == link.index && $0.prefix.address.v6?.isLinkLocal == true && !$0.isTentative
        }
        self.init(
            index: link.index, name: link.name, mac: mac, ipv4: own.lazy.compactMap(\.v4).first,
            ipv6: linkLocal?.prefix.address.v6 ?? own.lazy.compactMap(\.v6).first,
            neighbors: Dictionary(
                try network.neighbors(interface: link.index).compactMap { neighbor in
                    neighbor.hardwareAddress.map { (neighbor.address, $0) }
                }, uniquingKeysWith: { first, _ in first }))
    }
}
