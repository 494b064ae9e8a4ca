import Lab
import Testing

extension TheLab {
    /// The README's lines for HAProxy, in a real one: the agent's word is what it does.
    @Suite("HAProxy", .enabled(if: HAProxy.isAvailable, "there is no haproxy; make prerequisites brings it in"))
    struct HAProxyTests {
        @Test(
            "as the README sets it up, it takes a drained server out softly, and back, and a dead one out",
            arguments: ["http", "tcp"])
        func follows(mode: String) async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let server = lab.backends[0]
                try await fleet.startWebServer(on: server)
                try await fleet.startAgent(on: server)
                let haproxy = try await HAProxy(on: lab.director, mode: mode)

                try await haproxy.wait(for: "UP", code: "200")
                #expect(try await request(lab) == server.name)

                let download = try await lab.client.start(
                    [
                        "curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", "\(url(lab))slow",
                    ], log: "download")
                try await Deadline.wait(until: "the download to be under way") { try await haproxy.sessions() == 1 }
                #expect(try await fleet.agent(server, "drain web").status == 0)
                try await haproxy.wait(for: "NOLB", code: "404")
                #expect(try await request(lab) == nil)
                #expect(download.exitStatus == nil, "it was over before the drain was seen, and so proves nothing")
                // SRV_ST_STOPPING (management.txt, show servers state): up, and soft-stopping.
                #expect(try await haproxy.state()["srv_op_state"] == "3")
                #expect(try await download.ended(limit: .seconds(60)) == 0)
                #expect(try download.output == "\(WebServer.bigSize)")
                // HAProxy stands in `directors`, and its next check says that it acts.
                let waited = try await fleet.agent(server, "drain web --wait --timeout 20s")
                #expect(waited.status == 0, "\(waited.text)")
                let status = try await fleet.agent(server, "status").output
                #expect(status.contains("\(lab.director.address): HAProxy lb1 has web/rs1 NOLB"), "\(status)")

                #expect(try await fleet.agent(server, "undrain web").status == 0)
                try await haproxy.wait(for: "UP", code: "200")
                #expect(try await request(lab) == server.name)

                fleet.webServers[server.name]?.kill()
                try await haproxy.wait(for: "DOWN", code: "503")
                try await haproxy.process.stop()
            }
        }

        @Test("one that says it sends on has not noticed, however often it is told; when it fails the server, it has")
        func sendsOn() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let server = lab.backends[0]
                try await fleet.startWebServer(on: server)
                try await fleet.startAgent(on: server)
                // Without disable-on-404 it takes many failures here until it acts.
                let stubborn = try await HAProxy(on: lab.director, mode: "http") {
                    $0.replacing("    http-check disable-on-404\n", with: "")
                        .replacing("inter 1s", with: "inter 200ms fall 1000")
                }
                try await stubborn.wait(for: "UP", code: "200")
                let unheard = try await fleet.agent(server, "drain web --wait --timeout 6s")
                #expect(unheard.status == 4, "\(unheard.text)")
                // "UP 970/1000" in the statistics, too; and it is so: the client's requests go there.
                #expect(try await stubborn.state()["srv_op_state"] == "2")
                #expect(try await request(lab) == server.name)
                var status = try await fleet.agent(server, "status").output
                #expect(status.contains("not yet acknowledged by \(lab.director.address)"), "\(status)")
                #expect(status.contains("HAProxy lb1 has web/rs1 UP"), "\(status)")
                try await stubborn.process.stop()

                let quick = try await HAProxy(on: lab.director, mode: "http") {
                    $0.replacing("    http-check disable-on-404\n", with: "").replacing("inter 1s", with: "inter 200ms")
                }
                try await quick.wait(for: "DOWN", code: "404")
                let waited = try await fleet.agent(server, "drain web --wait --timeout 20s")
                #expect(waited.status == 0, "\(waited.text)")
                status = try await fleet.agent(server, "status").output
                #expect(status.contains("HAProxy lb1 has web/rs1 DOWN"), "\(status)")
                #expect(try await quick.state()["srv_op_state"] == "0")
                try await quick.process.stop()
            }
        }

        @Test(
            "as the README sets its agent check up: weight, drain, maint, a restart of the agent, death, told by HAProxy itself"
        )
        func followsTheLine() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                let server = lab.backends[0]
                try await fleet.startWebServer(on: server)
                let configuration = fleet.agentConfiguration(
                    for: server, more: "agent_check = \"\(server.address):9381\"")
                try await fleet.startAgent(on: server, configuration)
                let haproxy = try await HAProxy(on: lab.director, mode: "http", backend: 1) {
                    $0 + "    http-check send-state\n"
                }
                func expect(_ status: String, weight: String, administered: Int) async throws {
                    try await haproxy.wait(for: status, weight: weight)
                    let state = try await haproxy.state()
                    #expect(state["srv_admin_state"] == "\(administered)", "\(status): \(state)")
                }
                func run(_ command: String) async throws {
                    let run = try await fleet.agent(server, command)
                    #expect(run.status == 0, "\(run.text)")
                }
                // srv_admin_state (management.txt, show servers state): 0x01 forced maintenance, 0x08 forced drain.
                try await expect("UP", weight: "100", administered: 0)
                #expect(try await request(lab) == server.name)
                try await run("weight web 40")
                try await expect("UP", weight: "40", administered: 0)
                try await run("weight web auto")
                try await expect("UP", weight: "100", administered: 0)

                try await run("drain web --wait --timeout 60s")
                try await expect("DRAIN", weight: "100", administered: 8)
                // That it drains does not show in what it sends, which then proves nothing either way.
                let told = try await fleet.agent(server, "status").output
                #expect(told.contains("HAProxy lb1 has web/rs1 UP"), "\(told)")
                #expect(try await request(lab) == nil)
                // kill -9, so that it has no time to say goodbye: what is drained stays so.
                fleet.agents[server.name]?.signal(9)
                try await fleet.agents[server.name]?.ended()
                try await fleet.startAgent(on: server, configuration)
                try await expect("DRAIN", weight: "100", administered: 8)
                try await run("undrain web")
                try await expect("UP", weight: "100", administered: 0)

                try await run("maint web")
                try await expect("MAINT", weight: "100", administered: 1)
                #expect(try await request(lab) == nil)
                try await run("undrain web")
                try await expect("UP", weight: "100", administered: 0)
                #expect(try await request(lab) == server.name)

                fleet.webServers[server.name]?.kill()
                try await expect("DOWN", weight: "100", administered: 0)
                try await fleet.replaceWebServer(on: server)
                try await expect("UP", weight: "100", administered: 0)
                try await haproxy.process.stop()
            }
        }

        private func url(_ lab: Lab) -> String { "http://\(lab.director.address)/" }

        /// Which backend answers the client through HAProxy; nil where none does.
        private func request(_ lab: Lab) async throws -> String? {
            let answer = try await lab.client.run([
                "curl", "-s", "-o", "/dev/null", "--max-time", "10", "-w", "%header{x-server}", url(lab),
            ])
            return answer.output.isEmpty ? nil : answer.output
        }
    }
}

/// A real HAProxy on a lab's director, port 80, with the README's backend.
private struct HAProxy {
    static let isAvailable = (try? Command.require("haproxy -v")) != nil

    let process: LabProcess
    private let host: LabHost
    private static let statistics = 8404
    private static let commands = 8405

    /// - Parameters:
    ///   - number: which of the README's backends.
    ///   - change: makes of its lines what is to be instead.
    init(
        on host: LabHost, mode: String, backend number: Int = 0, change: (String) -> String = { $0 }
    ) async throws {
        self.host = host
        let backends = try Readme().blocks.filter { $0.lines.first == "backend web" }
        let backend = try #require(backends.count > number ? backends[number] : nil)
        let file = try await host.write(
            """
            global
                log stdout format raw local0
                node lb1
                stats socket ipv4@127.0.0.1:\(Self.commands)
            defaults
                mode \(mode)
                log global
                timeout connect 2s
                timeout client 30s
                timeout server 30s
            frontend www
                bind \(host.address):80
                default_backend web
            frontend statistics
                mode http
                bind \(host.address):\(Self.statistics)
                stats enable
                stats uri /

            \(change(backend.text))
            """, to: "haproxy.cfg")
        process = try await host.start(["haproxy", "-db", "-f", file], log: "rs-haproxy")
    }

    /// Waits until HAProxy calls the server `status` and has it from an answer with this HTTP status.
    func wait(for status: String, code: String) async throws {
        try await wait(for: ["status": status, "check_code": code])
    }

    /// Waits until HAProxy calls the server `status` and gives it this weight.
    func wait(for status: String, weight: String) async throws {
        try await wait(for: ["status": status, "weight": weight])
    }

    private func wait(for wanted: [String: String]) async throws {
        var seen: [String: String] = [:]
        do {
            try await Deadline.wait(until: "rs1 to be \(wanted)") {
                seen = try await server()
                // "DRAIN (agent)": whose word it is stands behind it.
                return wanted.allSatisfy { seen[$0.key]?.split(separator: " (").first == $0.value[...] }
            }
        } catch {
            throw LabError("\(error); last seen: \(seen)")
        }
    }

    /// What `show servers state` has of the server, by the names of its columns.
    func state() async throws -> [String: String] {
        let script = "exec 3<>/dev/tcp/127.0.0.1/\(Self.commands); echo show servers state web >&3; cat <&3"
        let answer = try await host.run(["bash", "-c", script]).output
        let rows = answer.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        guard let names = rows.first(where: { $0.first == "#" }), let values = rows.first(where: { $0.contains("rs1") })
        else { throw LabError("show servers state: \(answer)") }
        return Dictionary(zip(names.dropFirst(), values)) { first, _ in first }
    }

    /// The number of requests that are with the server now.
    func sessions() async throws -> Int { Int(try await server()["scur"] ?? "") ?? 0 }

    /// What `show stat` has of the server, by the names of its columns; empty until HAProxy answers.
    private func server() async throws -> [String: String] {
        if process.exitStatus != nil { throw LabError("haproxy: \(try process.output)") }
        let answer = try await host.run(["curl", "-s", "http://\(host.address):\(Self.statistics)/;csv"])
        let rows = answer.output.split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let names = rows.first, let values = rows.first(where: { $0.starts(with: ["web", "rs1"]) }) else {
            return [:]
        }
        return Dictionary(zip(names, values)) { first, _ in first }
    }
}
