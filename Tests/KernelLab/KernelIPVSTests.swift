import Lab
import Testing

extension TheKernelLab {
    /// The same backends and the same agent under Debian's kernel, with the kernel's own IPVS as the director.
    @Suite("IPVS as the director")
    struct KernelIPVSTests {
        @Test("ipvsadm -g and our agents: spread evenly, answered straight, drained with proof, put back")
        func directRouting() async throws {
            let lab = try await Lab()
            let fleet = Fleet(on: lab)
            try await clearing(lab) { try await judge(fleet) }
        }

        private func judge(_ fleet: Fleet) async throws {
            let lab = fleet.lab
            var before: [String: String] = [:]
            for host in lab.backends {
                try await fleet.configureAgent(on: host)
                before[host.name] = try await host.text()
                try await fleet.startWebServer(on: host)
                try await fleet.startAgent(on: host)
            }
            let capture = try await Capture(on: lab.client, name: "client", filter: "arp or (tcp and host \(Lab.vip))")
            try await lab.director.require("ip addr add \(Lab.vip)/32 dev eth0")
            try await lab.director.require("ipvsadm -A -t \(Lab.vip):80 -s rr")
            for host in lab.backends {
                try await Deadline.wait(until: "\(host.name) to be up") {
                    try await weight(of: host, asSeenBy: lab.director) == "100"
                }
                try await lab.director.require("ipvsadm -a -t \(Lab.vip):80 -r \(host.address):80 -g -w 100")
            }
            try await fleet.ready()

            let spread = try await answers(30, fleet)
            #expect(spread == ["rs1": 10, "rs2": 10, "rs3": 10])

            // What a director's own health check does with the agent's answer: the weight it reads becomes the server's.
            let drained = lab.backends[0]
            #expect(try await fleet.agent(drained, "drain web").status == 0)
            let told = try await weight(of: drained, asSeenBy: lab.director)
            #expect(told == "0")
            try await lab.director.require("ipvsadm -e -t \(Lab.vip):80 -r \(drained.address):80 -g -w \(told)")
            try await fleet.askUntilNoticed(drained)
            let waited = try await fleet.agent(drained, "drain web --wait --timeout 5m")
            #expect(waited.status == 0, "\(waited.text)")
            #expect(try await answers(20, fleet) == ["rs2": 10, "rs3": 10])
            #expect(try await lab.director.require("ipvsadm -Ln").output.contains("Route   0"))

            try await capture.stop()
            let wire = try await Scenario.wire(capture)
            #expect(Set(wire.answers.keys) == Set(lab.backends.map { "\($0.mac)" }))
            #expect(Set(wire.owners.keys) == ["\(lab.director.mac)"])

            try await fleet.stop()
            for host in lab.backends {
                let difference = HostText.difference(before[host.name] ?? "", try await host.text())
                #expect(difference.isEmpty, "\(host.name): \(difference)")
            }
        }

        private func weight(of host: LabHost, asSeenBy director: LabHost) async throws -> String {
            let answer = try await director.run(["curl", "-s", "http://\(host.address):9380/weight/web"])
            return String(answer.output.prefix { $0 != "\n" })
        }

        private func answers(_ count: Int, _ fleet: Fleet) async throws -> [String: Int] {
            var counts: [String: Int] = [:]
            for _ in 0..<count { counts[try await fleet.request().server ?? "lost", default: 0] += 1 }
            return counts
        }
    }
}
