import ConfigurationFile
import Netlink
import NetworkAddress
import PacketFilter

@testable import RealServerSetup

extension SetupRequest {
    /// A request for direct routing on port 80 of each VIP, one service each, named after it.
    init(directRoutingVIPs vips: [IPv4Address]) {
        self.init(
            AgentConfiguration(
                services: vips.map { AgentConfiguration.Service(name: "\($0)", vips: [.v4($0)], ports: [80]) }))
    }
}

extension HostSnapshot.Address {
    init(interface: Int32, address: IPv4Address, prefixLength: Int = 32, label: String? = nil) {
        self.init(
            interface: interface, prefix: Prefix(.v4(address), length: prefixLength) ?? Prefix(host: .v4(address)),
            label: label)
    }
}

extension HostObject {
    /// A VIP as rsagent puts it on `lo`.
    static func vip(_ address: IPv4Address) -> HostObject {
        .address(PlacedAddress(Prefix(host: .v4(address)), interface: 1, interfaceName: "lo", label: "lo:rsagent"))
    }
}

extension Ownership {
    init(made objects: [HostObject]) {
        self.init()
        for object in objects { made[object.identity, default: []].append(object) }
    }
}
