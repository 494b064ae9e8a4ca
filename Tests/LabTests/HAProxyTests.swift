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
                #expect(try await download.ended(limit: .seconds(60)) == 0)
                #expect(try download.output == "\(WebServer.bigSize)")
                // HAProxy stands in `directors`: that it asked is all the acknowledgement there can be.
                let waited = try await fleet.agent(server, "drain web --wait --timeout 20s")
                #expect(waited.status == 0, "\(waited.text)")

                #expect(try await fleet.agent(server, "undrain web").status == 0)
                try await haproxy.wait(for: "UP", code: "200")
                #expect(try await request(lab) == server.name)

                fleet.webServers[server.name]?.kill()
                try await haproxy.wait(for: "DOWN", code: "503")
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

    init(on host: LabHost, mode: String) async throws {
        self.host = host
        let readme = try Readme()
        let backend = try #require(readme.blocks.first { $0.lines.first == "backend web" })
        let file = try await host.write(
            """
            global
                log stdout format raw local0
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

            \(backend.text)
            """, to: "haproxy.cfg")
        process = try await host.start(["haproxy", "-db", "-f", file], log: "rs-haproxy")
    }

    /// Waits until HAProxy calls the server `status` and has it from an answer with this HTTP status.
    func wait(for status: String, code: String) async throws {
        var seen = ""
        do {
            try await Deadline.wait(until: "rs1 to be \(status)") {
                let server = try await server()
                seen = "\(server["status"] ?? "-") \(server["check_status"] ?? "-") \(server["check_code"] ?? "-")"
                return server["status"] == status && server["check_code"] == code
            }
        } catch {
            throw LabError("\(error); last seen: \(seen)")
        }
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
