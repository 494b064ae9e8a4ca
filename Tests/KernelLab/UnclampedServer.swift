import Glibc
import Lab
import NetworkAddress
import Testing

/// A second real server, on which nothing keeps the VIP from offering segments that do not fit the tunnel: rsagent set it up,
/// and then the one chain that lowers the MSS was emptied.
struct UnclampedServer {
    /// What clients connect to, by family; the outer header is of the same.
    static let vips: [IPAddress] = [
        .v4(IPv4Address(192, 0, 2, 99)), .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 99)),
    ]

    private let webServer: WebServer
    private let host: LabHost
    private let file: String

    /// The one it is.
    static func host(in lab: Lab) -> LabHost { lab.backends[1] }

    /// Starts nginx, and has rsagent set the host up.
    init(on lab: Lab) async throws {
        host = Self.host(in: lab)
        try await ForwardingFleet.addIPv6(to: host)
        webServer = try await WebServer(on: host)
        let directors = [false, true].map { "\"\(ForwardingFleet.address(of: lab.director, isIPv6: $0))\"" }
        file = try await host.write(
            """
            interface = "eth0"
            directors = [\(directors.joined(separator: ", "))]
            run_dir   = "\(host.directory)/run"
            state_dir = "\(host.directory)/state"

            [[service]]
            name    = "long"
            vip     = [\(Self.vips.map { "\"\($0)\"" }.joined(separator: ", "))]
            port    = 80
            forward = "tun"

            """, to: "rsagent.toml")
        try await host.require("\(Product.agent) apply --config \(file)")
        try await host.require("nft flush chain inet rsagent segments")
    }

    /// What rsdirector's file says of it: a service for each family.
    static func directorServices(on lab: Lab) -> String {
        vips.map { vip in
            """

            [[service]]
            name    = "long-\(vip.v6 != nil ? 6 : 4)"
            vip     = "\(vip)"
            port    = 80
            forward = "tun"
            [[service.server]]
            address = "\(ForwardingFleet.address(of: host(in: lab), isIPv6: vip.v6 != nil))"
            agent   = false

            """
        }.joined()
    }

    /// Gives the host back.
    func remove() async throws {
        try await host.require("\(Product.agent) teardown --config \(file)")
        try await webServer.process.stop(SIGQUIT)
    }
}
