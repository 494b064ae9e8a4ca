internal import Glibc
public import NetworkAddress

/// A lab for every way of forwarding: a director, one real server with nginx, both IP versions.
///
///      client            director           rs1
///      10.0.0.2          10.0.0.1           10.0.0.11
///      fd00::2           fd00::1            fd00::11
///        eth0              eth0               eth0
///     ─────┴─────────────────┴───── br0 ───────┴──────
///
/// All on one wire, so that the MAC an answer comes from tells which way it took. The real server gets its VIPs, in
/// 192.0.2.0/24 and 2001:db8::/32, from the agent.
public final class ForwardingFleet: Sendable {
    /// What forwards on the director.
    public enum Director: Sendable {
        /// The kernel's IPVS, whose host holds the VIPs itself.
        case ipvs
        /// rsdirector, whose host must not hold them.
        case rsdirector
    }

    /// Where it stands.
    public let lab: Lab
    /// The one real server.
    public var server: LabHost { lab.backends[0] }
    /// The real server as it is while no agent has set it up.
    public let untouched: String
    private let webServer: LabProcess

    /// What clients connect to.
    public static func vip(isIPv6: Bool) -> IPAddress {
        isIPv6 ? .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 0x10)) : .v4(Lab.vip)
    }

    /// A host's own address: 10.0.0.N, fd00::N (N in hexadecimal digits that read as the decimal ones).
    public static func address(of host: LabHost, isIPv6: Bool) -> IPAddress {
        guard isIPv6 else { return .v4(host.address) }
        let number = UInt64(host.address.rawValue & 0xFF)
        return .v6(IPv6Address(high: 0xFD00 << 48, low: (number / 10) << 4 | number % 10))
    }

    /// What the tunnels and the director need of the kernel. All of it before the first host is made: a module puts devices
    /// of its own into namespaces that are there already, and that would pass for a change to a host.
    private static let modules = ["ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6", "ip_vs", "ip_vs_rr"]

    /// Loads modules, makes the hosts, and starts nginx.
    public init(directedBy director: Director) async throws {
        for module in Self.modules { try Command.require("modprobe \(module)") }
        lab = try await Lab()
        do {
            for host in [lab.client, lab.director, lab.backends[0]] { try await Self.addIPv6(to: host) }
            try await lab.client.require("ip -6 route add 2001:db8::/32 dev eth0")
            if director == .ipvs { try await Self.holdVIPs(lab.director) }
            webServer = try await Self.startWebServer(on: lab.backends[0])
            untouched = try await Self.text(of: lab.backends[0])
        } catch {
            try await lab.remove()
            throw error
        }
    }

    /// Ends everything and removes the hosts.
    public func remove() async throws {
        try await webServer.stop(SIGQUIT)
        try await lab.remove()
    }

    /// Gives a host an IPv6 address beside its IPv4 one.
    public static func addIPv6(to host: LabHost) async throws {
        // No address is tried out first (DAD) and no router is waited for: a host's text stands still.
        try await host.script(
            """
            for conf in /proc/sys/net/ipv6/conf/{all,default,eth0}; do
                echo 0 >$conf/accept_dad; echo 0 >$conf/accept_ra
            done
            for conf in /proc/sys/net/ipv6/conf/{all,default}; do echo 0 >$conf/disable_ipv6; done
            ip -6 addr add \(address(of: host, isIPv6: true))/64 dev eth0 nodad
            """)
    }

    private static func holdVIPs(_ director: LabHost) async throws {
        try await director.script(
            """
            ip addr add \(vip(isIPv6: false))/32 dev eth0
            ip -6 addr add \(vip(isIPv6: true))/128 dev eth0 nodad
            # Answers that come back this way are forwarded, though their source, the VIP, is this host's own address.
            echo 1 >/proc/sys/net/ipv4/ip_forward
            echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
            for conf in /proc/sys/net/ipv4/conf/{all,default,eth0}; do
                echo 1 >$conf/accept_local; echo 0 >$conf/rp_filter
                # The way back is the same wire: "the client is next to you" would be true, and take the director out.
                echo 0 >$conf/send_redirects
            done
            """)
    }

    // MARK: What is served

    /// What `/small` answers: 10 bytes.
    public static let small = "0123456789"
    /// The size of `/big`.
    static let bigSize = 10_000_000
    /// The size of what is sent up.
    static let uploadSize = 1_000_000
    /// Where the service listens with NAT; it also does on 80.
    public static let realPort: UInt16 = 8080

    private static func startWebServer(on host: LabHost) async throws -> LabProcess {
        let directory = "\(host.directory)/nginx"
        let file = try await host.write(
            """
            user root;
            daemon off;
            worker_processes 1;
            pid \(directory)/nginx.pid;
            error_log stderr warn;
            events {}
            http {
                access_log off;
                client_max_body_size 0;
                \(["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map { "\($0)_temp_path \(directory)/\($0);" }.joined(separator: " "))
                server {
                    \([80, realPort].map { "listen \($0); listen [::]:\($0);" }.joined(separator: " "))
                    root \(directory)/documents;
                    location = /small { return 200 "\(small)"; }
                    location /upload/ { dav_methods PUT; create_full_put_path on; }
                }
            }

            """, to: "nginx.conf")
        try await host.script(
            """
            mkdir -p \(directory)/documents
            dd if=/dev/urandom of=\(directory)/documents/big bs=\(bigSize) count=1 iflag=fullblock status=none
            dd if=/dev/urandom of=\(directory)/sent bs=\(uploadSize) count=1 iflag=fullblock status=none
            """)
        let process = try await host.start(["nginx", "-e", "stderr", "-c", file], log: "nginx")
        try await Deadline.wait(until: "nginx on \(host.name) to answer") {
            if process.exitStatus != nil { throw LabError("nginx: \(try process.output)") }
            return try await host.run(["curl", "-sf", "-o", "/dev/null", "http://\(host.address)/small"]).status == 0
        }
        return process
    }

    // MARK: What a client gets

    /// Asks a VIP for 10 bytes and for 10 MB, and sends it 1 MB, each on a connection of its own from a client's port
    /// beginning with `port`. Returns a line for each: `small 0123456789`, `big whole`, `upload whole`, or else what curl said.
    public func exchange(with vip: IPAddress, port: Int) async throws -> [String] {
        let url = "http://\(vip.v6 != nil ? "[\(vip)]" : "\(vip)")"
        let nginx = "\(server.directory)/nginx"
        let script = """
            fetch() { curl -sS -g --max-time \(Lab.isEmulated ? 60 : 20) "$@" 2>&1; }
            echo "small $(fetch --local-port \(port) \(url)/small)"
            said=$(fetch --local-port \(port + 1) -o \(nginx)/got \(url)/big)
            cmp -s \(nginx)/got \(nginx)/documents/big && echo "big whole" || echo "big $said"
            said=$(fetch --local-port \(port + 2) -H Expect: -T \(nginx)/sent \(url)/upload/sent)
            cmp -s \(nginx)/sent \(nginx)/documents/upload/sent && echo "upload whole" || echo "upload $said"
            rm -f \(nginx)/got \(nginx)/documents/upload/sent
            """
        let answer = try await lab.client.run(["bash", "-c", script])
        return answer.output.split(separator: "\n").map(String.init) + (answer.errors.isEmpty ? [] : [answer.errors])
    }

    // MARK: The real server as text

    /// The real server as text: links, addresses, routes, rules, packet filters, ports that unpack, sysctls, and the files
    /// the agent may make. One process on the host, for in the guest each takes its time.
    public func text() async throws -> String { try await Self.text(of: server) }

    private static func text(of server: LabHost) async throws -> String {
        let text = try await server.script(
            """
            mkdir -p \(server.directory)/var
            ip -d addr show
            for family in -4 -6; do ip $family route show table all; ip $family rule show; done
            ip fou show
            nft list ruleset
            find \(server.directory)/var -printf '%P:%y:%m:%u\\n' | sort
            """)
        return text.output + HostText.sorted(try await server.run(Sysctl.listing).output)
    }
}

extension LabHost {
    /// Runs lines of bash(1) on this host, and throws where one fails.
    @discardableResult
    public func script(_ lines: String) async throws -> Command {
        let command = try await run(["bash", "-euc", lines])
        guard command.status == 0 else {
            throw LabError("\(name): exit \(command.status) of\n\(lines)\n\(command.text)")
        }
        return command
    }

    /// What the agent would do for direct routing, where there is none: the VIPs on `lo`, and silent.
    public func hold(_ vips: [IPv4Address]) async throws {
        try await script(
            """
            echo 2 >/proc/sys/net/ipv4/conf/eth0/arp_announce
            nft add table arp silent
            nft add chain arp silent in '{ type filter hook input priority 0; }'
            for vip in \(vips.map(\.description).joined(separator: " ")); do
                nft add rule arp silent in arp daddr ip $vip drop
                ip addr add $vip/32 dev lo
            done
            """)
    }
}
