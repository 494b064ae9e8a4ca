import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// The programs as an operator meets them: exit statuses, words, and what they touch.
    @Suite("The command line")
    struct CommandLineTests {
        /// A host with one interface to another end, and a valid configuration; `body` gets the configuration's path.
        private static func onHost(_ body: @escaping @Sendable (String, ScratchDirectory) throws -> Void) throws {
            let scratch = try ScratchDirectory()
            try FreshNamespace.run {
                for scope in ["all", "default"] { try Sysctl.set("net.ipv6.conf.\(scope).disable_ipv6=1") }
                try Command.require("ip link set lo up")
                try Command.require("ip link add eth0 type veth peer name peer0")
                for name in ["eth0", "peer0"] { try Command.require("ip link set \(name) up") }
                try Command.require("ip link set peer0 arp off")
                try Command.require("ip addr add 10.0.0.11/24 dev eth0")
                try scratch.write(
                    """
                    interface = "eth0"
                    run_dir   = "\(scratch.path)/run"
                    state_dir = "\(scratch.path)/state"
                    [[service]]
                    name = "web"
                    vip  = "192.0.2.10"
                    port = 80

                    """, to: "rsagent.toml")
                try body("\(scratch.path)/rsagent.toml", scratch)
            }
        }

        private static func expectUntouched(
            _ scratch: ScratchDirectory, while body: () throws -> Void, _ location: SourceLocation = #_sourceLocation
        ) throws {
            let before = try HostText.read(filesBelow: scratch.path)
            try body()
            let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
            #expect(difference.isEmpty, "\(difference)", sourceLocation: location)
        }

        @Test(
            "a usage error exits with 64 and says what is known",
            arguments: [
                [Product.agent, "sing"], [Product.agent, "apply", "--fast"],
                [Product.agent, "weight", "web", "65536"], [Product.agent, "weight", "web"],
                [Product.agent, "drain", "--timeout", "soon"], [Product.agent, "drain", "--force"],
                [Product.director, "sing"], [Product.director, "status", "--loud"],
            ])
        func usage(arguments: [String]) throws {
            let run = try Command.run(arguments)
            #expect(run.status == 64)
            #expect(run.errors.contains("Usage:"))
        }

        @Test(
            "plan exits with 2 while something is to be done, prints commands that do it, and with 0 once they are done"
        )
        func plan() throws {
            try Self.onHost { file, _ in
                let plan = try Command.run([Product.agent, "plan", "--config", file])
                #expect(plan.status == 2)
                for line in plan.output.split(separator: "\n") where !line.contains("#") {
                    // The machine may be without sysctl(8): the test sets what it would set.
                    if line.hasPrefix("sysctl -w ") {
                        try Sysctl.set(line.dropFirst("sysctl -w ".count))
                    } else {
                        try Command.require(String(line))
                    }
                }
                #expect(try Command.run([Product.agent, "plan", "--config", file]).status == 0)
            }
        }

        @Test("every mistake in the file is named with its line, key and cure, and nothing is touched")
        func badConfiguration() throws {
            try Self.onHost { _, scratch in
                try scratch.write(
                    "interfce = \"eth0\"\n[[service]]\nname = \"web\"\nvip = \"192.0.2.0/24\"\nport = 80\n",
                    to: "bad.toml")
                let file = "\(scratch.path)/bad.toml"
                for command in ["apply", "teardown", "run", "plan"] {
                    try Self.expectUntouched(scratch) {
                        let run = try Command.run([Product.agent, command, "--config", file])
                        #expect(run.status == 1)
                        #expect(run.errors.contains("\(file):1: interfce: "), "\(run.errors)")
                        #expect(run.errors.contains("\(file):4: service[0].vip: "), "\(run.errors)")
                    }
                }
            }
        }

        @Test("an interface that is not there is named by plan, apply and run; teardown does without it")
        func missingInterface() throws {
            try Self.onHost { file, scratch in
                #expect(try Command.run([Product.agent, "apply", "--config", file]).status == 0)
                try Command.require("ip link del eth0")
                for command in ["plan", "apply", "run"] {
                    let run = try Command.run([Product.agent, command, "--config", file])
                    #expect(run.status == 1 && run.errors.contains("there is no interface eth0"), "\(run.text)")
                }
                let teardown = try Command.run([Product.agent, "teardown", "--config", file])
                #expect(teardown.status == 0, "\(teardown.text)")
                #expect(try !Command.require("ip addr show dev lo").output.contains("192.0.2.10"))
            }
        }

        @Test("a missing capability is named before anything is touched", arguments: ["apply", "teardown", "run"])
        func capability(command: String) throws {
            try Self.onHost { file, scratch in
                try Self.expectUntouched(scratch) {
                    let run = try Command.run([
                        "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", Product.agent, command,
                        "--config",
                        file,
                    ])
                    #expect(run.status == 1)
                    #expect(run.errors.contains("CAP_NET_ADMIN is missing, nothing was touched"), "\(run.errors)")
                }
            }
        }

        @Test("the agent runs with CAP_NET_ADMIN alone, as the unit starts it")
        func leastPrivilege() throws {
            try Self.onHost { file, _ in
                let run = try Command.run([
                    "setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all", Product.agent, "apply", "--config",
                    file,
                ])
                #expect(run.status == 0, "\(run.text)")
                #expect(try Command.run([Product.agent, "teardown", "--config", file]).status == 0)
            }
        }

        @Test("where everything but the run directory is read-only, as the unit makes it, nothing else is written")
        func readOnly() throws {
            try Self.onHost { file, scratch in
                let script = """
                    set -e
                    cd \(scratch.path) && mkdir run
                    mount --bind . . && mount --bind run run && mount -o remount,bind,ro .
                    \(Product.agent) apply --config \(file)
                    test -e run/journal
                    \(Product.agent) plan --config \(file)
                    \(Product.agent) teardown --config \(file)
                    test ! -e run/journal
                    """
                let run = try Command.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
                #expect(run.status == 0, "\(run.text)")
            }
        }

        @Test("an agent that runs holds the namespace: apply, teardown and a second run are refused with its pid")
        func second() async throws {
            try await withAgent { host, file, agent in
                for command in ["apply", "teardown", "run"] {
                    let run = try await host.run([Product.agent, command, "--config", file])
                    #expect(run.status == 1)
                    #expect(run.errors.contains("another rsagent (pid \(agent.pid))"), "\(run.errors)")
                }
                // With a run directory of its own it would still be a second one.
                let other = try await host.write(
                    try await Command.run(["sed", "s|/var/run|/var/other|", file]).output, to: "other.toml")
                let run = try await host.run([Product.agent, "run", "--config", other])
                #expect(run.status == 1 && run.errors.contains("another rsagent"), "\(run.errors)")
            }
        }

        @Test("while it runs: a VIP taken away comes back, a sysctl set back is set again, a new interface is silenced")
        func kept() async throws {
            try await withAgent { host, file, _ in
                try await host.require("ip addr del \(Lab.vip)/32 dev lo")
                try await host.set("net.ipv4.conf.eth0.arp_ignore=0")
                try await host.require("ip link add late0 type veth peer name late1")
                try await Deadline.wait(until: "the repair") {
                    try await host.run([Product.agent, "plan", "--config", file]).status == 0
                }
                let values = try await host.run([
                    "cat", "/proc/sys/net/ipv4/conf/late0/arp_ignore", "/proc/sys/net/ipv4/conf/late1/arp_announce",
                ])
                #expect(values.output == "1\n2\n")
            }
        }

        @Test("after kill -9 of the agent, teardown gives the host back, the control socket's place included")
        func teardownAfterKill() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                try await fleet.configureAgent(on: host)
                let before = try await host.text()
                try await fleet.startAgent(on: host)
                fleet.agents[host.name]?.signal(9)
                try await fleet.agents[host.name]?.ended()
                #expect(HostText.difference(before, try await host.text()).contains("run/control.sock"))
                #expect(try await fleet.agent(host, "teardown").status == 0)
                let difference = HostText.difference(before, try await host.text())
                #expect(difference.isEmpty, "\(difference)")
            }
        }

        @Test("a drain survives kill -9 and a restart, and the host is still put back in the end")
        func drainSurvives() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                try await fleet.configureAgent(on: host)
                let before = try await host.text()
                try await fleet.startAgent(on: host)
                #expect(try await fleet.agent(host, "drain", "web", "--reason", "disk").status == 0)
                let generation = try await self.generation(host)
                fleet.agents[host.name]?.signal(9)
                try await fleet.agents[host.name]?.ended()
                #expect(
                    try await host.require("ip addr show dev lo").output.contains("\(Lab.vip)/32"),
                    "kill -9 leaves the VIP"
                )
                try await fleet.startAgent(on: host)
                let status = try await fleet.agent(host, "status")
                #expect(status.status == 1 && status.output.contains("draining"), "\(status.text)")
                #expect(status.output.contains("disk"))
                #expect(try await self.generation(host) > generation, "the generation never goes back")
                try await fleet.stop()
                let difference = HostText.difference(before, try await host.text())
                #expect(difference.isEmpty, "\(difference)")
            }
        }

        @Test(
            "drain --wait: 4 where no director takes notice, 5 where somebody undrains, 3 where a connection stays open"
        )
        func drainOutcomes() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                try await fleet.startWebServer(on: host)
                try await fleet.startAgent(on: host)
                try await Deadline.wait(until: "the service to be up") {
                    try await fleet.agent(host, "status").status == 0
                }
                let unheard = try await fleet.agent(host, "drain", "web", "--wait", "--timeout", "1s")
                #expect(unheard.status == 4, "\(unheard.text)")

                let waiting = try await host.start(
                    [Product.agent, "drain", "web", "--wait", "--config", "\(host.directory)/rsagent.toml"],
                    log: "waiting")
                try await Deadline.wait(until: "the wait") { try waiting.output.contains("waiting for 10.0.0.1") }
                #expect(try await fleet.agent(host, "undrain", "web").status == 0)
                #expect(try await waiting.ended() == 5)

                // A director that asks, and a client who keeps a connection open.
                try await lab.client.require("ip neigh replace \(Lab.vip) lladdr \(host.mac) dev eth0")
                let client = try await lab.client.start(
                    ["curl", "-s", "-o", "/dev/null", "http://\(Lab.vip)/slow"], log: "slow")
                try await Deadline.wait(until: "the connection") {
                    try await fleet.agent(host, "status", "--json").output.contains("\"connections\":1")
                }
                _ = try await fleet.agent(host, "drain", "web")
                try await fleet.askUntilNoticed(host)
                let open = try await fleet.agent(host, "drain", "web", "--wait", "--timeout", "2s")
                #expect(open.status == 3 && open.output.contains("1 connection is open"), "\(open.text)")
                // By force it is ended, at once, and the drain is proven as any other.
                let forced = try await fleet.agent(host, "drain", "web", "--wait", "--timeout", "0s", "--force")
                #expect(forced.status == 0 && forced.output.contains("ended by force: 1 connection"), "\(forced.text)")
                #expect(try await client.ended() != 0, "the client got a reset")
                #expect(try await host.run(["curl", "-s", "http://\(Lab.vip)/"]).status == 0, "the listener stays")
                let log = try #require(fleet.agents[host.name]).output
                #expect(log.contains("ended 1 open connections of web") && log.contains("uid=0"), "\(log)")
            }
        }

        @Test("a director that sends on after it acknowledged is named, in the report, the log and the wait")
        func stillSending() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                try await fleet.startWebServer(on: host)
                try await fleet.startAgent(on: host)
                _ = try await fleet.agent(host, "drain", "web")
                try await fleet.askUntilNoticed(host)
                try await Deadline.wait(until: "the drain to be proven") {
                    try await fleet.agent(host, "status").output.contains("drained")
                }
                // The director hands over what is the client's: as a router would, with its own MAC.
                try await lab.director.set("net.ipv4.ip_forward=1")
                try await lab.director.require("ip route add \(Lab.vip)/32 via \(host.address)")
                try await lab.client.require("ip neigh replace \(Lab.vip) lladdr \(lab.director.mac) dev eth0")
                let alarm = "director \(lab.director.address) still sends new connections"
                try await Deadline.wait(until: "the alarm") {
                    _ = try await lab.client.run(["curl", "-s", "-o", "/dev/null", "http://\(Lab.vip)/"])
                    return try await fleet.agent(host, "status", "--json").output.contains(alarm)
                }
                let waited = try await fleet.agent(host, "drain", "web", "--wait", "--timeout", "1s")
                #expect(waited.status == 3 && waited.output.contains("warning: \(alarm)"), "\(waited.text)")
                let log = try #require(fleet.agents[host.name]).output
                #expect(log.split(separator: "\n").count { $0.contains(alarm) } == 1, "\(log)")
                #expect(try await fleet.agent(host, "undrain", "web").status == 0)
                #expect(try await !fleet.agent(host, "status", "--json").output.contains(alarm))
            }
        }

        @Test("the waiter may be interrupted: the drain stays, and it says so; maint is not replaced by a drain")
        func interrupted() async throws {
            try await withAgent { host, file, _ in
                let waiting = try await host.start(
                    [Product.agent, "drain", "web", "--wait", "--config", file], log: "waiting")
                try await Deadline.wait(until: "the wait") { try waiting.output.contains("waiting for 10.0.0.1") }
                waiting.signal(2)
                #expect(try await waiting.ended() == 130)
                #expect(try waiting.output.contains("interrupted: web stays drained, until `rsagent undrain`"))
                let status = { try await host.run([Product.agent, "status", "--config", file]) }
                #expect(try await status().output.contains("draining"))

                #expect(try await host.run([Product.agent, "maint", "web", "--config", file]).status == 0)
                let refused = try await host.run([Product.agent, "drain", "web", "--wait", "--config", file])
                #expect(refused.status == 1 && refused.errors.contains("maint by hand"), "\(refused.text)")
                #expect(try await status().output.contains("maint"))
            }
        }

        @Test("a stop waits for open connections; a second signal cuts that short, and the host is put back as ever")
        func impatient() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                try await fleet.startWebServer(on: host)
                try await fleet.configureAgent(on: host)
                let before = try await host.text()
                try await fleet.startAgent(on: host)
                try await lab.client.require("ip neigh replace \(Lab.vip) lladdr \(host.mac) dev eth0")
                let client = try await lab.client.start(
                    ["curl", "-s", "-o", "/dev/null", "http://\(Lab.vip)/slow"], log: "slow")
                try await Deadline.wait(until: "the connection") {
                    try await fleet.agent(host, "status", "--json").output.contains("\"connections\":1")
                }
                let agent = try #require(fleet.agents[host.name])
                agent.signal(2)
                try await Deadline.wait(until: "the wait") {
                    try agent.output.contains("waiting for 1 open connections")
                }
                #expect(agent.exitStatus == nil)
                agent.signal(2)
                #expect(try await agent.ended() == 0)
                #expect(try agent.output.contains("asked to stop again: 1 open connections are cut"))
                client.signal(9)
                let difference = HostText.difference(before, try await host.text())
                #expect(difference.isEmpty, "\(difference)")
            }
        }

        @Test("a flood of idle connections to the report neither ends the agent nor makes its host look unfit")
        func flood() throws {
            try Self.onHost { file, scratch in
                let agent = try LabProcess(
                    ["prlimit", "--nofile=1024:4096", Product.agent, "run", "--config", file],
                    log: "\(scratch.path)/agent.log")
                let status = { try Command.run([Product.agent, "status", "--json", "--config", file]) }
                try Deadline.block(until: "the agent to answer") { try status().output.contains("\"state\":\"up\"") }
                let flood = try Connections(1_100, to: IPv4Address(10, 0, 0, 11), port: 9380)
                for _ in 0..<20 {
                    let answer = try status()
                    #expect(answer.status == 0 && answer.output.contains("\"state\":\"up\""), "\(answer.text)")
                }
                #expect(agent.exitStatus == nil)
                withExtendedLifetime(flood) {}
                agent.signal(15)
                try Deadline.block(until: "the agent to end") { agent.exitStatus == 0 }
            }
        }

        private func generation(_ host: LabHost) async throws -> Int {
            let report = try await host.require("curl -s http://\(host.address):9380/v1/report").output
            let digits = report.split(separator: "\"generation\":").last?.prefix { $0.isNumber }
            return try #require(digits.flatMap { Int($0) })
        }

        private func withAgent(_ body: (LabHost, String, LabProcess) async throws -> Void) async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let host = lab.backends[0]
                try await fleet.startAgent(on: host)
                try await body(host, "\(host.directory)/rsagent.toml", try #require(fleet.agents[host.name]))
                try await fleet.stop()
            }
        }
    }
}
