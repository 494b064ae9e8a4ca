import Glibc
import Lab
import NetworkAddress
import Testing

extension TheLab {
    /// Two directors with the same file, neither of which knows of the other: the VIP is the first one's as long as it lives.
    @Suite("A director takes over from another")
    struct TakeoverTests {
        private func file(for director: LabHost, _ lab: Lab) -> String {
            """
            interface = ["eth0"]
            run_dir   = "\(director.directory)/var/run"
            [[service]]
            name      = "web"
            vip       = "\(Lab.vip)"
            port      = 80
            scheduler = "mh"
            sloppy    = true

            """
                + lab.backends.prefix(2).map { "[[service.server]]\naddress = \"\($0.address)\"\nagent = false\n" }
                .joined()
        }

        private func start(on host: LabHost, _ lab: Lab) async throws -> LabProcess {
            _ = try await Command.run(["mkdir", "-p", "\(host.directory)/var"])
            let file = try await host.write(file(for: host, lab), to: "rsdirector.toml")
            return try await host.start([Product.director, "run", "--config", file], log: "rsdirector")
        }

        private func status(on host: LabHost) async throws -> String {
            try await host.run([Product.director, "status", "--config", "\(host.directory)/rsdirector.toml"]).text
        }

        @Test(
            "the VIP is asked for first and left to who has it; once that one is dead it is claimed, announced and defended, and connections go on"
        )
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                // The third backend is the second director.
                let (first, second) = (lab.director, lab.backends[2])
                for host in lab.backends.prefix(2) {
                    try await fleet.startWebServer(on: host)
                    try await host.hold([Lab.vip])
                }
                let arp = try await Capture(on: lab.client, name: "arp", filter: "arp and host \(Lab.vip)")
                let active = try await start(on: first, lab)
                try await Deadline.wait(until: "the first director to serve", limit: .seconds(40)) {
                    if active.exitStatus != nil { throw LabError(try active.output) }
                    return try await fleet.request().server != nil
                }
                // A client's address says which server is its, to any director with these servers.
                let name = try #require(try await fleet.request().server)
                let server = try #require(lab.backends.first { $0.name == name })
                let wire = try await Capture(
                    on: server, name: "wire", filter: "src host \(lab.client.address) and dst host \(Lab.vip)")

                // 1. The other asks, is told, and stays silent.
                let standby = try await start(on: second, lab)
                try await Deadline.wait(until: "the second director to leave the VIP alone", limit: .seconds(40)) {
                    if standby.exitStatus != nil { throw LabError(try standby.output) }
                    return try await self.status(on: second).contains("not answered, \(first.mac) has it")
                }
                let upload = try await Upload(
                    of: "\(server.directory)/nginx/documents/big", from: lab.client, to: "\(Lab.vip)", on: server)

                // 2. The first one dies. The second finds nobody there, and a connection it never saw goes on.
                active.signal(SIGKILL, toGroup: true)
                try await active.ended()
                try await Deadline.wait(until: "the second director to have the VIP", limit: .seconds(60)) {
                    let status = try await self.status(on: second)
                    return !status.contains("not answered") && status.contains("-> \(server.address)")
                }
                #expect(upload.isOpen)
                #expect(try await upload.finish() == nil)
                #expect(try await fleet.request().server == name, "the client's server is who it was")

                // 3. The first one is back, and leaves it to who has it now.
                let returned = try await start(on: first, lab)
                try await Deadline.wait(until: "the first director to leave the VIP alone", limit: .seconds(40)) {
                    if returned.exitStatus != nil { throw LabError(try returned.output) }
                    return try await self.status(on: first).contains("not answered, \(second.mac) has it")
                }
                #expect(try await fleet.request().server == name)

                // What the wire says (RFC 5227): each asked before it had it, as nobody, and then announced it, twice where it lived that
                // long.
                for (host, least) in [(first, 1), (second, 2)] {
                    let probes = try await arp.frames("arp[6:2] = 1 and arp src host 0.0.0.0 and ether src \(host.mac)")
                    #expect(probes.count >= 3, "\(host.name): \(probes)")
                    let announced = try await arp.frames(
                        "arp[6:2] = 1 and arp src host \(Lab.vip) and ether src \(host.mac)")
                    #expect(announced.count >= least, "\(host.name): \(announced)")
                }
                let claims = try await arp.frames("arp src host \(Lab.vip)")
                let owners = claims.compactMap { line in
                    [first, second].first { line.contains(" \($0.mac) > ") }?.name
                }
                #expect(owners.count == claims.count, "others: \(claims)")
                // Never both: the first one's all come before the second's.
                #expect(owners == owners.filter { $0 == first.name } + owners.filter { $0 == second.name }, "\(owners)")
                let senders = try await wire.sources("tcp")
                #expect(Set(senders.keys) == ["\(first.mac)", "\(second.mac)"])

                for process in [standby, returned] {
                    let (status, said) = (try await process.stop(), try process.output)
                    #expect(status == 0, "\(said)")
                }
                try await fleet.stop()
            }
        }
    }
}
