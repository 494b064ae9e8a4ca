import Lab
import Testing

extension TheLab {
    /// The README, command by command, on hosts that look as it says: `/etc`, `/run` and `/var/lib` are a host's own.
    @Suite("README.md")
    struct ReadmeTests {
        @Test("every command in it works, in its order, with the configurations it shows")
        func commands() async throws {
            let readme = try Readme()
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                for host in lab.backends { try await fleet.startWebServer(on: host) }
                // Those of the backends that the README does not log in to.
                for host in lab.backends.dropFirst() { try await fleet.startAgent(on: host) }
                let agentFile = "/etc/rsagent/rsagent.toml"
                let directorFile = "/etc/rsdirector/rsdirector.toml"
                let backend = try await Machine(
                    lab.backends[0], files: [agentFile: try #require(readme.file(agentFile))])
                let director = try await Machine(
                    lab.director, files: [directorFile: try #require(readme.file(directorFile))])

                #expect(readme.commands.count > 20)
                for command in readme.commands {
                    // These have tests of their own: they are about this machine, not about a backend.
                    if command.hasPrefix("make ") {
                        #expect(["make demo", "make test", "make install"].contains(command))
                        continue
                    }
                    let machine = command.contains("rsdirector") ? director : backend
                    if command == "rsagent teardown" { try await backend.stopDaemons() }
                    try await follow(command, on: machine)
                }
                try await director.stopDaemons()
            }
        }

        @Test(
            "the configurations it shows beside are valid ones",
            arguments: ["tunnel.toml", "health.toml", "director.toml", "outbound.toml", "joining.toml", "joined.toml"])
        func configurations(_ name: String) throws {
            let scratch = try ScratchDirectory()
            try scratch.write(try #require(try Readme().file(name)), to: name)
            let product =
                ["director.toml", "outbound.toml", "joined.toml"].contains(name) ? Product.director : Product.agent
            let check = try Command.run([product, "config", "check", "--config", "\(scratch.path)/\(name)"])
            #expect(check.status == 0, "\(check.text)")
        }

        @Test("adding a server is installing it, with the two files it shows")
        func joining() async throws {
            let readme = try Readme()
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let token = "0123456789abcdef0123456789abcdef\n"
                let director = try await Machine(
                    lab.director,
                    files: [
                        "/etc/rsdirector/rsdirector.toml": try #require(readme.file("joined.toml")),
                        "/etc/rsdirector/join-token": token,
                    ])
                try await director.startUnit("rsdirector")
                var servers: [Machine] = []
                for host in lab.backends {
                    try await fleet.startWebServer(on: host)
                    let server = try await Machine(
                        host,
                        files: [
                            "/etc/rsagent/rsagent.toml": try #require(readme.file("joining.toml")),
                            "/etc/rsagent/join-token": token,
                        ])
                    try await server.startUnit("rsagent")
                    servers.append(server)
                }
                try await fleet.ready()
                let status = try await director.run("rsdirector status")
                #expect(status.output.ranges(of: "joined").count == lab.backends.count, "\(status.text)")
                for server in servers { try await server.stopDaemons() }
                let after = try await director.run("rsdirector status")
                #expect(!after.output.contains("joined") && after.status == 0, "\(after.text)")
                try await director.stopDaemons()
            }
        }

        /// Types a command until it ends as it should: what was started a moment ago needs one until it is up.
        private func follow(_ command: String, on machine: Machine) async throws {
            if command.hasPrefix("systemctl enable --now ") {
                try await machine.startUnit(String(command.split(separator: " ").last ?? ""))
                return
            }
            // A drained or broken server is not up, and a host not yet set up has changes pending: both are said by status.
            let good: Set<Int32> =
                switch command {
                case "rsagent plan": [0, 2]
                case "rsagent status", "rsagent status --json", "rsagent doctor": [0, 1]
                default: [0]
                }
            try await Deadline.wait(until: command) {
                let run = try await machine.run(command)
                guard good.contains(run.status), !run.output.isEmpty else { return false }
                // Who asks for health gets it once the agent is up and the first checks have passed.
                return !command.hasSuffix("/health/web") || run.output == "up\n"
            }
        }
    }

    /// A lab's host with a file system of its own where it matters: a mount namespace in which `/etc` is laid over, and
    /// `/run` and `/var/lib` are empty.
    private final class Machine {
        private let host: LabHost
        private let keeper: LabProcess
        private let path: String
        private var daemons: [LabProcess] = []

        init(_ host: LabHost, files: [String: String]) async throws {
            self.host = host
            path = "\(host.directory)/machine"
            let script = """
                set -e
                mkdir -p \(path)/etc \(path)/work \(path)/bin
                ln -s \(Product.agent) \(Product.director) \(path)/bin/
                mount -t overlay overlay -o lowerdir=/etc,upperdir=\(path)/etc,workdir=\(path)/work /etc
                mount -t tmpfs tmpfs /run
                mount -t tmpfs tmpfs /var/lib
                \(files.map { "mkdir -p $(dirname \($0.key)); cat >\($0.key) <<'END'\n\($0.value)END\n" }.joined())
                echo ready
                exec sleep infinity
                """
            keeper = try await host.start(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", script], log: "machine")
            try await Deadline.wait(until: "the machine's file system") { [keeper] in
                if keeper.exitStatus != nil { throw LabError("machine: \(try keeper.output)") }
                return try keeper.output.contains("ready")
            }
        }

        private func inside(_ command: String) -> [String] {
            [
                "nsenter", "-t", "\(keeper.pid)", "-m", "env", "PATH=\(path)/bin:/usr/sbin:/usr/bin:/sbin:/bin", "sh",
                "-c", command,
            ]
        }

        /// Types a command.
        func run(_ command: String) async throws -> Command { try await host.run(inside(command)) }

        /// Does what systemd does on `systemctl start`, by the unit as it is in the checkout.
        func startUnit(_ name: String) async throws {
            let unit = try await Command.run(["cat", "\(Repository.path)/systemd/\(name).service"]).output
            let setting = { (key: String) in
                unit.split(separator: "\n").first { $0.hasPrefix("\(key)=") }
                    .map { String($0.dropFirst(key.count + 1)).replacing("/usr/local/sbin/", with: "") } ?? ""
            }
            let check = try await run(setting("ExecStartPre"))
            guard check.status == 0 else { throw LabError("\(name): \(check.text)") }
            for (parent, key) in [("/run", "RuntimeDirectory"), ("/var/lib", "StateDirectory")]
            where !setting(key).isEmpty {
                _ = try await run("mkdir \(parent)/\(setting(key))")
            }
            daemons.append(try await host.start(inside("exec \(setting("ExecStart"))"), log: name))
        }

        /// Does what `systemctl stop` does.
        func stopDaemons() async throws {
            for daemon in daemons {
                guard try await daemon.stop() == 0 else {
                    throw LabError("a daemon did not end well: \(try daemon.output)")
                }
            }
            daemons = []
        }
    }
}
