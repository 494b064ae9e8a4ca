import Lab
import Testing

extension TheLab {
    /// The whole product on one machine: real nginx, curl and tcpdump, our agent and our director, in namespaces.
    @Suite("End to end")
    struct EndToEndTests {
        private func start(_ fleet: Fleet) async throws {
            try await fleet.startBackends()
            try await fleet.startDirector()
            try await fleet.ready()
        }

        @Test("requests are spread, a drain loses none, a death only what was in flight on it, and all is put back")
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let fleet = Fleet(on: lab)
                var before: [String: String] = [:]
                for host in lab.hosts {
                    try await fleet.configureAgent(on: host)
                    before[host.name] = try await host.text()
                }
                let capture = try await Capture(
                    on: lab.client, name: "client", filter: "arp or (tcp and host \(Lab.vip))")
                try await start(fleet)

                let spread = try await Scenario.requests(300, on: fleet, name: "spread")
                #expect(spread.lost.isEmpty, "\(spread.lost)")
                // Round robin: nobody is ahead by more than the requests under way.
                let counts = spread.byServer.values
                #expect(
                    counts.count == Lab.backendCount && (counts.max() ?? 0) - (counts.min() ?? 0) <= 8,
                    "\(spread.byServer)"
                )

                let drain = try await Scenario.drain(lab.backends[0], on: fleet, name: "drain")
                #expect(drain.exitStatus == 0, "\(drain.progress)")
                #expect(drain.requests.lost.isEmpty, "\(drain.requests.lost)")
                #expect(drain.downloaded == WebServer.bigSize)
                #expect(drain.returnedAfterDownload > 0)
                #expect(drain.afterwards == 0)
                #expect(try await fleet.agent(lab.backends[0], "status").output.contains("drained"))
                #expect(try await fleet.agent(lab.backends[0], "undrain web").status == 0)
                try await fleet.ready()

                let death = try await Scenario.kill(lab.backends[1], on: fleet, name: "kill")
                #expect(death.lostElsewhere.isEmpty, "\(death.lostElsewhere)")
                #expect(death.requests.lost.count < death.requests.all.count / 4, "\(death.requests.lost)")
                try await fleet.replaceWebServer(on: lab.backends[1])
                try await fleet.ready()

                try await capture.stop()
                let wire = try await Scenario.wire(capture)
                #expect(Set(wire.answers.keys) == Set(lab.backends.map { "\($0.mac)" }))
                #expect(Set(wire.owners.keys) == ["\(lab.director.mac)"])
                #expect(Set(wire.announcers.keys) == ["\(lab.director.mac)"])

                try await fleet.stop()
                for host in lab.hosts {
                    let difference = try await lab.changes(on: host, since: before[host.name] ?? "")
                    #expect(difference.isEmpty, "\(host.name): \(difference)")
                }
            }
        }
    }
}
