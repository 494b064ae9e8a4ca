import Glibc
import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// What goes wrong around the agent: in none of it is the host left half configured.
    @Suite("Faults")
    struct FaultTests {
        private static let vip = IPv4Address(192, 0, 2, 10)

        @Test("asked to stop while the first changes are being made, it finishes them and puts them back")
        func earlySignal() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                let before = try host.text()
                let agent = try host.start()
                // The run directory is the first trace of what is being done.
                try Deadline.block(until: "the first trace", every: .milliseconds(1)) {
                    access("\(scratch.path)/run", F_OK) == 0 || agent.exitStatus != nil
                }
                let status = try host.stop(agent)
                let log = try agent.output
                #expect(status == 0, "\(log)")
                try host.expectAsBefore(before)
            }
        }

        @Test("the run directory taken away while it runs: what it changed is put back all the same")
        func lostRunDirectory() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                let before = try host.text()
                let problem = try host.judge()
                let agent = try host.keptFit {
                    // Its control socket is the last thing it makes there.
                    try problem() == nil && access("\(scratch.path)/run/control.sock", F_OK) == 0
                }
                try Command.require("rm -r \(scratch.path)/run")
                let status = try host.stop(agent)
                let log = try agent.output
                #expect(status == 0, "\(log)")
                try host.expectAsBefore(before)
            }
        }

        @Test("teardown needs no configuration: what is to be put back is on record")
        func noConfiguration() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                let before = try host.text()
                #expect(try host.agent("apply").status == 0)
                try host.write("this is no configuration")
                let refused = try host.agent("teardown")
                #expect(refused.status == 1 && refused.errors.contains("--run-dir"), "\(refused.text)")
                let teardown = try Command.run([Product.agent, "teardown", "--run-dir", "\(scratch.path)/run"])
                #expect(teardown.status == 0, "\(teardown.text)")
                try host.expectAsBefore(before)
            }
        }

        @Test(
            "a rule of somebody else's that comes before rsagent's: refused by name, told while it runs, nothing left behind"
        )
        func foreignRule() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                try SetupHost.perform(["ip route add default via 10.0.0.1"])
                // A rule that concerns something else is nobody's business.
                try SetupHost.perform(["ip rule add from 203.0.113.7 unreachable priority 50"])
                let rule = "from 192.0.2.10 unreachable priority 100"
                try SetupHost.perform(["ip rule add \(rule)"])
                let before = try host.text()
                let apply = try host.agent("apply")
                #expect(apply.status == 1 && apply.errors.contains("answers from 192.0.2.10 "), "\(apply.text)")
                #expect(apply.errors.contains("ip rule show"), "\(apply.text)")
                try host.expectAsBefore(before)

                try SetupHost.perform(["ip rule del \(rule)"])
                let problem = try host.judge()
                let agent = try host.keptFit { try problem() == nil }
                try SetupHost.perform(["ip rule add \(rule)"])
                try Deadline.block(until: "the agent tells, log \(agent.log)") {
                    try agent.output.contains("answers from 192.0.2.10 do not go by way of the director")
                }
                let status = try host.stop(agent)
                let log = try agent.output
                #expect(status == 0, "\(log)")
                try host.expectAsBefore(before)
            }
        }

        @Test("more events than the socket holds, while the agent stands still: everything is repaired once it goes on")
        func overrun() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                let before = try host.text()
                let problem = try host.judge()
                let agent = try host.keptFit { try problem() == nil }
                agent.signal(SIGSTOP)
                var flood = ""
                for _ in 0..<40 {
                    for number in 1...250 { flood += "addr add 198.18.0.\(number)/32 dev eth1\n" }
                    for number in 1...250 { flood += "addr del 198.18.0.\(number)/32 dev eth1\n" }
                }
                let batch = try ScratchDirectory()
                try batch.write(flood, to: "flood")
                try Command.require("ip -batch \(batch.path)/flood")
                // The column Drops of the agent's sockets: without an overrun this would be another test.
                let sockets = try Command.require("cat /proc/thread-self/net/netlink").output
                let dropped = sockets.split(separator: "\n").compactMap { line -> Int? in
                    let words = line.split(separator: " ")
                    return words.count > 8 && words[2] == "\(agent.pid)" ? Int(words[8]) : nil
                }
                #expect(dropped.contains { $0 > 0 }, "\(sockets)")
                for drift in Drift.direct where !drift.kind.contains("made again") && !drift.kind.contains("down") {
                    // What an earlier one took along cannot be removed again.
                    _ = try? SetupHost.perform(drift.lines)
                }
                #expect(try problem() != nil)
                agent.signal(SIGCONT)
                try Deadline.block(until: "the repair") { try problem() == nil }
                #expect(try host.stop(agent) == 0)
                try host.expectAsBefore(before)
            }
        }

        /// Words in front of a program that make `/proc/sys` read-only for it.
        private static let readOnly = [
            "unshare", "--mount", "sh", "-c",
            "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$@\"", "sh",
        ]

        @Test("/proc/sys read-only: what concerns interfaces is set by netlink, and it is all put back")
        func readOnlySysctls() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                var host = try SetupHost(scratch, .direct)
                let before = try host.text()
                host.runner = Self.readOnly
                let probe = try Command.run(
                    Self.readOnly + ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_ignore"])
                #expect(probe.errors.contains("Read-only"), "\(probe.text)")
                let apply = try host.agent("apply")
                #expect(apply.status == 0, "\(apply.text)")
                #expect(try Sysctl.value("net.ipv4.conf.eth0.arp_ignore") == "1")
                #expect(try host.agent("plan").status == 0)
                #expect(try host.agent("teardown").status == 0)
                try host.expectAsBefore(before)
            }
        }

        @Test("/proc/sys read-only, and conf.all stands in the way: an error that names it, and nothing is changed")
        func readOnlyAll() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                var host = try SetupHost(scratch, .direct)
                try Sysctl.set("net.ipv4.conf.all.arp_ignore=3")
                let before = try host.text()
                host.runner = Self.readOnly
                let apply = try host.agent("apply")
                #expect(apply.status == 1)
                #expect(
                    apply.errors.contains("/proc/sys/net/ipv4/conf/all/arp_ignore")
                        && apply.errors.contains("Read-only"), "\(apply.text)")
                try host.expectAsBefore(before)
            }
        }

        /// Words in front of a program that run it as nobody with these capabilities alone.
        private static func nobody(_ capabilities: String) -> [String] {
            [
                "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps",
                "-all\(capabilities)", "--ambient-caps", "-all\(capabilities)", "--bounding-set", "-all\(capabilities)",
            ]
        }

        @Test("as nobody with CAP_NET_ADMIN alone: plan, apply, run and teardown do all they do as root")
        func leastPrivilege() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                var host = try SetupHost(scratch, .direct)
                try Sysctl.set("net.ipv4.conf.all.arp_ignore=3")
                try host.openToAll()
                let before = try host.text()
                host.runner = Self.nobody(",+net_admin")
                #expect(try host.agent("plan").status == 2)
                let apply = try host.agent("apply")
                #expect(apply.status == 0, "\(apply.text)")
                let problem = try host.judge()
                #expect(try problem() == nil)
                #expect(try host.agent("plan").status == 0)
                let teardown = try host.agent("teardown")
                #expect(teardown.status == 0, "\(teardown.text)")
                try host.expectAsBefore(before)

                let agent = try host.keptFit { try problem() == nil }
                for drift in Drift.direct where !drift.kind.contains("made again") {
                    try SetupHost.perform(drift.lines)
                    try Deadline.block(until: "the repair of \(drift.lines)") { try problem() == nil }
                }
                #expect(try host.stop(agent) == 0)
                try host.expectAsBefore(before)
            }
        }

        @Test("without any capability: said before anything is touched", arguments: ["apply", "teardown", "run"])
        func noCapability(command: String) throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                var host = try SetupHost(scratch, .direct)
                try host.openToAll()
                let before = try host.text()
                host.runner = Self.nobody("")
                let run = try host.agent(command)
                #expect(run.status == 1)
                #expect(run.errors.contains("CAP_NET_ADMIN is missing, nothing was touched"), "\(run.text)")
                try host.expectAsBefore(before)
                #expect(try host.agent("plan").status == 2, "plan needs none")
            }
        }

        @Test("without CAP_NET_RAW the sentinel stays off with a warning, and the host is kept fit all the same")
        func noRawPackets() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                var host = try SetupHost(scratch, .direct)
                try host.write(host.configuration(without: "sentinel"))
                try host.openToAll()
                host.runner = Self.nobody(",+net_admin")
                let problem = try host.judge()
                let agent = try host.keptFit { try problem() == nil }
                let output = try agent.output
                #expect(output.contains("sentinel stays off") && output.contains("CAP_NET_RAW"), "\(output)")
                #expect(try host.stop(agent) == 0)
            }
        }

        @Test("an interface that vanishes and returns while the agent runs: routes, rules and sysctls are there again")
        func returningInterface() throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                let host = try SetupHost(scratch, .direct)
                let before = try host.text()
                let problem = try host.judge()
                let agent = try host.keptFit { try problem() == nil }
                let kept = try host.text()
                try Command.require("ip link del eth0")
                // Gone long enough for the agent to look, and to say that it cannot mend this.
                try Deadline.block(until: "a word of it in the log") { try agent.output.contains("is not there") }
                // What does not depend on the interface stays.
                #expect(try Command.require("ip addr show dev lo").output.contains("192.0.2.10/32"))
                #expect(try Command.require("ip rule show").output.contains("from 192.0.2.10 lookup 9380"))
                try SetupHost.perform(SetupHost.making(0))
                try Deadline.block(until: "the repair") { try problem() == nil }
                try SetupHost.settle()
                let difference = HostText.difference(kept, try host.text())
                #expect(difference.isEmpty, "\(difference)")
                #expect(try host.stop(agent) == 0)
                try host.expectAsBefore(before)
            }
        }

        @Test("a new interface: with arp_block who-has is never answered, without it no longer once it is covered")
        func newInterface() throws {
            for isBlocked in [true, false] {
                let scratch = try ScratchDirectory()
                let figures = try FreshNamespace.run {
                    let host = try SetupHost(scratch, .direct)
                    if !isBlocked { try host.write(host.configuration(without: "arp_block")) }
                    let problem = try host.judge()
                    let agent = try host.keptFit { try problem() == nil }
                    var figures: [String] = []
                    for number in 2...11 {
                        let (near, far) = ("eth\(number)", "peer\(number)")
                        // It is there and up before the agent can look: what is measured is the agent's time alone.
                        agent.signal(SIGSTOP)
                        try SetupHost.perform([
                            "ip link add \(near) type veth peer name \(far)", "ip link set \(far) arp off up",
                            "ip addr add 10.0.\(number).11/24 dev \(near)", "ip link set \(near) up",
                        ])
                        try SetupHost.settle()
                        let wire = try ARPWire(interface: far)
                        func isAnswered() throws -> Bool {
                            try !wire.answers(
                                for: [Self.vip], then: IPv4Address(10, 0, UInt8(number), 11),
                                sender: IPv4Address(10, 0, UInt8(number), 99)
                            ).isEmpty
                        }
                        #expect(try isAnswered() == !isBlocked)
                        agent.signal(SIGCONT)
                        let clock = ContinuousClock()
                        let start = clock.now
                        var (asked, answered) = (0, 0)
                        var last = Duration.zero
                        // Until it has been silent for a while: how soon that is depends on what else the machine does.
                        var silences = 0
                        while silences < 20, clock.now - start < .seconds(60) {
                            asked += 1
                            silences += 1
                            guard try isAnswered() else { continue }
                            answered += 1
                            silences = 0
                            last = clock.now - start
                        }
                        figures.append("\(answered) of \(asked), the last after \(last / .milliseconds(1)) ms")
                        #expect(answered == 0 || !isBlocked)
                        #expect(silences == 20, "still answered when the wire was left")
                    }
                    #expect(try host.stop(agent) == 0)
                    return figures
                }
                print("who-has on a new interface, arp_block \(isBlocked): \(figures.joined(separator: " · "))")
            }
        }
    }
}
