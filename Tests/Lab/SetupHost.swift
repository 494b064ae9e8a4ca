internal import Glibc

/// A real server in the calling thread's namespace, with a configuration for `rsagent`, made so that its text stands still
/// while nobody changes it:
///
///     peer0 ═══ eth0 10.0.0.11/24, fd00::11/64 (the RIPs)     lo (the VIPs)
///     peer1 ═══ eth1
///
/// All interfaces have numbers and MACs of their own, so that one that was removed can be made again as it was.
public struct SetupHost: Sendable {
    /// What the configuration asks for.
    public enum Content: String, Sendable {
        /// All that a kernel without tunnels can do: VIPs of both families and both scopes, answers by the director, NAT, a
        /// wall against ARP.
        case direct
        /// Every kind of tunnel for VIPs of both families. `rp_filter` is strict for all interfaces.
        case tunnels
    }

    /// The folder everything is in, the run directory too.
    public let scratch: ScratchDirectory
    /// Where the agent's log is, and what it keeps from one boot to the next: no part of the host's text.
    private let lasting: ScratchDirectory
    /// Who runs `rsagent`, as words in front of it: nothing for root with all capabilities.
    public var runner: [String] = []

    /// The configuration file.
    public var file: String { "\(scratch.path)/rsagent.toml" }

    /// The modules that tunnels need: loaded before the first namespace is looked at, for they make devices in all of them.
    public static let modules = ["ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6"]

    /// Sets the calling thread's namespace up and writes the configuration.
    public init(_ scratch: ScratchDirectory, _ content: Content) throws {
        self.scratch = scratch
        lasting = try ScratchDirectory()
        try Self.perform([
            "sysctl net.ipv6.conf.all.disable_ipv6=1", "sysctl net.ipv6.conf.default.disable_ipv6=1",
            "sysctl net.ipv6.conf.lo.disable_ipv6=0", "ip link set lo up",
        ])
        for number in 0...1 { try Self.perform(Self.making(number)) }
        if content == .tunnels {
            try Self.perform(["sysctl net.ipv4.conf.all.rp_filter=1", "sysctl net.ipv4.conf.default.rp_filter=1"])
        }
        try write(head + (content == .direct ? Self.direct : Self.tunnels))
        try Self.settle()
    }

    /// Waits until the interfaces that were set up say that they are up, and IPv6 addresses have their routes, which the kernel
    /// looks into in its own time.
    public static func settle() throws {
        try Deadline.block(until: "the interfaces are up") {
            // Some stay down, as those that modules make.
            let links = try Command.require("ip -o link show up").output
            return !["state DOWN", "LOWERLAYERDOWN", "NO-CARRIER"].contains { links.contains($0) }
        }
        try HostText.settleIPv6()
    }

    /// The lines that make `eth0` or `eth1`, with its addresses.
    public static func making(_ number: Int) -> [String] {
        let (near, far) = ("eth\(number)", "peer\(number)")
        var lines = [
            "ip link add \(near) index \(20 + number) address 02:00:00:00:00:2\(number) type veth "
                + "peer name \(far) index \(30 + number) address 02:00:00:00:00:3\(number)",
            "ip link set \(near) addrgenmode none", "ip link set \(far) addrgenmode none",
            "ip link set \(near) up", "ip link set \(far) up",
        ]
        if number == 0 { lines += ["ip addr add 10.0.0.11/24 dev eth0"] + own6 }
        return lines
    }

    /// The lines that give `eth0` its IPv6 address, which the kernel takes away when the interface is set down.
    public static let own6 = [
        "sysctl net.ipv6.conf.eth0.disable_ipv6=0", "ip addr add fd00::11/64 dev eth0 nodad",
    ]

    /// Runs lines: commands, and `sysctl NAME=VALUE`.
    public static func perform(_ lines: [String]) throws {
        for line in lines {
            if line.hasPrefix("sysctl ") {
                try Sysctl.set(line.dropFirst("sysctl ".count))
            } else {
                try Command.require(line)
            }
        }
    }

    /// Replaces the configuration file.
    public func write(_ text: String) throws { try scratch.write(text, to: "rsagent.toml") }

    /// The configuration without the line of a key.
    public func configuration(without key: String) throws -> String {
        let lines = try Command.require("cat \(file)").output.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.filter { !$0.hasPrefix(key) }.joined(separator: "\n")
    }

    /// Lets every user work in the host's folders.
    public func openToAll() throws {
        try Command.require("chmod 777 \(scratch.path) \(lasting.path)")
        try Command.require("chmod 644 \(file)")
    }

    /// Runs `rsagent COMMAND` to its end.
    public func agent(_ command: String) throws -> Command {
        try Command.run(runner + [Product.agent, command, "--config", file])
    }

    /// Starts `rsagent run`.
    public func start() throws -> LabProcess {
        try LabProcess(runner + [Product.agent, "run", "--config", file], log: "\(lasting.path)/rsagent.log")
    }

    /// Starts `rsagent run` and waits until `isFit`; throws where it ends before.
    public func keptFit(_ isFit: () throws -> Bool) throws -> LabProcess {
        let agent = try start()
        try Deadline.block(until: "the host is fit, log \(agent.log)") {
            if let status = agent.exitStatus { throw LabError("exit \(status): \(try agent.output)") }
            return try isFit()
        }
        return agent
    }

    /// Asks an agent to stop, waits for its end, and returns its exit status.
    public func stop(_ agent: LabProcess) throws -> Int32? {
        agent.signal(SIGTERM)
        try Deadline.block(until: "the end of the agent, log \(agent.log)") { agent.exitStatus != nil }
        return agent.exitStatus
    }

    /// The host as text, once it is at rest.
    public func text() throws -> String {
        try HostText.settleIPv6()
        return try HostText.read(filesBelow: scratch.path)
    }

    private var head: String {
        """
        interface = "eth0"
        directors = ["10.0.0.1", "fd00::1"]
        run_dir   = "\(scratch.path)/run"
        state_dir = "\(lasting.path)/state"
        arp_block = true
        sentinel  = false

        """
    }

    private static let direct = """
        [[service]]
        name  = "web"
        vip   = ["192.0.2.10", "2001:db8::10"]
        port  = 80
        reply = "director"
        [[service]]
        name  = "inside"
        vip   = ["192.0.2.20", "2001:db8::20"]
        port  = 80
        scope = "host"
        [[service]]
        name      = "translated"
        vip       = ["192.0.2.30", "2001:db8::30"]
        port      = 80
        forward   = "nat"
        real_port = 8080

        """

    private static let tunnels = [("ipip", 10), ("gre", 20), ("gue", 30)].map { type, number in
        """
        [[service]]
        name    = "\(type)"
        vip     = ["192.0.2.\(number)", "2001:db8::\(number)"]
        port    = 80
        forward = "tun"
        tunnel  = "\(type)"

        """
    }.joined()
}
