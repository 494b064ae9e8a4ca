import Glibc
import Lab
import Testing

extension TheLab {
    /// A director that is started again while clients download: real nginx, curl and tcpdump.
    @Suite("A director's restart")
    struct RestartTests {
        static let port = "5555"

        /// Downloads `/slow`, some 25 s, from the VIP's port with a director that is ended on the way and started again; returns how
        /// the director ended.
        func download(
            _ fleet: Fleet, from vipPort: Int, _ configuration: String, ending signal: Int32
        ) async throws -> Int32 {
            let lab = fleet.lab
            let file = "\(lab.client.directory)/slow"
            let capture = try await Capture(on: lab.client, name: "client", filter: "tcp port \(Self.port)")
            let curl = try await lab.client.start(
                [
                    "curl", "-s", "-o", file, "--max-time", "90", "--local-port", Self.port, "-w",
                    "%header{x-server} %{http_code} %{size_download}", "http://\(Lab.vip):\(vipPort)/slow",
                ], log: "slow")
            let size = { Int(try await Command.run(["stat", "-c", "%s", file]).output.filter(\.isNumber)) ?? 0 }
            try await Deadline.wait(until: "the download is under way") { try await size() > 200_000 }
            let director = try #require(fleet.director)
            let status = try await director.stop(signal)
            #expect(curl.exitStatus == nil, "it must be going on")
            try await fleet.startDirector(configuration)
            try await curl.ended(limit: .seconds(100))
            let words = try curl.output.split(separator: " ")
            #expect(words.dropFirst() == ["200", "\(WebServer.bigSize)"], "\(words)")
            let documents = try #require(fleet.webServers[words.first.map(String.init) ?? ""]?.documents)
            #expect(try await Command.run(["cmp", file, "\(documents)/big"]).status == 0)
            try await capture.stop()
            // One connection, from its SYN to its FIN, and nobody reset it.
            #expect(try await capture.frames("tcp[tcpflags] & tcp-rst != 0").isEmpty)
            #expect(try await capture.frames("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn").count == 1)
            #expect(try await capture.sources("src host \(Lab.vip)").count == 1)
            return status
        }

        @Test(
            "stopped and started, with NAT and any scheduler: its connections go on, and its clients stay with their servers"
        )
        func stopped() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                for host in lab.backends {
                    try await fleet.startWebServer(on: host)
                    try await fleet.startAgent(
                        on: host,
                        fleet.agentConfiguration(for: host, more: "forward = \"nat\"\nreal_port = 80\n")
                            .replacing("port = 80\nforward", with: "port = 8080\nforward"))
                }
                let configuration = fleet.directorConfiguration { _ in "port = 80\nfall = 60" }.replacing(
                    "port      = 80\n", with: "port      = 8080\nforward   = \"nat\"\npersistence = \"5m\"\n")
                try await fleet.startDirector(configuration)
                let ask = {
                    try await lab.client.run([
                        "curl", "-s", "-o", "/dev/null", "--max-time", "10", "-w", "%header{x-server}",
                        "http://\(Lab.vip):8080/",
                    ]).output
                }
                try await Deadline.wait(until: "the VIP answers", limit: .seconds(40)) { try await !ask().isEmpty }
                let server = try await ask()
                #expect(try await download(fleet, from: 8080, configuration, ending: SIGTERM) == 0)
                let log = try #require(try fleet.director?.output)
                #expect(log.contains("resumed ") && log.contains("and the persistence of 1 clients"), "\(log)")
                for _ in 0..<5 { #expect(try await ask() == server) }
                try await Self.waits(for: server, with: fleet, configuration)
                let flows = "\(lab.director.directory)/var/run/flows"
                #expect(access(flows, F_OK) != 0, "it was read, and is of the past")
                try await fleet.stop()
                #expect(access(flows, F_OK) == 0)
            }
        }

        /// Starts the director again while the agent of the client's server is silent: the client waits for it, and is not given to
        /// others, which are up.
        private static func waits(for server: String, with fleet: Fleet, _ configuration: String) async throws {
            let lab = fleet.lab
            let agent = try #require(fleet.agents[server])
            agent.signal(SIGSTOP)
            defer { agent.signal(SIGCONT) }
            try await fleet.director?.stop()
            try await fleet.startDirector(configuration)
            try await Deadline.wait(until: "all others are up", limit: .seconds(40)) {
                for host in lab.backends where host.name != server {
                    guard try await fleet.directorSays(of: host).contains("up") else { return false }
                }
                return true
            }
            let curl = try await lab.client.start(
                [
                    "curl", "-s", "-o", "/dev/null", "--max-time", "60", "-w", "%header{x-server}",
                    "http://\(Lab.vip):8080/",
                ], log: "waiting")
            try await Deadline.wait(until: "its packets are dropped", limit: .seconds(40)) {
                #expect(curl.exitStatus == nil, "it must be waiting")
                return try await fleet.director("status --json").output.contains("serverUnresolved")
            }
            agent.signal(SIGCONT)
            try await curl.ended(limit: .seconds(60))
            #expect(try curl.output == server)
        }

        @Test("killed and started, with mh and sloppy: packets in the middle of a connection find its server again")
        func killed() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                try await fleet.startBackends()
                let configuration = fleet.directorConfiguration(scheduler: "mh").replacing(
                    "scheduler = \"mh\"", with: "scheduler = \"mh\"\nscheduler_flags = [\"port\"]\nsloppy = true")
                try await fleet.startDirector(configuration)
                try await fleet.ready()
                #expect(try await download(fleet, from: 80, configuration, ending: SIGKILL) == 128 + SIGKILL)
                #expect(try fleet.director?.output.contains("resumed ") == false, "nothing was saved")
                try await fleet.stop()
            }
        }
    }
}
