import Glibc
import Lab
import Testing

extension TheKernelLab {
    /// The doctor on tunnels, as an operator runs it: each wrong row of the table of tunnels and `rp_filter` is named with its
    /// cause, `apply` mends it, and a packet as the director would send it is answered afterwards.
    ///
    ///     peer0 ═══ eth0 (10.0.0.11/24, fd00::11/64, the default route)   lo (the VIPs)   tunl0 or our own
    @Suite("The doctor, on tunnels")
    struct DoctorTests {
        static func host(_ commands: [String] = []) throws {
            for module in ["ipip", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6"] {
                try Command.require("modprobe \(module)")
            }
            for scope in ["all", "default"] { try Sysctl.set("net.ipv4.conf.\(scope).rp_filter=0") }
            // No link-local addresses, which settle in their own time: the host's text stands still.
            try Sysctl.set("net.ipv6.conf.default.addr_gen_mode=1")
            for command in [
                "ip link set lo up", "ip link add eth0 type veth peer name peer0", "ip link set peer0 arp off up",
                "ip link set eth0 up", "ip addr add 10.0.0.11/24 dev eth0", "ip addr add fd00::11/64 dev eth0 nodad",
                "ip route add default via 10.0.0.1", "ip route add default via fd00::1",
            ] + commands {
                if command.hasPrefix("sysctl ") {
                    try Sysctl.set(command.dropFirst("sysctl ".count))
                } else {
                    try Command.require(command)
                }
            }
        }

        /// The agent's command line, with a configuration of its own.
        struct Agent {
            let scratch: ScratchDirectory

            init(_ tunnel: String, directors: String = "\"10.0.0.1\"", vips: String = "\"192.0.2.10\"") throws {
                scratch = try ScratchDirectory()
                try scratch.write(
                    """
                    interface = "eth0"
                    directors = [\(directors)]
                    run_dir   = "\(scratch.path)/run"
                    sentinel  = false
                    [[service]]
                    name    = "web"
                    vip     = [\(vips)]
                    port    = 80
                    forward = "tun"
                    tunnel  = "\(tunnel)"

                    """, to: "rsagent.toml")
            }

            func callAsFunction(_ command: String) throws -> Command {
                try Command.run([Product.agent, command, "--config", "\(scratch.path)/rsagent.toml"])
            }

            /// The doctor's word, and that it left nothing behind.
            func examineTidily() throws -> Command {
                let before = try HostText.read(filesBelow: scratch.path)
                let doctor = try self("doctor")
                let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
                #expect(difference.isEmpty, "\(difference)")
                return doctor
            }
        }

        struct Row: Sendable, CustomTestStringConvertible {
            var all: Int
            var own: Int
            /// Where the VIP is, and what else is on the device.
            var addresses: [String]
            /// What the doctor names; nil: the row is fit.
            var cause: String?
            var testDescription: String { "all \(all), tunl0 \(own), \(addresses.joined(separator: ", "))" }
        }

        static let onLo = "ip addr add 192.0.2.10/32 dev lo"
        static let onDevice = "ip addr add 192.0.2.10/32 dev tunl0"
        static let extra = "ip addr add 127.0.0.42/32 dev tunl0"

        static let rows = [
            Row(all: 0, own: 0, addresses: [onLo]),
            Row(all: 0, own: 1, addresses: [onLo], cause: "strict (1) takes a packet only where"),
            Row(all: 0, own: 2, addresses: [onLo], cause: "loose (2) is not enough"),
            Row(all: 2, own: 0, addresses: [onLo], cause: "loose (2) is not enough"),
            Row(all: 1, own: 2, addresses: [onLo], cause: "a floor under every interface"),
            Row(all: 0, own: 1, addresses: [onLo, extra], cause: "strict (1) takes a packet only where"),
            Row(all: 0, own: 2, addresses: [onLo, extra]),
            Row(all: 0, own: 0, addresses: [onDevice]),
            Row(all: 0, own: 2, addresses: [onDevice]),
            Row(all: 0, own: 1, addresses: [onDevice], cause: "strict (1) takes a packet only where"),
            Row(all: 1, own: 0, addresses: [onDevice], cause: "a floor under every interface"),
        ]

        @Test(
            "each row of the rp_filter table: the doctor names the cause, apply mends it, the probe is answered",
            arguments: rows)
        func reversePath(row: Row) throws {
            let agent = try Agent("ipip")
            try FreshNamespace.run {
                try Self.host(row.addresses + ["ip link set tunl0 up"])
                // Everything else is as it should be.
                #expect(try agent("apply").status == 0)
                try Sysctl.set("net.ipv4.conf.tunl0.rp_filter=\(row.own)")
                try Sysctl.set("net.ipv4.conf.all.rp_filter=\(row.all)")
                let server = try Server()
                defer { server.end() }
                let before = try agent("doctor")
                if let cause = row.cause {
                    #expect(before.status == 1 && before.output.contains(cause), "\(before.text)")
                    #expect(before.output.contains("effective rp_filter is \(max(row.all, row.own))"))
                    #expect(before.output.contains("was not answered"), "\(before.text)")
                    #expect(before.output.contains("TcpExtIPReversePathFilter +"), "\(before.text)")
                } else {
                    #expect(before.status == 0 && before.output.contains("was answered in"), "\(before.text)")
                }
                let apply = try agent("apply")
                #expect(apply.status == 0, "\(apply.text)")
                let after = try agent("doctor")
                #expect(after.status == 0 && after.output.contains("was answered in"), "\(after.text)")
                #expect(!after.output.contains("PROBLEM"), "\(after.text)")
            }
        }

        @Test(
            "packed as the director packs it, a probe is answered by way of each type of tunnel, in each pair of families",
            arguments: ["ipip", "gre", "gue"], ["\"10.0.0.1\"", "\"fd00::1\""])
        func types(_ tunnel: String, _ directors: String) throws {
            let agent = try Agent(tunnel, directors: directors, vips: "\"192.0.2.10\", \"2001:db8::10\"")
            try FreshNamespace.run {
                try Self.host()
                let bare = try agent("doctor")
                #expect(bare.status == 1 && bare.output.contains("nothing on this host unpacks"), "\(bare.text)")
                let apply = try agent("apply")
                #expect(apply.status == 0, "\(apply.text)")
                let server = try Server()
                defer { server.end() }
                let fit = try agent.examineTidily()
                let answers = fit.output.split(separator: "\n").count { $0.contains("was answered in") }
                #expect(fit.status == 0 && answers == 2, "\(fit.text)")
                // A lock that knows another director keeps this one's packets out, and the doctor says so.
                let stranger = directors.contains("::") ? "fd00::99" : "10.0.0.99"
                let other = try Agent(tunnel, directors: "\"\(stranger)\"", vips: "\"192.0.2.10\"")
                let locked = try other("doctor")
                #expect(locked.status == 1 && locked.output.contains("counter outer_source +"), "\(locked.text)")
            }
        }

        @Test("a doctor that is killed at work leaves nothing behind")
        func killed() throws {
            let agent = try Agent("ipip")
            try FreshNamespace.run {
                try Self.host()
                #expect(try agent("apply").status == 0)
                // Nothing answers, so the probe waits while its device is there.
                try Command.require("nft add table inet wall")
                try Command.require("nft add chain inet wall input {type filter hook input priority 0;}")
                try Command.require("nft add rule inet wall input ip daddr 192.0.2.10 drop")
                let before = try HostText.read(filesBelow: agent.scratch.path)
                let command = "\(Product.agent) doctor --config \(agent.scratch.path)/rsagent.toml"
                let run = try Command.run([
                    "sh", "-c",
                    "\(command) >/dev/null & pid=$!; until ip link show rsprobe0 >/dev/null 2>&1; do kill -0 $pid || exit 9; done; "
                        + "kill -9 $pid; wait $pid",
                ])
                #expect(run.status == 137, "\(run.text)")
                try Deadline.block(until: "rsprobe0 goes with the process that made it") {
                    try HostText.difference(before, HostText.read(filesBelow: agent.scratch.path)).isEmpty
                }
            }
        }
    }

    /// Listens on port 80 of every address, both families, in the calling thread's namespace; the kernel answers for it.
    struct Server {
        private let descriptor: Int32

        init() throws {
            descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = UInt16(80).bigEndian
            let bound = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            guard bound == 0, listen(descriptor, 16) == 0 else {
                throw LabError("listen on port 80: \(String(cString: strerror(errno)))")
            }
        }

        func end() { close(descriptor) }
    }
}
