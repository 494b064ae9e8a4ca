import Lab
import NetworkAddress
import Testing

extension TheKernelLab {
    /// The rows of the ARP table that need devices which many kernels lack: the VIP where the how-tos with `dummy0` and
    /// `tunl0` put it. The other rows are in RealServerSetupTests.
    @Suite("Who answers for a VIP on a device without ARP")
    struct ARPTableTests {
        @Test(
            "it leaks through eth0, is mended by apply without moving the VIP, and leaks again after teardown",
            arguments: [
                ["ip link add dummy0 type dummy", "ip addr add 192.0.2.10/32 dev dummy0", "ip link set dummy0 up"],
                [
                    "modprobe ipip", "ip addr add 192.0.2.10/32 dev tunl0", "ip link set tunl0 up",
                    "sysctl net.ipv4.conf.tunl0.arp_ignore=1",
                ],
            ])
        func leak(commands: [String]) throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                for scope in ["all", "default"] { try Sysctl.set("net.ipv6.conf.\(scope).disable_ipv6=1") }
                try Command.require("ip link set lo up")
                try Command.require("ip link add eth0 type veth peer name peer0")
                for name in ["eth0", "peer0"] { try Command.require("ip link set \(name) up") }
                try Command.require("ip link set peer0 arp off")
                try Command.require("ip addr add 10.0.0.11/24 dev eth0")
                for command in commands {
                    if command.hasPrefix("sysctl ") {
                        try Sysctl.set(command.dropFirst("sysctl ".count))
                    } else {
                        try Command.require(command)
                    }
                }
                try scratch.write(
                    """
                    interface = "eth0"
                    run_dir   = "\(scratch.path)/run"
                    [[service]]
                    name = "web"
                    vip  = "192.0.2.10"
                    port = 80

                    """, to: "rsagent.toml")
                let agent = { (command: String) in
                    try Command.run([Product.agent, command, "--config", "\(scratch.path)/rsagent.toml"])
                }
                let before = try HostText.read(filesBelow: scratch.path)
                #expect(try leaks())
                let plan = try agent("plan")
                #expect(
                    plan.status == 2 && plan.output.contains("eth0 would answer who-has for the VIP"), "\(plan.text)")
                #expect(!plan.output.contains("ip addr"), "the VIP is well placed where it is")
                #expect(try agent("apply").status == 0)
                #expect(try !leaks())
                #expect(try agent("teardown").status == 0)
                #expect(try leaks())
                let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
                #expect(difference.isEmpty, "\(difference)")
            }
        }

        private func leaks() throws -> Bool {
            let vip = IPv4Address(192, 0, 2, 10)
            let wire = try ARPWire(interface: "peer0")
            return try wire.answers(for: [vip], then: IPv4Address(10, 0, 0, 11), sender: IPv4Address(10, 0, 0, 99))[vip]
                != nil
        }
    }
}
