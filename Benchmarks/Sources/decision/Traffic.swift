import Forwarding
import NetworkAddress

/// A way of forwarding, and the packets that take it.
struct Traffic {
    static let flows = 1 << 20
    private static let serverCount = 16

    let name: String
    var service: VirtualService
    let opening: PacketTemplate
    let data: PacketTemplate

    /// `isAnswer`: the packets are what a server answers.
    private init(_ name: String, isIPv6: Bool = false, isAnswer: Bool = false, method: (IPAddress) -> ForwardMethod) {
        let clients = Self.address(isIPv6, network: 1, host: 0)
        let vip = Self.address(isIPv6, network: 2, host: 10)
        // Whose answer it is has to be known: then there is one.
        let servers = (0..<(isAnswer ? 1 : Self.serverCount)).map { number in
            let address = Self.address(isIPv6, network: 0, host: 11 + number)
            return RealServer(
                address: address, port: 8080, weight: 1, method: method(address),
                station: LinkStation(
                    egress: 0, source: MACAddress(rawValue: 0x02_00_00_00_00_01),
                    destination: MACAddress(rawValue: 0x02_00_00_00_01_00 + UInt64(number))))
        }
        self.name = name
        service = VirtualService(name: "web", vip: vip, port: 80, scheduler: .wrr, servers: servers)
        opening = PacketTemplate(clients: clients, end: vip, port: 80, flags: PacketTemplate.syn)
        data =
            isAnswer
            ? PacketTemplate(
                clients: clients, end: servers[0].address, port: 8080, flags: PacketTemplate.ack, isAnswer: true)
            : PacketTemplate(clients: clients, end: vip, port: 80, flags: PacketTemplate.ack)
    }

    static let all = [
        Traffic("DR") { _ in .direct },
        Traffic("NAT, to the server") { _ in .nat },
        Traffic("NAT, to the client", isAnswer: true) { _ in .nat },
        Traffic("TUN, ipip") { .tunnel(Tunnel(.ipip, from: address(false, network: 0, host: 1), to: $0)) },
        Traffic("TUN, GUE") { .tunnel(Tunnel(.gue(port: 6080), from: address(false, network: 0, host: 1), to: $0)) },
        Traffic("DR, IPv6", isIPv6: true) { _ in .direct },
        Traffic("NAT, IPv6, to the server", isIPv6: true) { _ in .nat },
    ]

    /// 10.NETWORK.0.HOST or fd00:NETWORK::HOST.
    private static func address(_ isIPv6: Bool, network: UInt8, host: Int) -> IPAddress {
        isIPv6
            ? .v6(IPv6Address(high: 0xFD00 << 48 | UInt64(network) << 32, low: UInt64(host)))
            : .v4(IPv4Address(10, network, 0, UInt8(host)))
    }
}
