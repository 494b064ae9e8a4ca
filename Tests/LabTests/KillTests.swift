import Lab
import Testing

extension TheLab {
    /// `kill -9` of the real `rsagent` at every system call that changes something, one after the other.
    ///
    /// strace delivers SIGKILL as the process enters the n-th call of a kind; n grows until a run gets through. So the steps are
    /// those the program really makes, whatever they are.
    @Suite("kill -9 at every step")
    struct KillTests {
        /// The system calls by which rsagent changes the kernel or a file.
        static let calls = ["sendmsg", "write", "fsync", "rename", "unlink", "mkdir", "rmdir", "flock"]

        private static let killed: Int32 = 128 + 9

        /// A host with two interfaces, one of them set so that it leaks, and a configuration.
        private static func host(_ scratch: ScratchDirectory) throws -> String {
            for scope in ["all", "default"] { try Sysctl.set("net.ipv6.conf.\(scope).disable_ipv6=1") }
            try Command.require("ip link set lo up")
            try Command.require("ip link add eth0 type veth peer name eth1")
            try Sysctl.set("net.ipv4.conf.eth0.arp_ignore=3")
            let file = "\(scratch.path)/rsagent.toml"
            try scratch.write(
                """
                interface = "eth0"
                run_dir   = "\(scratch.path)/run"
                state_dir = "\(scratch.path)/state"
                [[service]]
                name = "web"
                vip  = ["192.0.2.10", "192.0.2.11"]
                port = 80

                """, to: "rsagent.toml")
            return file
        }

        private static func agent(_ command: String, _ file: String) throws -> Command {
            try Command.run([Product.agent, command, "--config", file])
        }

        /// Runs `rsagent COMMAND`, killed as it enters the `number`-th `call`.
        private static func agent(_ command: String, _ file: String, killedAt call: String, _ number: Int) throws
            -> Int32
        {
            let run = try Command.run([
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                "inject=\(call):signal=SIGKILL:when=\(number)",
                Product.agent, command, "--config", file,
            ])
            guard run.status == 0 || run.status == killed else { throw LabError("exit \(run.status): \(run.text)") }
            return run.status
        }

        @Test("apply, killed at any call, is undone by teardown, and carried on by apply", arguments: calls)
        func apply(call: String) throws {
            let scratch = try ScratchDirectory()
            let kills = try FreshNamespace.run {
                let file = try Self.host(scratch)
                let before = try HostText.read(filesBelow: scratch.path)
                var number = 1
                while true {
                    let status = try Self.agent("apply", file, killedAt: call, number)
                    if number % 2 == 0 {
                        try Self.expect("apply", file)
                        #expect(try Self.agent("plan", file).status == 0)
                    }
                    try Self.expect("teardown", file)
                    let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
                    #expect(difference.isEmpty, "after \(call) number \(number): \(difference)")
                    if status == 0 { return number - 1 }
                    number += 1
                }
            }
            // Each of these calls is made at least once, else the list above is not what it says.
            #expect(kills > 0 || ["unlink", "rmdir"].contains(call), "\(call) was never entered")
        }

        @Test("teardown, killed at any call, is carried on by teardown", arguments: calls)
        func teardown(call: String) throws {
            let scratch = try ScratchDirectory()
            let kills = try FreshNamespace.run {
                let file = try Self.host(scratch)
                let before = try HostText.read(filesBelow: scratch.path)
                var number = 1
                while true {
                    try Self.expect("apply", file)
                    let status = try Self.agent("teardown", file, killedAt: call, number)
                    try Self.expect("teardown", file)
                    let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
                    #expect(difference.isEmpty, "after \(call) number \(number): \(difference)")
                    if status == 0 { return number - 1 }
                    number += 1
                }
            }
            #expect(kills > 0 || ["fsync", "mkdir"].contains(call), "\(call) was never entered")
        }

        private static func expect(_ command: String, _ file: String) throws {
            let run = try agent(command, file)
            #expect(run.status == 0, "\(command): \(run.text)")
        }
    }
}
