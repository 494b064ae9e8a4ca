import Glibc
import Lab
import Testing

extension TheLab {
    /// A director without servers in its file, and agents that join it by themselves.
    @Suite("Joining")
    struct JoinTests {
        private static let token = "the-right-token-0123456789abcdef"
        private static let otherToken = "another-token-0123456789abcdef"

        private func directorConfiguration(_ lab: Lab) async throws -> String {
            let token = try await lab.director.write(Self.token + "\n", to: "join-token")
            return """
                interface = ["eth0"]
                run_dir   = "\(lab.director.directory)/var/run"

                [join]
                listen     = "\(lab.director.address):9391"
                token_file = "\(token)"
                lease      = "20s"

                [[service]]
                name      = "web"
                vip       = ["\(Lab.vip)"]
                port      = 80
                scheduler = "rr"

                """
        }

        private func startAgent(
            on host: LabHost, of fleet: Fleet, _ configuration: String? = nil, token: String = token
        ) async throws {
            let file = try await host.write(token + "\n", to: "join-token")
            let joining = """

                [[join]]
                director   = "http://\(fleet.lab.director.address):9391"
                token_file = "\(file)"

                """
            try await fleet.startAgent(on: host, (configuration ?? fleet.agentConfiguration(for: host)) + joining)
        }

        /// Waits until the director's log has `words`; returns what came before them.
        @discardableResult
        private func logged(_ words: String, by director: LabProcess?) async throws -> Substring {
            try await Deadline.wait(for: "the director to log: \(words)", limit: .seconds(40)) {
                let output = try director?.output ?? ""
                return output.firstRange(of: words).map { output[..<$0.lowerBound] }
            }
        }

        @Test("a server that is installed gets traffic, one that stops goes drained, one that is killed with its lease")
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let configuration = try await directorConfiguration(lab)
                try await fleet.startDirector(configuration)
                for host in lab.backends { try await fleet.startWebServer(on: host) }

                // 1. Who has another token is refused, told so once on both sides, and nothing is added.
                let stranger = lab.backends[2]
                try await startAgent(on: stranger, of: fleet, token: Self.otherToken)
                try await Deadline.wait(until: "the agent with the wrong token to say so") {
                    let status = try await fleet.agent(stranger, "status").output
                    return status.contains(":9391  refused") && status.contains("wrong token")
                }
                try await logged("refused: wrong token from \(stranger.address)", by: fleet.director)
                #expect(try await fleet.director("status").output.contains("-> 10.") == false)

                // 2. The others are servers as soon as their agents run, and get what clients send.
                var captures: [Capture] = []
                for host in lab.backends {
                    let filter = "tcp and dst host \(Lab.vip) and dst port 80 and ether src \(lab.director.mac)"
                    captures.append(try await Capture(on: host, name: "joined", filter: filter))
                }
                let joined = Array(lab.backends.prefix(2))
                for host in joined { try await startAgent(on: host, of: fleet) }
                try await fleet.ready(servers: joined.count)
                for host in joined {
                    #expect(Array(try await fleet.directorSays(of: host).suffix(2)) == ["up", "joined"])
                    #expect(try await fleet.agent(host, "status").output.contains(":9391  joined  web"))
                }
                for capture in captures { try await capture.stop() }
                let opened = try await captures.asyncMap { try await $0.frames("tcp[tcpflags] & tcp-syn != 0").count }
                #expect(opened[0] > 0 && opened[1] > 0 && opened[2] == 0, "\(opened)")

                // 3. They stay through a reload of the file, which does not have them, and through a restart.
                #expect(try await fleet.director("reload").status == 0)
                for host in joined { #expect(try await fleet.directorSays(of: host).last == "joined") }
                let log = try fleet.director?.output ?? ""
                #expect(log.ranges(of: "refused: wrong token from \(stranger.address)").count == 1)
                #expect(!log.contains(Self.token) && !log.contains(Self.otherToken))
                #expect(try await fleet.director?.stop() == 0)
                try await fleet.startDirector(configuration)
                try await fleet.ready(servers: joined.count)
                #expect(try #require(fleet.director).output.contains("took 2 servers back that had joined"))

                // 4. An agent that stops drains, and leaves then.
                let agent = try #require(fleet.agents[joined[0].name])
                #expect(try await agent.stop(limit: .seconds(40)) == 0)
                #expect(try agent.output.contains("left http://\(lab.director.address):9391"))
                let before = try await logged("server \(joined[0].address), which joined, goes", by: fleet.director)
                #expect(before.contains("server \(joined[0].address) is draining"))
                #expect(try await fleet.directorSays(of: joined[0]) == [])
                try await fleet.ready(servers: 1)

                // 5. One that is killed is down by its polls, and gone with its lease.
                fleet.agents[joined[1].name]?.signal(SIGKILL)
                try await logged("server \(joined[1].address) is down", by: fleet.director)
                #expect(try await fleet.directorSays(of: joined[1]).contains("down"))
                let gone = "server \(joined[1].address), which joined, goes: its agent has not said"
                #expect(try await logged(gone, by: fleet.director).contains("server \(joined[1].address) is down"))
                try await Deadline.wait(until: "nobody to be a server") {
                    try await fleet.director("status").output.contains("-> 10.") == false
                }

                // 6. The stranger never was one, and its agent told so once each time that it became so.
                let words = try #require(fleet.agents[stranger.name]).output
                let told = words.split(separator: "\n").compactMap { line in
                    ["refuses this server: wrong token", "cannot join "].first { line.contains($0) }
                }
                #expect(told.contains { $0.hasPrefix("refuses") }, "\(words)")
                #expect(zip(told, told.dropFirst()).allSatisfy { $0 != $1 }, "\(words)")
                #expect(!words.contains(Self.otherToken))
                #expect(try await fleet.director?.stop() == 0)
                #expect(try await fleet.agents[stranger.name]?.stop() == 0)
                #expect(access("\(lab.director.directory)/var/run/joined", F_OK) != 0, "nobody is left who had joined")
            }
        }

        @Test(
            "stopped and started, with NAT: what a client downloads from a server that joined, with a port of its own, goes on"
        )
        func stopped() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                for host in lab.backends { try await fleet.startWebServer(on: host) }
                let configuration = try await directorConfiguration(lab).replacing(
                    "port      = 80\n", with: "port      = 8080\nforward   = \"nat\"\n")
                try await fleet.startDirector(configuration)
                let agent = { (host: LabHost) in
                    fleet.agentConfiguration(for: host, more: "forward = \"nat\"\nreal_port = 80\n")
                        .replacing("port = 80\nforward", with: "port = 8080\nforward")
                }
                for host in lab.backends { try await startAgent(on: host, of: fleet, agent(host)) }
                try await Deadline.wait(until: "the VIP answers", limit: .seconds(40)) {
                    try await lab.client.run(["curl", "-sf", "--max-time", "5", "http://\(Lab.vip):8080/"]).status == 0
                }
                let words = try await fleet.director("status").output
                #expect(
                    words.contains("-> \(lab.backends[0].address):80 "), "what the agent says is real_port: \(words)")
                #expect(
                    try await TheLab.RestartTests().download(fleet, from: 8080, configuration, ending: SIGTERM) == 0)
                let log = try #require(fleet.director).output
                #expect(log.contains("took 3 servers back that had joined") && log.contains("resumed "), "\(log)")
                try await fleet.stop()
            }
        }

        @Test(
            "killed and started, with mh and sloppy: connections to servers that joined go on, and one drained by hand stays so"
        )
        func killed() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                for host in lab.backends { try await fleet.startWebServer(on: host) }
                let configuration = try await directorConfiguration(lab).replacing(
                    "scheduler = \"rr\"", with: "scheduler = \"mh\"\nscheduler_flags = [\"port\"]\nsloppy = true")
                try await fleet.startDirector(configuration)
                for host in lab.backends { try await startAgent(on: host, of: fleet) }
                try await fleet.ready()
                let status = try await TheLab.RestartTests().download(fleet, from: 80, configuration, ending: SIGKILL)
                #expect(status == 128 + SIGKILL)
                let log = try #require(fleet.director).output
                #expect(log.contains("took 3 servers back that had joined") && !log.contains("resumed "), "\(log)")

                // Drained by hand, it leaves and joins again, and the director is killed once more.
                let host = lab.backends[0]
                #expect(try await fleet.director("drain web \(host.address)").status == 0)
                #expect(try await fleet.agents[host.name]?.stop(limit: .seconds(40)) == 0)
                #expect(try await fleet.directorSays(of: host) == [])
                try await startAgent(on: host, of: fleet)
                let isDrained = {
                    let words =
                        try await fleet.director("status").output.split(separator: "\n")
                        .first { $0.contains("-> \(host.address):") } ?? ""
                    return words.contains("draining") && words.contains("drained at the director")
                }
                try await Deadline.wait(until: "it has joined, drained", limit: .seconds(40)) { try await isDrained() }
                #expect(try await fleet.director?.stop(SIGKILL) == 128 + SIGKILL)
                try await fleet.startDirector(configuration)
                try await Deadline.wait(until: "it is drained after the restart", limit: .seconds(40)) {
                    try await isDrained()
                }
                #expect(try await fleet.director("undrain web \(host.address)").status == 0)
                try await Deadline.wait(until: "it serves again", limit: .seconds(40)) {
                    try await fleet.directorSays(of: host).contains("up")
                }
                try await fleet.stop()
            }
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
