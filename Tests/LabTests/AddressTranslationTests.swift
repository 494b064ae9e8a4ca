import Lab
import Testing

extension TheLab {
    /// Network address translation: real nginx on another port of the servers' own addresses, our agents, our director.
    @Suite("Network address translation")
    struct AddressTranslationTests {
        static let url = "http://\(Lab.vip):8080/"

        private func agentConfiguration(_ fleet: Fleet, _ host: LabHost) -> String {
            fleet.agentConfiguration(for: host, more: "forward = \"nat\"\nreal_port = 80\n")
                .replacing("port = 80\nforward", with: "port = 8080\nforward")
        }

        private func directorConfiguration(_ fleet: Fleet) -> String {
            fleet.directorConfiguration { _ in "port = 80" }
                .replacing("port      = 80\n", with: "port      = 8080\nforward   = \"nat\"\n")
        }

        /// Who answered each of so many requests of one client, in order; empty where nobody did.
        private func answers(_ count: Int, on lab: Lab) async throws -> [Substring] {
            let run = try await lab.client.run([
                "curl", "-s", "-o", "/dev/null", "--max-time", "60", "-H", "Connection: close", "-w",
                "%header{x-server}\\n", "\(Self.url)?[1-\(count)]",
            ])
            return run.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        }

        @Test(
            "requests, a download and an upload come through whole, by way of the director both ways; a drain loses none"
        )
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                for host in lab.backends {
                    try await fleet.startWebServer(on: host)
                    try await fleet.startAgent(on: host, agentConfiguration(fleet, host))
                }
                try await fleet.startDirector(directorConfiguration(fleet))
                try await Deadline.wait(until: "three servers behind the VIP", limit: .seconds(40)) {
                    if let director = fleet.director, director.exitStatus != nil { throw LabError(try director.output) }
                    return Set(try await self.answers(6, on: lab)) == Set(lab.backends.map { Substring($0.name) })
                }
                let first = lab.backends[0]
                let atClient = try await Capture(on: lab.client, name: "client", filter: "tcp")
                let atServer = try await Capture(
                    on: first, name: "server", filter: "tcp and host \(lab.client.address)")

                // 1. Small ones, spread in turn.
                let spread = try await answers(300, on: lab)
                let byServer = Dictionary(grouping: spread, by: \.self).mapValues(\.count)
                #expect(byServer == Dictionary(uniqueKeysWithValues: lab.backends.map { (Substring($0.name), 100) }))

                // 2. Large ones, byte for byte: super-packets with partial checksums, both ways.
                for number in 1...3 {
                    let file = "\(lab.client.directory)/big\(number)"
                    let got = try await lab.client.run([
                        "curl", "-s", "-o", file, "--max-time", "60", "-w", "%header{x-server}", "\(Self.url)big",
                    ])
                    let documents = try #require(fleet.webServers[got.output]?.documents, "\(got.text)")
                    #expect(try await Command.run(["cmp", file, "\(documents)/big"]).status == 0)
                    let put = try await lab.client.run([
                        "curl", "-s", "-T", file, "--max-time", "60", "-w", "%header{x-server} %{http_code}",
                        "\(Self.url)upload/\(number)",
                    ])
                    let words = put.output.split(separator: " ")
                    #expect(words.last == "201", "\(put.text)")
                    let store = try #require(fleet.webServers[words.first.map(String.init) ?? ""]?.documents)
                    #expect(try await Command.run(["cmp", file, "\(store)/upload/\(number)"]).status == 0)
                }

                // 3. Drained, with the client's connections counted on the server's own address.
                let drained = try await fleet.agent(first, "drain web --wait --timeout 20s")
                #expect(drained.status == 0, "\(drained.text)")
                let others = try await answers(100, on: lab)
                #expect(Set(others) == Set(lab.backends.dropFirst().map { Substring($0.name) }))
                #expect(try await fleet.directorSays(of: first).dropFirst(2).prefix(2) == ["Masq", "0"])
                #expect(try await fleet.agent(first, "undrain web").status == 0)

                // 4. What the wire says: nobody but the director talks to the client, in the VIP's name; the server saw the
                //    client's own address, its own as destination, and the director's MAC.
                try await atClient.stop()
                try await atServer.stop()
                #expect(try await atClient.sources("src host \(Lab.vip)").keys.sorted() == ["\(lab.director.mac)"])
                #expect(try await atClient.frames("not host \(Lab.vip) and not port 9380").isEmpty)
                #expect(try await atServer.frames("host \(Lab.vip)").isEmpty)
                let questions = "src host \(lab.client.address) and dst host \(first.address) and dst port 80"
                #expect(try await atServer.sources(questions).keys.sorted() == ["\(lab.director.mac)"])
                let figures = try await fleet.director("status").output
                #expect(figures.contains("Masq"), "\(figures)")
                try await fleet.stop()
            }
        }
    }
}
