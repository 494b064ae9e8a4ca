import Glibc
import Lab
import Testing

extension TheKernelLab.KernelIPVSTests {
    @Test(
        "keepalived and ldirectord, as the README sets them up, take a drained server's weight, give it back, and see it die",
        arguments: DirectorDaemon.tried)
    func followsTheAgent(daemon: DirectorDaemon) async throws {
        let lab = try await Lab()
        do {
            try await judge(daemon, Fleet(on: lab))
        } catch {
            let logs = try? await Command.run(["sh", "-c", "tail -n 40 \(lab.directory.path)/*/*.log"])
            Issue.record("\(logs?.output ?? "")")
            try await lab.remove()
            throw error
        }
        try await lab.remove()
    }

    private func judge(_ daemon: DirectorDaemon, _ fleet: Fleet) async throws {
        let lab = fleet.lab
        let server = lab.backends[0]
        try await fleet.startWebServer(on: server)
        try await fleet.startAgent(on: server)
        try await lab.director.require("ip addr add \(Lab.vip)/32 dev eth0")
        let process = try await daemon.start(on: lab.director)
        try await wait(for: "100", of: server, process, lab)
        try await Deadline.wait(until: "an answer") { try await fleet.request().server == server.name }

        if daemon == .keepalivedByWeight {
            #expect(try await fleet.agent(server, "weight web 40").status == 0)
            try await wait(for: "40", of: server, process, lab)
            #expect(try await fleet.agent(server, "weight web auto").status == 0)
            try await wait(for: "100", of: server, process, lab)
        }

        let connection = try await OpenConnection(from: lab.client)
        #expect(try await fleet.agent(server, "drain web").status == 0)
        try await wait(for: "0", of: server, process, lab)
        #expect(try await connection.request().contains("X-Server: \(server.name)"))
        // The daemon's host stands in `directors`: that it asked is all the acknowledgement there can be.
        let waited = try await fleet.agent(server, "drain web --wait --timeout 5m")
        #expect(waited.status == 0, "\(waited.text)")

        // kill -9, so that it has no time to say goodbye: what is drained stays so.
        fleet.agents[server.name]?.signal(9)
        try await fleet.agents[server.name]?.ended()
        try await fleet.startAgent(on: server)
        try await wait(for: "0", of: server, process, lab)

        #expect(try await fleet.agent(server, "undrain web").status == 0)
        try await wait(for: "100", of: server, process, lab)
        #expect(try await fleet.request().server == server.name)

        #expect(try await fleet.agent(server, "maint web").status == 0)
        try await wait(for: "0", of: server, process, lab)
        #expect(try await fleet.agent(server, "undrain web").status == 0)
        try await wait(for: "100", of: server, process, lab)

        fleet.webServers[server.name]?.kill()
        try await wait(for: "0", of: server, process, lab)
        try await process.stop()
    }

    /// Waits until the kernel's table has the server with this weight. It must not leave the table meanwhile: its
    /// connections would go with it.
    private func wait(for weight: String, of server: LabHost, _ daemon: LabProcess, _ lab: Lab) async throws {
        var isKnown = false
        try await Deadline.wait(until: "the weight of \(server.name) to be \(weight)", every: .milliseconds(100)) {
            if daemon.exitStatus != nil { throw LabError("\(daemon.arguments): \(try daemon.output)") }
            // `  -> 10.0.0.11:80  Route  100  0  0`
            let table = try await lab.director.require("ipvsadm -Ln").output
            let line = table.split(separator: "\n").map { $0.split(separator: " ") }
                .first { $0.count > 3 && $0[1] == "\(server.address):80" }
            guard let line else {
                if isKnown || weight == "0" { throw LabError("\(server.name) was removed: \(table)") }
                return false
            }
            isKnown = true
            return line[2] == "Route" && line[3] == weight
        }
    }
}

/// A daemon that fills the kernel's IPVS table by its own checks.
enum DirectorDaemon: String, CaseIterable, CustomTestStringConvertible {
    case keepalived, ldirectord
    /// keepalived with a check of its own kind, MISC_CHECK, which tells the weight too.
    case keepalivedByWeight = "keepalived, MISC_CHECK"

    /// A MISC_CHECK is a process for each question, which takes an emulated machine seconds where it has a core to itself, and
    /// longer than anything waits where it has not: that one is tried with `RSLAB_MISC_CHECK=1` alone.
    static let tried: [DirectorDaemon] =
        getenv("RSLAB_MISC_CHECK") == nil ? [.keepalived, .ldirectord] : [.keepalivedByWeight]

    var testDescription: String { rawValue }

    /// The README's lines for it; its programs are those under test.
    private var configuration: String {
        get throws {
            let readme = try Readme()
            let name = self == .ldirectord ? "ldirectord" : "keepalived"
            let text = try #require(readme.fragment(of: name))
            guard self == .keepalivedByWeight else { return text }
            let check = try #require(readme.blocks.first { $0.lines.first?.contains("MISC_CHECK {") == true })
            let start = try #require(text.firstRange(of: "        HTTP_GET {"))
            let end = try #require(text.firstRange(of: "\n        }\n"))
            return (text[..<start.lowerBound] + check.text + "\n" + text[end.upperBound...])
                .replacing("/usr/local/sbin/rsagent", with: Product.agent)
                // An emulated process takes seconds.
                .replacing("--keepalived", with: "--keepalived --timeout 30s")
                .replacing("misc_timeout 2", with: "misc_timeout 40")
        }
    }

    /// Starts it with the README's lines and nothing else. All its files are the host's own.
    func start(on host: LabHost) async throws -> LabProcess {
        let file = try await host.write(try configuration, to: "director.conf")
        switch self {
        case .keepalived, .keepalivedByWeight:
            return try await host.start(
                [
                    "keepalived", "--dont-fork", "--log-console", "--no-syslog", "--check", "--use-file", file,
                    "--pid", "\(host.directory)/keepalived.pid",
                    "--checkers_pid", "\(host.directory)/checkers.pid",
                ], log: "keepalived")
        case .ldirectord:
            // It knows ipvsadm only where Debian installs it; in debug mode, in which it stays in the foreground and writes
            // no files, also in its working directory.
            let script = """
                cd \(host.directory) && ln -s "$(command -v ipvsadm)" ipvsadm && exec ldirectord -d \(file) start
                """
            return try await host.start(["sh", "-c", script], log: rawValue)
        }
    }
}

/// A connection from the client to the VIP that is open and says nothing until it is told to.
private struct OpenConnection {
    private let process: LabProcess
    private let flag: String

    init(from client: LabHost) async throws {
        flag = "\(client.directory)/speak"
        let script = """
            exec 3<>/dev/tcp/\(Lab.vip)/80 && echo open || exit
            until [[ -e "$1" ]]; do sleep 0.1; done
            printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
            cat <&3
            """
        process = try await client.start(["bash", "-c", script, "connection", flag], log: "connection")
        try await Deadline.wait(until: "the connection") { [process] in
            if process.exitStatus != nil { throw LabError("connection: \(try process.output)") }
            return try process.output.contains("open")
        }
    }

    /// Sends a request through it; returns all of the answer.
    func request() async throws -> String {
        _ = try await Command.run(["touch", flag])
        try await process.ended()
        return try process.output
    }
}
